using System.Diagnostics;
using System.Security.Cryptography;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Audit;
using OathServer.Secrets;
using OathServer.Storage;
using OathServer.Tests.Databases;

namespace OathServer.Tests.Backup;

/// <summary>The whole drill with the real commands: back up a server in use, lose it, restore it elsewhere.</summary>
public abstract class Drill : IDisposable
{
    private const int Before = 3;
    private const int After = 9;
    private static readonly byte[] NewSeed = [.. "another secret, of 20"u8[..20]];

    private readonly string root = Directory.CreateTempSubdirectory("oathserver-drill-").FullName;

    [Fact]
    public async Task With_a_journal_the_counters_come_back_exactly_and_without_one_in_the_safe_state()
    {
        var (folder, backup, totp) = await LoseAServerAsync();
        Assert.DoesNotContain("12345678901234567890", await File.ReadAllTextAsync(backup, Cancel), StringComparison.Ordinal);

        var exact = await TargetAsync("exact", folder);
        var said = await RunAsync(exact, 0, "restore", backup, "--private-key-file", In("recipient.key"), "--journal", In("journal.jsonl"));
        Assert.Contains("acceptances replayed", said, StringComparison.Ordinal);
        await using (var server = await ServerUnderTest.StartAsync(exact, exact["Data:Folder"]))
        {
            Assert.Equal(After, (await server.CounterAsync("A1")).Counter);
            Assert.False(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, After - 1)));
            Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, After)));
            Assert.True(await server.AcceptsAsync("B1", Codes.Hotp(Codes.Secret, 0)));
            Assert.False(await server.AcceptsAsync("T1", totp));
            // Staged before the backup, switched after it: the code that switched is used, and so are those of the old seed.
            Assert.Equal((2, 1L), await server.CounterAsync("R1") is var row ? (row.Generation, row.Counter) : default);
            Assert.False(await server.AcceptsAsync("R1", Codes.Hotp(NewSeed, 0)));
            Assert.True(await server.AcceptsAsync("R1", Codes.Hotp(NewSeed, 1)));
            Assert.False(await server.AcceptsAsync("R1", Codes.Hotp(Codes.Secret, 41)));
            // Staged and switched after it: the seed is lost, and the old one opens nothing.
            Assert.Contains("1 tokens got a new seed", said, StringComparison.Ordinal);
            Assert.False(await server.AcceptsAsync("S1", Codes.Hotp(Codes.Secret, 40)));
            var verdict = await server.WithDatabase(db => server.Services.GetRequiredService<TrailCheck>().RunAsync(db, Cancel));
            Assert.True(verdict.Holds, string.Join("; ", verdict.Faults));
            Assert.Contains(await server.WithDatabase(db => Task.FromResult(db.Audit.ToList())), e => e.Action == Anchors.RestoreAction);
        }

        var safe = await TargetAsync("safe", folder);
        said = await RunAsync(safe, 0, "restore", backup, "--private-key-file", In("recipient.key"));
        Assert.Contains("two consecutive codes", said, StringComparison.Ordinal);
        await using (var server = await ServerUnderTest.StartAsync(safe, safe["Data:Folder"]))
        {
            // Used before the loss; alone it opens nothing.
            Assert.False(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, Before)));
            Assert.False(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, After)));
            Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, After + 1)));
            Assert.False(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, After + 1)));
            Assert.False(await server.AcceptsAsync("B1", Codes.Hotp(Codes.Secret, 0)));
            Assert.True(await server.AcceptsAsync("B1", Codes.Hotp(Codes.Secret, 1)));
            Assert.True(await server.AcceptsAsync("B1", Codes.Hotp(Codes.Secret, 2)));
            Assert.False(await server.AcceptsAsync("T1", totp));
        }
    }

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        Directory.Delete(root, recursive: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>A server that was backed up in use and went on accepting; what is left of it is its folder's sealing key.</summary>
    private async Task<(string Folder, string Backup, string Totp)> LoseAServerAsync()
    {
        using var recipient = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        await File.WriteAllTextAsync(In("recipient.pem"), recipient.ExportSubjectPublicKeyInfoPem(), Cancel);
        await File.WriteAllTextAsync(In("recipient.key"), recipient.ExportPkcs8PrivateKeyPem(), Cancel);
        var settings = Settings("live");
        var backup = In("store.backup");
        Directory.CreateDirectory(settings["Data:Folder"]!);
        await using var server = await ServerUnderTest.StartAsync(settings, settings["Data:Folder"]);
        foreach (var (name, step) in (ReadOnlySpan<(string, int)>)[("A1", 0), ("B1", 0), ("T1", 30)])
        {
            server.AddTokenAsync(name, Codes.Secret, timeStep: step).GetAwaiter().GetResult();
        }

        server.AddTokenAsync("R1", Codes.Secret, counter: 40).GetAwaiter().GetResult();
        server.AddTokenAsync("S1", Codes.Secret, counter: 40).GetAwaiter().GetResult();
        await StageAsync(server, "R1");
        for (var counter = 0; counter < Before; counter++)
        {
            Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, counter)));
        }

        var connection = server.Services.GetRequiredService<IConfiguration>().GetConnectionString("Oath");
        var live = new Dictionary<string, string?>(settings) { ["ConnectionStrings:Oath"] = connection };
        if (OnPostgreSqlAttribute.IsAsked)
        {
            live["Storage:Provider"] = "PostgreSql";
        }

        await RunAsync(live, 0, "backup", "--to", backup, "--recipient-file", In("recipient.pem"));
        for (var counter = Before; counter < After; counter++)
        {
            Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, counter)));
        }

        Assert.True(await server.AcceptsAsync("R1", Codes.Hotp(Codes.Secret, 40)));
        await StageAsync(server, "S1");
        foreach (var reseeded in (string[])["R1", "S1"])
        {
            Assert.True(await server.AcceptsAsync(reseeded, Codes.Hotp(NewSeed, 0)));
        }

        var totp = Codes.Totp(Codes.Secret, DateTimeOffset.UtcNow);
        Assert.True(await server.AcceptsAsync("T1", totp));
        return (settings["Data:Folder"]!, backup, totp);
    }

    /// <summary>A new seed waits beside the old one, as a reseed leaves it before the key's first code.</summary>
    private static Task<int> StageAsync(ServerUnderTest server, string serial) => server.WithDatabase(async db =>
    {
        var token = await db.Tokens.SingleAsync(t => t.Serial == serial, Cancel);
        db.PendingSeeds.Add(new PendingSeed
        {
            TokenId = token.Id,
            Generation = 2,
            SealedSecret = server.Services.GetRequiredService<Sealer>().Seal(NewSeed, SealedPlace.TokenSecret(serial, 2)),
            StagedBy = "test",
            StagedAt = DateTimeOffset.UtcNow,
        });
        await db.SaveChangesAsync(Cancel);
        return await db.Counters.Where(c => c.TokenId == token.Id)
            .ExecuteUpdateAsync(c => c.SetProperty(x => x.Flags, x => x.Flags | CounterFlags.ReseedPending), Cancel);
    });

    private protected Dictionary<string, string?> Settings(string name) => new()
    {
        ["Data:Folder"] = In(name),
        ["Journal:File"] = In(name == "live" ? "journal.jsonl" : $"{name}.jsonl"),
        ["Audit:AnchorFile"] = In($"{name}.anchors"),
    };

    /// <summary>Another machine: nothing but the sealing key, and an empty database.</summary>
    private async Task<Dictionary<string, string?>> TargetAsync(string name, string lost)
    {
        var settings = Settings(name);
        Directory.CreateDirectory(settings["Data:Folder"]!);
        File.Copy(Path.Combine(lost, "sealing.key"), Path.Combine(settings["Data:Folder"]!, "sealing.key"));
        if (OnPostgreSqlAttribute.IsAsked)
        {
            settings["Storage:Provider"] = "PostgreSql";
            settings["ConnectionStrings:Oath"] = await (await SharedPostgreSql.Server()).CreateDatabaseAsync();
        }

        return settings;
    }

    private protected static async Task<string> RunAsync(Dictionary<string, string?> settings, int expected, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "OathServer.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["Logging__LogLevel__Default"] = "Critical";
        foreach (var (key, value) in settings)
        {
            start.Environment[key.Replace(":", "__", StringComparison.Ordinal)] = value;
        }

        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync(Cancel);
        var said = await process.StandardOutput.ReadToEndAsync(Cancel) + await errors;
        await process.WaitForExitAsync(Cancel);
        Assert.True(process.ExitCode == expected, $"{string.Join(' ', arguments)}: exit {process.ExitCode}\n{said}");
        return said;
    }

    private protected string In(string name) => Path.Combine(root, name);

    private protected static CancellationToken Cancel => TestContext.Current.CancellationToken;
}

public class DrillTests : Drill
{
    [Fact]
    public async Task What_was_rolled_back_is_refused_until_it_is_accepted_and_an_edited_backup_does_not_open()
    {
        var settings = Settings("live");
        await RunAsync(settings, 0, "apikey", "create", "--name", "first", "--role", "administrator");
        var copy = In("copy.db");
        await using (var server = await ServerUnderTest.StartAsync(settings, settings["Data:Folder"]))
        {
            await server.AddTokenAsync("A1", Codes.Secret);
            Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 0)));
            SqliteConnection.ClearAllPools();
            await using var source = new SqliteConnection($"Data Source={settings["Data:Folder"]}/oath.db;Pooling=False");
            await using var target = new SqliteConnection($"Data Source={copy};Pooling=False");
            await source.OpenAsync(Cancel);
            await target.OpenAsync(Cancel);
            source.BackupDatabase(target);
            await target.CloseAsync();
            Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 1)));
        }

        SqliteConnection.ClearAllPools();
        foreach (var part in Directory.GetFiles(settings["Data:Folder"]!, "oath.db*"))
        {
            File.Delete(part);
        }

        File.Copy(copy, Path.Combine(settings["Data:Folder"]!, "oath.db"));
        await Assert.ThrowsAsync<InvalidOperationException>(() => ServerUnderTest.StartAsync(settings, settings["Data:Folder"]));
        var journal = In("journal.jsonl");
        Assert.Contains("replayed", await RunAsync(settings, 0, "restore", "--accept", "--journal", journal), StringComparison.Ordinal);
        await using (var server = await ServerUnderTest.StartAsync(settings, settings["Data:Folder"]))
        {
            Assert.Equal(2, (await server.CounterAsync("A1")).Counter);
        }

        await File.WriteAllTextAsync(In("pass"), "correct horse battery\n", Cancel);
        await File.WriteAllTextAsync(In("wrong"), "correct horse battery!\n", Cancel);
        var backup = In("b.backup");
        await RunAsync(settings, 0, "backup", "--to", backup, "--passphrase-file", In("pass"));
        Assert.Contains("--replace", await RunAsync(settings, 2, "restore", backup, "--passphrase-file", In("pass")), StringComparison.Ordinal);
        Assert.Contains("passphrase", await RunAsync(settings, 2, "restore", backup, "--replace", "--passphrase-file", In("wrong")), StringComparison.Ordinal);
        var bytes = await File.ReadAllBytesAsync(backup, Cancel);
        await File.WriteAllBytesAsync(In("cut"), bytes[..^70_000], Cancel);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(In("edited"), bytes, Cancel);
        foreach (var bad in (string[])["cut", "edited"])
        {
            Assert.Contains("edited or cut off", await RunAsync(settings, 2, "restore", In(bad), "--replace", "--passphrase-file", In("pass")), StringComparison.Ordinal);
        }
    }
}

[OnPostgreSql]
public class DrillTestsOnPostgreSql : Drill;
