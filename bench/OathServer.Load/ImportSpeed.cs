using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using OathServer.Audit;
using OathServer.Import;
using OathServer.Operations;
using OathServer.Secrets;
using OathServer.Storage;
using OathServer.Tests.Databases;
using Pskc;

namespace OathServer.Load;

/// <summary>A shipment of encrypted keys imported as the server does it (read, MAC, decrypt, compare, seal, write, audit;
/// durable at its end), against the usual way: each key read and sealed just so, then an entity and one
/// <c>SaveChanges</c>. Per key, in one run, on the same database.</summary>
internal static class ImportSpeed
{
    /// <summary>One SaveChanges a key is so slow that a part of the file must do; each costs the same.</summary>
    private const int PeerMost = 2000;

    public static async Task<int> RunAsync(int keys, bool onPostgreSql)
    {
        await using var cluster = onPostgreSql ? await PostgreSqlServer.StartAsync("shared_buffers=256MB", "max_wal_size=2GB") : null;
        var postgreSql = cluster is null ? null : await cluster.CreateDatabaseAsync();
        var folder = Directory.CreateTempSubdirectory("oath-import-").FullName;
        try
        {
            await using var host = OathHost.Build(LoadedDatabase.SettingsOf(folder, postgreSql));
            await host.Services.GetRequiredService<StorageStart>().RunAsync(default);
            var key = RandomNumberGenerator.GetBytes(16);
            const string run = "R";
            var (warm, ours, theirs) = (Path.Combine(folder, "warm"), Path.Combine(folder, "ours"), Path.Combine(folder, "theirs"));
            var sample = Math.Min(keys, PeerMost);
            Make(warm, key, run + "W", 200);
            Make(ours, key, run + "A", keys);
            Make(theirs, key, run + "B", sample);

            await ImportAsync(host, warm, key);
            await SaveEachAsync(host, warm, key, run, most: 50);
            // Half of the peer's work before ours and half after, as the machine is seldom quiet.
            var peer = await SaveEachAsync(host, theirs, key, "", sample / 2);
            var own = await ImportAsync(host, ours, key);
            peer += await SaveEachAsync(host, theirs, key, "Z", sample - (sample / 2));
            var store = postgreSql is null ? "SQLite" : "PostgreSQL";
            Console.WriteLine("case\tpeer\tours_ns\tpeer_ns\tratio");
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"import of {keys} encrypted keys, a key, {store}\tSaveChanges a key ({sample} keys)\t{own / keys:0}\t{peer / sample:0}\t{peer / sample / (own / keys):0.0}"));
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{keys} keys in {own / 1e9:0.00} s"));
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<double> ImportAsync(WebApplication host, string path, byte[] key)
    {
        await using var scope = host.Services.CreateAsyncScope();
        using var source = KeySource.PreSharedKey(key);
        await using var file = File.OpenRead(path);
        var ends = new ConcurrentDictionary<ImportStage, TimeSpan>();
        var clock = Stopwatch.StartNew();
        await host.Services.GetRequiredService<ShipmentImport>().ImportAsync(
            scope.ServiceProvider.GetRequiredService<OathDbContext>(), file, Path.GetFileName(path),
            new ImportOptions { Key = source, Progress = at => ends[at.Stage] = clock.Elapsed },
            new AuditEvent("load", "", ""), default);
        var whole = clock.Elapsed;
        Console.Error.WriteLine($"{Path.GetFileName(path)}: "
            + string.Join(", ", ends.OrderBy(e => e.Value).Select(e => $"{e.Key} until {e.Value.TotalSeconds:0.00} s")) + $", done after {whole.TotalSeconds:0.00} s");
        return whole.TotalNanoseconds;
    }

    private static async Task<double> SaveEachAsync(WebApplication host, string path, byte[] key, string prefix, int most)
    {
        var sealer = host.Services.GetRequiredService<Sealer>();
        using var source = KeySource.PreSharedKey(key);
        await using var file = File.OpenRead(path);
        var clock = Stopwatch.StartNew();
        using var reader = PskcReader.Open(file, new PskcReadOptions { Key = source });
        foreach (var package in reader.ReadKeyPackages())
        {
            if (most-- <= 0)
            {
                break;
            }

            var serial = prefix + package.SerialNo;
            await using var scope = host.Services.CreateAsyncScope();
            var db = scope.ServiceProvider.GetRequiredService<OathDbContext>();
            db.Tokens.Add(new Token
            {
                Serial = serial,
                Realm = "default",
                Type = TokenType.Hotp,
                Algorithm = Oath.OathAlgorithm.Sha1,
                Digits = 6,
                SealedSecret = sealer.Seal(package.Keys[0].Secret!, SealedPlace.TokenSecret(serial, generation: 1)),
                StartCounter = package.Keys[0].Counter!.Value,
                DeviceSerial = serial,
                KeyId = package.Keys[0].Id,
                CreatedAt = DateTimeOffset.UnixEpoch,
                Counter = new TokenCounter { Counter = package.Keys[0].Counter!.Value, Generation = 1, State = TokenState.Imported },
            });
            await db.SaveChangesAsync();
            package.Dispose();
        }

        return clock.Elapsed.TotalNanoseconds;
    }

    private static void Make(string path, byte[] key, string prefix, int count)
    {
        using var protection = ContainerProtection.PreSharedKey(key);
        PskcWriter.WriteFile(path, new PskcWriteOptions { Protection = protection }, Enumerable.Range(1, count).Select(i =>
        {
            var serial = string.Create(CultureInfo.InvariantCulture, $"{prefix}{i:D8}");
            return new KeyPackage
            {
                SerialNo = serial,
                Keys =
                [
                    new Key
                    {
                        Id = serial,
                        Algorithm = KeyAlgorithm.Hotp,
                        ResponseFormat = new ResponseFormat(ValueEncoding.Decimal, 6),
                        Secret = RandomNumberGenerator.GetBytes(20),
                        Counter = RandomNumberGenerator.GetInt32(1_000_000),
                    },
                ],
            };
        }));
    }
}
