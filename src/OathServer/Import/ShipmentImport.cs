using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using OathServer.Audit;
using OathServer.Import.Formats;
using OathServer.Secrets;
using OathServer.Storage;
using Pskc;

namespace OathServer.Import;

/// <summary>
/// A shipment comes in: the whole file is read and checked, compared with the store and sealed, and only then written,
/// in one transaction with its audit entry. Any fault, any cancellation: nothing is in the store.
/// </summary>
internal sealed class ShipmentImport(
    Sealer sealer, AuditTrail audit, FactsChanged factsChanged, ImportTurn turn, TimeProvider time)
{
    /// <summary>SQLITE_CONSTRAINT_UNIQUE.</summary>
    private const int UniqueViolation = 2067;

    /// <summary>Keys that were not imported, in the stored report.</summary>
    private const int KeptMax = 1000;

    internal static readonly JsonSerializerOptions ReportJson = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower) },
    };

    /// <summary>The report that was kept with an import.</summary>
    public static ImportReport ReportOf(ImportedFile import) => JsonSerializer.Deserialize<ImportReport>(import.Report, ReportJson)!;

    /// <summary>Imports <paramref name="file"/>, which is read once and stays the caller's. <paramref name="actor"/> is who
    /// imports; action and outcome are filled in here.</summary>
    /// <exception cref="ImportRefusedException">Nothing was imported; the message says why and names the key package.</exception>
    /// <exception cref="ImportBusyException">Another import is running.</exception>
    public async Task<ImportReport> ImportAsync(
        OathDbContext db, Stream file, string fileName, ImportOptions options, AuditEvent actor, CancellationToken cancel)
    {
        using var running = turn.Take(fileName, cancel);
        options = options with { Progress = Both(options.Progress, progress => running.Latest = progress) };
        try
        {
            return await RunAsync(db, file, fileName, options, actor, running.Cancelled);
        }
        catch (PskcException fault)
        {
            throw await RefusedAsync(db, fileName, options, actor, new ImportRefusedException(fault));
        }
        catch (ImportRefusedException refusal)
        {
            await RefusedAsync(db, fileName, options, actor, refusal);
            throw;
        }
    }

    private async Task<ImportReport> RunAsync(
        OathDbContext db, Stream file, string fileName, ImportOptions options, AuditEvent actor, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        using var plan = new ImportPlan(options);
        using var stream = new SeedStream(file, options.LengthMax, cancel);
        var (seeds, digest) = await Task.Run(() => Read(stream, plan, options, now, cancel), cancel);
        plan.Complete();
        await new StoreComparison(db, sealer, digest).CompareAsync(
            plan, done => options.Progress?.Invoke(new(ImportStage.Comparing, done, Percent(done, plan.Keys.Count))), cancel);

        var report = Report(plan, seeds, digest, fileName, options, actor, now);
        if (report.Totals.Refused > 0 && !options.Partial && !options.DryRun)
        {
            throw Refusal(plan, report);
        }

        if (report.Totals.Imported + report.Totals.Unchanged + report.Totals.Refused == 0)
        {
            throw new ImportRefusedException(Fault.NothingToEnrol, plan.Keys.Count == 0
                ? "The file holds no keys."
                : $"Nothing in the file can be enrolled. The first key, serial {plan.Keys[0].DeviceSerial}: {plan.Keys[0].NotEnrolled}.")
            { Report = report };
        }

        if (options.DryRun)
        {
            return report;
        }

        return report.Totals.Imported == 0
            ? await UnchangedAsync(db, report, actor, cancel)
            : await WriteAsync(db, plan, seeds, report, options, actor, stream.Count, now, cancel);
    }

    private static (SeedFile Seeds, string Digest) Read(
        SeedStream stream, ImportPlan plan, ImportOptions options, DateTimeOffset now, CancellationToken cancel)
    {
        var seeds = SeedFiles.Open(stream, options, now);
        foreach (var key in seeds.Keys)
        {
            plan.Add(key);
            if (plan.Keys.Count % 1000 == 0)
            {
                cancel.ThrowIfCancellationRequested();
                options.Progress?.Invoke(new(ImportStage.Reading, plan.Keys.Count, Percent(stream.Count, options.Length)));
            }
        }

        return (seeds, stream.Finish());
    }

    private async Task<ImportReport> WriteAsync(
        OathDbContext db, ImportPlan plan, SeedFile seeds, ImportReport report, ImportOptions options, AuditEvent actor, long length,
        DateTimeOffset now, CancellationToken cancel)
    {
        var count = report.Totals.Imported;
        void Tell(ImportStage stage, int done) => options.Progress?.Invoke(new(stage, done, Percent(done, count)));
        var tokens = await Task.Run(() => NewTokens.Seal(plan.ToImport, sealer, options, seeds.PinSource, actor.Actor, now, done => Tell(ImportStage.Sealing, done), cancel), cancel);

        db.ChangeTracker.Clear();
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        var import = new ImportedFile
        {
            Digest = report.Digest,
            FileName = report.FileName,
            Format = report.Format,
            ImportedBy = actor.Actor,
            ImportedAt = now,
            Keys = count,
            Length = length,
            Realm = report.Realm,
            Batch = report.Batch,
            Caution = report.Caution,
            Report = JsonSerializer.Serialize(report with { Keys = [.. report.Keys.Where(k => k.What != KeyOutcome.Imported).Take(KeptMax)] }, ReportJson),
        };
        db.Imports.Add(import);
        await db.SaveChangesAsync(cancel);
        tokens.ImportId = import.Id;
        tokens.People = await NewPeople.EnsureAsync(db, report.Realm, plan.ToImport, now, cancel);
        try
        {
            if (db.Database.IsNpgsql())
            {
                await PostgreSqlTokenRows.WriteAsync(db, tokens, done => Tell(ImportStage.Writing, done), cancel);
            }
            else
            {
                await Task.Run(() => SqliteTokenRows.Write(db, tokens, done => Tell(ImportStage.Writing, done), cancel), cancel);
            }
        }
        catch (Exception fault) when (fault is SqliteException { SqliteExtendedErrorCode: UniqueViolation } or PostgresException { SqlState: PostgresErrorCodes.UniqueViolation })
        {
            throw new ImportRefusedException(Fault.SerialTaken, "A token of this file was added to the store meanwhile. Nothing was imported; import it again.");
        }

        await Holders.AlignAsync(db, db.Tokens.Where(t => t.ImportId == import.Id), cancel);
        await audit.SaveAsync(db, cancel, actor with
        {
            Action = "import",
            Outcome = "done",
            Detail = $"import {import.Id}: {count} of {report.Totals.Keys} keys from {report.FileName} (SHA-256 {report.Digest}, {report.Format})",
        });
        // From here on it is done or not, whatever the caller wishes.
        await transaction.CommitAsync(CancellationToken.None);
        factsChanged.Announce();
        return report with { Id = import.Id };
    }

    /// <summary>The same file again, or one with the same keys: told, and written to the trail only.</summary>
    private async Task<ImportReport> UnchangedAsync(OathDbContext db, ImportReport report, AuditEvent actor, CancellationToken cancel)
    {
        var earlier = await db.Imports.AsNoTracking().Where(i => i.Digest == report.Digest).OrderBy(i => i.Id).FirstOrDefaultAsync(cancel);
        await audit.SaveAsync(db, cancel, actor with { Action = "import", Outcome = "unchanged", Detail = $"{report.FileName} (SHA-256 {report.Digest}) held nothing new" });
        return earlier is null ? report : report with
        {
            Caution = earlier.Caution,
            Warnings = [.. earlier.Caution is { } caution ? [caution] : Array.Empty<string>(), $"This very file was imported at {earlier.ImportedAt:u} by {earlier.ImportedBy} (import {earlier.Id}). Nothing was changed.", .. report.Warnings],
        };
    }

    /// <summary>A file that is refused leaves a line in the trail, and nothing else.</summary>
    private async Task<ImportRefusedException> RefusedAsync(
        OathDbContext db, string fileName, ImportOptions options, AuditEvent actor, ImportRefusedException refusal)
    {
        if (!options.DryRun)
        {
            db.ChangeTracker.Clear();
            await audit.SaveAsync(db, CancellationToken.None, actor with
            {
                Action = "import",
                Outcome = "refused",
                Serial = refusal.Serial,
                Detail = $"{fileName}: {refusal.Message}",
            });
        }

        return refusal;
    }

    private static ImportRefusedException Refusal(ImportPlan plan, ImportReport report)
    {
        var first = plan.Keys.First(k => k.Outcome == KeyOutcome.Refused);
        var more = report.Totals.Refused > 1 ? $" {report.Totals.Refused - 1} more keys are refused." : "";
        return new ImportRefusedException(
            first.Fault!, $"line {first.Line}, serial {first.DeviceSerial}: {first.FaultText}.{more}",
            first.DeviceSerial, first.KeyId, first.Line)
        { Report = report };
    }

    private static ImportReport Report(
        ImportPlan plan, SeedFile seeds, string digest, string fileName, ImportOptions options, AuditEvent actor, DateTimeOffset now)
    {
        var keys = plan.Keys.ConvertAll(Line);
        int Count(KeyOutcome outcome) => keys.Count(k => k.What == outcome);
        return new ImportReport(
            null, options.DryRun, fileName, digest, seeds.Format, options.Realm, options.Batch, actor.Actor, now,
            new ImportTotals(keys.Count, Count(KeyOutcome.Imported), Count(KeyOutcome.Unchanged), Count(KeyOutcome.NotEnrolled),
                Count(KeyOutcome.Refused), plan.Keys.Count(k => k.Warning is not null)),
            seeds.Warnings, keys)
        { Caution = seeds.Caution };
    }

    private static ImportedKey Line(SeedKey key) => new(
        key.TokenSerial, key.Outcome, Why(key), key.Outcome == KeyOutcome.Refused ? key.Fault : null, key.KeyId, key.Line,
        key.Outcome == KeyOutcome.Imported && key.Type == TokenType.Hotp ? key.Counter : null,
        key.Outcome == KeyOutcome.Imported ? key.Owner : null,
        key.Outcome == KeyOutcome.Imported ? key.State.ToString().ToLowerInvariant() : null);

    private static string? Why(SeedKey key) => key.Outcome switch
    {
        KeyOutcome.Refused => key.FaultText,
        KeyOutcome.NotEnrolled => key.NotEnrolled,
        KeyOutcome.Unchanged => key.Unchanged,
        _ => string.Join("; ", new[] { key.Disabled ?? key.Suspended, key.Warning }.Where(t => t is not null)) is { Length: > 0 } text ? text : null,
    };

    private static int? Percent(long done, long? total) => total is > 0 ? (int)Math.Min(100, done * 100 / total.Value) : null;

    private static Action<ImportProgress> Both(Action<ImportProgress>? first, Action<ImportProgress> second) =>
        progress =>
        {
            second(progress);
            first?.Invoke(progress);
        };
}
