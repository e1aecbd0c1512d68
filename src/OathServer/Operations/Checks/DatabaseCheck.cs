using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Monitoring;
using OathServer.Secrets;
using OathServer.Storage;
using OathServer.Validation;

namespace OathServer.Operations.Checks;

/// <summary>The database, and what only it can tell: whether the key fits, whether the trail holds, how old the backup is.</summary>
internal static class DatabaseCheck
{
    private static readonly TimeSpan BackupTooOld = TimeSpan.FromHours(36);

    public static async Task<List<Finding>> RunAsync(IConfiguration configuration, CancellationToken cancel)
    {
        await using var host = OathHost.BuildStorage(makesFolder: false);
        var findings = new List<Finding>();
        if (!await ReachAsync(host.Services, configuration, findings, cancel))
        {
            return findings;
        }

        await using var scope = host.Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<OathDbContext>();
        if (await MigrationsAsync(db, findings, cancel) && await KeyFitsAsync(host.Services, db, findings, cancel))
        {
            await TrailAsync(host.Services, configuration, db, findings, cancel);
            await StandingAsync(db, findings, cancel);
            await StaffAsync(configuration, db, findings, cancel);
        }

        if (host.Services.GetRequiredService<ValidationPolicy>().Warning() is { } warning)
        {
            findings.Add(Finding.Warning("policy", warning, "See docs/settings.md."));
        }

        return findings;
    }

    /// <summary>Opens it as the server does, which refuses a connection that would not flush.</summary>
    private static async Task<bool> ReachAsync(IServiceProvider services, IConfiguration configuration, List<Finding> findings, CancellationToken cancel)
    {
        if (services.GetService<PostgreSqlConnections>() is { } postgreSql)
        {
            try
            {
                var asked = TimeProvider.System.GetUtcNow();
                await using var connection = await postgreSql.Own.OpenConnectionAsync(cancel);
                await using var ask = new NpgsqlCommand("SELECT clock_timestamp(), current_setting('server_version'), current_setting('synchronous_standby_names')", connection);
                await using var reader = await ask.ExecuteReaderAsync(cancel);
                await reader.ReadAsync(cancel);
                findings.Add(Finding.Good("database", $"PostgreSQL {reader.GetString(1)}, commits are flushed"));
                findings.Add(ClockCheck.Against("the database", reader.GetFieldValue<DateTimeOffset>(0) - asked));
                findings.Add(reader.GetString(2).Length == 0
                    ? Finding.Warning("standby", "no synchronous standby", "Without one, what was acknowledged is lost with the primary's disk; see docs/scale.md.")
                    : Finding.Good("standby", "commits wait for a synchronous standby"));
                return true;
            }
            catch (NpgsqlException fault)
            {
                findings.Add(Finding.Bad("database", postgreSql.Explain(fault)));
                return false;
            }
            catch (DurabilityException fault)
            {
                findings.Add(Finding.Bad("database", fault.Message));
                return false;
            }
        }

        var connections = services.GetRequiredService<SqliteConnections>();
        var file = new SqliteConnectionStringBuilder(connections.ConnectionString).DataSource;
        if (!File.Exists(file))
        {
            findings.Add(Finding.Warning("database", $"{file} is not there", "The first start makes it. If there was one, Data:Folder names the wrong place."));
            return false;
        }

        using var open = connections.Open();
        using var check = open.CreateCommand();
        check.CommandText = "PRAGMA quick_check(1)";
        var said = (string?)await check.ExecuteScalarAsync(cancel);
        findings.Add(said == "ok"
            ? Finding.Good("database", $"{file} is whole, commits are flushed")
            : Finding.Bad("database", $"{file} is damaged: {said}", "Stop the server and restore; see docs/backup.md."));
        if (configuration.GetValue(DiskReserve.SizeSetting, DiskReserve.DefaultMegabytes) > 0 && !File.Exists(Path.Combine(StorageServices.DataFolder(configuration), "reserve")))
        {
            findings.Add(Finding.Warning("reserve", "the reserve for a full disk is not in place", "Free space; the running server takes it again."));
        }

        return said == "ok";
    }

    private static async Task<bool> MigrationsAsync(OathDbContext db, List<Finding> findings, CancellationToken cancel)
    {
        var applied = (await db.Database.GetAppliedMigrationsAsync(cancel)).ToList();
        var known = db.Database.GetMigrations().ToList();
        var pending = known.Except(applied, StringComparer.Ordinal).ToList();
        var newer = applied.Except(known, StringComparer.Ordinal).ToList();
        if (newer.Count > 0)
        {
            findings.Add(Finding.Warning("schema", $"{newer.Count} migrations are of a newer program than this one", "Fine while nodes are upgraded one by one; not for long."));
        }

        findings.Add(pending.Count == 0
            ? Finding.Good("schema", "up to date")
            : Finding.Warning("schema", $"{pending.Count} migrations to apply", "The next start applies them. Back up first."));
        return pending.Count == 0;
    }

    private static async Task<bool> KeyFitsAsync(IServiceProvider services, OathDbContext db, List<Finding> findings, CancellationToken cancel)
    {
        Sealer sealer;
        try
        {
            sealer = services.GetRequiredService<Sealer>();
        }
        catch (InvalidOperationException fault)
        {
            findings.Add(Finding.Bad("sealing key", fault.Message));
            return false;
        }

        var canaries = await db.SealingKeys.AsNoTracking().ToListAsync(cancel);
        var opened = canaries.Count(c => Opens(sealer, c));
        findings.Add(opened == canaries.Count ? Finding.Good("sealing key", "it opens what this database sealed")
            : opened > 0 ? Finding.Warning("sealing key", $"{canaries.Count - opened} earlier keys are not here", "Finish the rotation (secrets rotate), or put them beside the key file.")
            : Finding.Bad("sealing key", "it is not the one this database was sealed with", "Put the right key file in place."));
        return opened > 0;
    }

    private static bool Opens(Sealer sealer, SealingKey key)
    {
        try
        {
            _ = sealer.Open(key.Canary, SealedPlace.Canary(key.Id));
            return true;
        }
        catch (SealBrokenException)
        {
            return false;
        }
    }

    private static async Task TrailAsync(
        IServiceProvider services, IConfiguration configuration, OathDbContext db, List<Finding> findings, CancellationToken cancel)
    {
        var trail = services.GetRequiredService<AuditTrail>();
        var anchors = services.GetRequiredService<Anchors>();
        var fault = await trail.VerifyAsync(db, cancel) ?? await anchors.FaultAsync(db, cancel);
        findings.Add(fault is null
            ? Finding.Good("audit trail", "every act is in its place, and the last anchor holds")
            : Finding.Bad("audit trail", fault, "Touch nothing; see docs/operations.md, \"The trail does not hold\"."));
        if (string.IsNullOrEmpty(configuration["Audit:AnchorFile"]) && string.IsNullOrEmpty(configuration["Audit:Syslog"]))
        {
            findings.Add(Finding.Warning("anchors", "they are kept beside the database", "Who can change one can change the other: set Audit:AnchorFile to another disk, or Audit:Syslog."));
        }
        else
        {
            findings.Add(Finding.Good("anchors", "kept elsewhere"));
        }
    }

    private static async Task StandingAsync(OathDbContext db, List<Finding> findings, CancellationToken cancel)
    {
        var now = TimeProvider.System.GetUtcNow();
        var standing = await Standing.ReadAsync(db, now, cancel);
        findings.Add(standing.LastBackup is not { } last ? Finding.Warning("backup", "there never was one", "OathServer backup; see docs/backup.md.")
            : now - last > BackupTooOld ? Finding.Warning("backup", $"the last one is {(now - last).TotalHours:0} hours old", "Look at the timer that makes them.")
            : Finding.Good("backup", $"the last one is {(now - last).TotalHours:0} hours old"));
        findings.Add(standing.UnknownPuk + standing.InDoubt > 0
            ? Finding.Warning("keys", $"{standing.UnknownPuk} with an unknown PUK, {standing.InDoubt} in doubt", "GET /v1/readiness names them; bring them back to a desk.")
            : Finding.Good("keys", $"{standing.Keys}, none with an unknown PUK or in doubt"));
        if (standing.WebhookWait > TimeSpan.FromMinutes(15))
        {
            findings.Add(Finding.Warning("webhooks", $"one was not told for {standing.WebhookWait.TotalMinutes:0} minutes", "GET /v1/webhooks says which and why."));
        }
    }

    private static async Task StaffAsync(IConfiguration configuration, OathDbContext db, List<Finding> findings, CancellationToken cancel) =>
        findings.Add(OpenIdSignIn.IsConfigured(configuration) ? Finding.Good("staff", "signs in elsewhere")
            : await db.Staff.AnyAsync(cancel) ? Finding.Good("staff", "there is somebody")
            : Finding.Warning("staff", "there is no administrator yet", "OathServer staff link --name N --role administrator"));
}
