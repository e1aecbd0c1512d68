using System.Diagnostics;
using System.Globalization;
using Microsoft.EntityFrameworkCore;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Operations;
using OathServer.Storage;
using OathServer.Tests.Databases;

namespace OathServer.Load;

/// <summary>Each page of the console over a rollout of many keys: the time from the request to the last octet, and how many
/// octets it is. The floors are those of the console: 100 ms and 150 kB a page.</summary>
internal static class PageSpeed
{
    private const double MillisecondsMax = 100;
    private const double KilobytesMax = 150;
    private const int Rounds = 9;
    private const int BatchSize = 1000;

    public static async Task<int> RunAsync(int keys, bool onPostgreSql)
    {
        await using var cluster = onPostgreSql ? await PostgreSqlServer.StartAsync("shared_buffers=256MB", "max_wal_size=2GB") : null;
        var folder = Directory.CreateTempSubdirectory("oath-pages-").FullName;
        try
        {
            var settings = LoadedDatabase.SettingsOf(folder, cluster is null ? null : await cluster.CreateDatabaseAsync());
            settings["Urls"] = "http://127.0.0.1:0";
            await using var host = OathHost.Build(settings);
            await OathHost.StartAsync(host, default);
            await using var scope = host.Services.CreateAsyncScope();
            var db = scope.ServiceProvider.GetRequiredService<OathDbContext>();
            var (_, key) = await host.Services.GetRequiredService<ApiKeyLife>().CreateAsync(
                db, "pages", Roles.Administrator, [], life: null, new AuditEvent("load", "", ""), default);
            await FillAsync(db, keys);
            using var client = new HttpClient { BaseAddress = new Uri(host.Urls.First()) };
            client.DefaultRequestHeaders.Add(ApiKeyAuthentication.Header, key);
            var over = 0;
            Console.WriteLine("page\tmedian_ms\tslowest_ms\tkB");
            foreach (var page in await PagesAsync(db, keys))
            {
                over += await MeasureAsync(client, page) ? 0 : 1;
            }

            await host.StopAsync();
            return over == 0 ? 0 : 1;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<List<string>> PagesAsync(OathDbContext db, int keys)
    {
        var job = await db.Jobs.Select(j => j.Id).FirstAsync();
        var batch = await db.DeskBatches.Select(b => b.Id).FirstAsync();
        var last = (keys / 50) - 1;
        return
        [
            "/", "/?q=user-50000", "/?q=user-5", $"/keys/{Cuid(keys / 2)}", "/keys", $"/keys?page={last}", "/keys?gap=1", "/keys?status=InDoubt",
            "/keys?batch=B7&sort=-provisioned", "/keys?sort=-provisioned", "/keys?user=user-77", "/readiness", "/readiness?batch=B7", "/provision", $"/provision/{job}",
            "/jobs", "/jobs?state=in-doubt", $"/jobs?page={last}", "/batches", "/batches/new", $"/batches/{batch}", "/imports", "/imports/1", "/imports/new",
        ];
    }

    private static async Task<bool> MeasureAsync(HttpClient client, string page)
    {
        var times = new List<double>();
        var octets = 0;
        for (var round = -2; round < Rounds; round++)
        {
            var started = Stopwatch.GetTimestamp();
            using var reply = await client.GetAsync(page);
            var body = await reply.Content.ReadAsByteArrayAsync();
            reply.EnsureSuccessStatusCode();
            octets = body.Length;
            if (round >= 0)
            {
                times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            }
        }

        times.Sort();
        var (median, kilobytes) = (times[Rounds / 2], octets / 1000.0);
        var good = median <= MillisecondsMax && kilobytes <= KilobytesMax;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{page}\t{median:0.0}\t{times[^1]:0.0}\t{kilobytes:0.0}{(good ? "" : "\tOVER")}"));
        return good;
    }

    private static string Cuid(int number) => number.ToString("X8", CultureInfo.InvariantCulture);

    /// <summary>A rollout nearly done: a hundredth of the keys keeps gaps open, some jobs stand open.</summary>
    private static async Task FillAsync(OathDbContext db, int keys)
    {
        var at = DateTimeOffset.UtcNow.AddDays(-40);
        db.ChangeTracker.AutoDetectChangesEnabled = false;
        for (var first = 0; first < keys; first += BatchSize)
        {
            var number = first / BatchSize;
            var import = new ImportedFile
            {
                Digest = Convert.ToHexString(BitConverter.GetBytes((long)number)).PadLeft(64, '0'),
                FileName = $"shipment-{number}.pskcxml",
                Format = "PSKC 1.0",
                ImportedBy = "pages",
                ImportedAt = at,
                Keys = BatchSize,
                Realm = "default",
                Batch = $"B{number}",
                Report = """{"dryRun":false,"fileName":"x","digest":"","format":"PSKC 1.0","realm":"default","importedBy":"pages","importedAt":"2026-01-01T00:00:00+00:00","totals":{"keys":1000,"imported":1000,"unchanged":0,"notEnrolled":0,"refused":0,"warned":0},"warnings":[],"keys":[]}""",
            };
            var desk = new DeskBatch { Id = Guid.CreateVersion7(), Name = $"Desk {number}", ProfileName = "default", Readers = "", CreatedBy = "pages", CreatedAt = at.AddMinutes(number), State = DeskBatchState.Finished, EndedAt = at };
            db.Add(desk);
            for (var i = first; i < first + BatchSize; i++)
            {
                Add(db, i, import, desk, at.AddSeconds(i));
            }

            AddAttempts(db, number, at);
            await db.SaveChangesAsync();
            db.ChangeTracker.Clear();
        }

        await db.Database.ExecuteSqlRawAsync("ANALYZE");
    }

    private static void Add(OathDbContext db, int i, ImportedFile import, DeskBatch desk, DateTimeOffset at)
    {
        var open = i % 100 == 7;
        var doubt = i % 5000 == 11;
        var person = new Person { Realm = "default", Name = $"user-{i}", NormalizedName = $"USER-{i}", Mail = $"user-{i}@example.org", EmployeeNumber = $"E{i}", CreatedAt = at };
        var record = new KeyRecord
        {
            Cuid = Cuid(i),
            CuidSource = "DeviceSerial",
            DeviceSerial = i.ToString(CultureInfo.InvariantCulture),
            Model = "YubiKey",
            Firmware = "5.7.1",
            Status = doubt ? KeyStatus.InDoubt : i % 3 == 0 ? KeyStatus.HandedOut : KeyStatus.ReadyForHandout,
            Person = person,
            ProfileName = "default",
            ProfileVersion = 1,
            Batch = import.Batch,
            ProvisionedBy = "pages",
            ProvisionedAt = at,
            PinMethod = open ? PinMethod.FactoryDefault : PinMethod.UniqueInitial,
            SealedPin = new byte[48],
            PukMethod = open ? PukMethod.NotSet : PukMethod.Random,
            SealedPuk = open ? null : new byte[48],
            SealedManagementKey = new byte[64],
            FirstCodeAcceptedAt = open ? null : at,
            FidoPolicy = open ? null : "not used",
            UpdatedAt = at,
        };
        var token = new Token
        {
            Serial = LoadTokens.Serial(i),
            Realm = "default",
            Type = TokenType.Hotp,
            Algorithm = Oath.OathAlgorithm.Sha1,
            Digits = 6,
            SealedSecret = new byte[64],
            Person = person,
            Batch = import.Batch,
            Import = import,
            CreatedAt = at,
            Counter = new TokenCounter { Counter = 3, Generation = 1, State = TokenState.Active },
        };
        record.Tokens.Add(token);
        db.Add(record);
        var job = new ProvisioningJob
        {
            Id = Guid.CreateVersion7(at),
            Cuid = record.Cuid,
            OpenCuid = doubt ? record.Cuid : null,
            State = doubt ? JobState.Open : JobState.Confirmed,
            ProfileName = "default",
            ProfileVersion = 1,
            Operator = "pages",
            StartedAt = at,
            EndedAt = doubt ? null : at.AddSeconds(20),
            Trouble = doubt ? "The key was removed." : null,
        };
        job.Steps.Add(new ProvisioningStep { Ordinal = 0, Name = "puk", State = doubt ? StepState.Intended : StepState.Done, SealedNew = new byte[48], ChangedAt = at });
        job.Steps.Add(new ProvisioningStep { Ordinal = 1, Name = "record", State = doubt ? StepState.Planned : StepState.Done, ChangedAt = at });
        db.Add(job);
        desk.Lines.Add(new DeskBatchLine { Ordinal = (i % BatchSize) + 1, UserName = person.Name, Serial = token.Serial, State = DeskLineState.Done, Cuid = record.Cuid, JobId = job.Id, Milliseconds = 20_000 });
        db.Audit.Add(new AuditEntry { Sequence = i + 10, At = at, Actor = "pages", Action = "provisioning", Outcome = "done", Cuid = record.Cuid, Mac = new byte[32] });
    }

    /// <summary>Attempts enough that the looks back into the log have their full length to go.</summary>
    private static void AddAttempts(OathDbContext db, int number, DateTimeOffset at)
    {
        for (var row = 0; row < 250; row++)
        {
            var log = new ValidationLog();
            for (var n = 0; n < 16; n++)
            {
                var token = (number * BatchSize) + (row * 4 % BatchSize) + (n % 4) + 1;
                log.Add(DateTimeOffset.UtcNow.AddMinutes(-row), token, 1, n % 5 == 0 ? Outcome.WrongCode : Outcome.Accepted, 3, n % 4);
            }

            db.ValidationBatches.Add(new ValidationBatch { Node = 0, Sequence = (number * 250) + row + 1, At = at.AddSeconds(row), Entries = log.Entries.ToArray(), Mac = new byte[32] });
        }
    }
}
