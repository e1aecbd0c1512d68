using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Operations;
using OathServer.Records;
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
    private const int Waiting = 300;

    public static async Task<int> RunAsync(int keys, bool onPostgreSql)
    {
        await using var cluster = onPostgreSql ? await PostgreSqlServer.StartAsync("shared_buffers=256MB", "max_wal_size=2GB") : null;
        var folder = Directory.CreateTempSubdirectory("oath-pages-").FullName;
        try
        {
            var settings = LoadedDatabase.SettingsOf(folder, cluster is null ? null : await cluster.CreateDatabaseAsync());
            settings["Urls"] = "http://127.0.0.1:0";
            // Where people sign in is asked by nobody here: the session is made as signing in makes it.
            (settings["SelfService:Enabled"], settings["SelfService:OpenId:Authority"], settings["SelfService:OpenId:ClientId"]) = ("true", "https://sign-in.invalid", "pages");
            settings[SecondPerson.RealmsSetting] = "*";
            await using var host = OathHost.Build(settings);
            await OathHost.StartAsync(host, default);
            await using var scope = host.Services.CreateAsyncScope();
            var db = scope.ServiceProvider.GetRequiredService<OathDbContext>();
            var (_, key) = await host.Services.GetRequiredService<ApiKeyLife>().CreateAsync(
                db, "pages", Roles.Administrator, [], life: null, new AuditEvent("load", "", ""), default);
            await FillAsync(db, keys);
            using var client = new HttpClient { BaseAddress = new Uri(host.Urls.First()) };
            client.DefaultRequestHeaders.Add(ApiKeyAuthentication.Header, key);
            client.DefaultRequestHeaders.Add("Cookie", HolderCookie(host, await db.People.AsNoTracking().SingleAsync(p => p.Id == keys / 2)));
            var pages = await PagesAsync(db, keys);
            await db.Database.CloseConnectionAsync();
            var check = await WaitingFile.SendAsync(client, keys);
            var over = 0;
            Console.WriteLine("page\tmedian_ms\tslowest_ms\tkB");
            foreach (var page in pages.Concat([check, $"{check}?outcome=warned", $"{check}?page={(keys / 50) - 1}"]))
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
        var job = await db.Jobs.OrderBy(j => j.StartedAt).Select(j => j.Id).FirstAsync();
        var batch = await db.DeskBatches.OrderBy(b => b.CreatedAt).Select(b => b.Id).FirstAsync();
        var last = (keys / 50) - 1;
        return
        [
            "/", "/?q=user-50000", "/?q=user-5", $"/keys/{Cuid(keys / 2)}", $"/tokens/{LoadTokens.Serial(keys / 2)}/reseed", "/keys", $"/keys?page={last}", "/keys?gap=1", "/keys?status=InDoubt",
            "/keys?batch=B7&sort=-provisioned", "/keys?sort=-provisioned", "/keys?user=user-77", "/readiness", "/readiness?batch=B7", "/provision", $"/provision/{job}",
            "/admin", "/admin/policies", "/admin/profiles", "/admin/profiles/default", "/admin/api-keys", "/admin/api-keys/1", "/admin/staff", "/admin/agents", "/admin/webhooks",
            "/admin/secrets", "/audit", $"/audit?about={Cuid(keys / 2)}", "/audit?action=record.", "/reveals", "/reveals?page=3", "/my", $"/tokens/{LoadTokens.Serial(keys / 2)}", "/jobs", "/jobs?state=in-doubt", $"/jobs?page={last}", "/batches", "/batches/new", $"/batches/{batch}", "/imports", "/imports/1", "/imports/new",
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

    /// <summary>The cookie of somebody who holds a key.</summary>
    private static string HolderCookie(WebApplication host, Person person)
    {
        var cookies = host.Services.GetRequiredService<IOptionsMonitor<CookieAuthenticationOptions>>().Get(HolderSignIn.SchemeName);
        var ticket = new AuthenticationTicket(HolderSignIn.SessionOf(person, DateTimeOffset.UtcNow), HolderSignIn.SchemeName);
        ticket.Properties.ExpiresUtc = DateTimeOffset.UtcNow.AddHours(1);
        return $"{cookies.Cookie.Name}={cookies.TicketDataFormat.Protect(ticket)}";
    }

    private static string Cuid(int number) => number.ToString("X8", CultureInfo.InvariantCulture);

    /// <summary>A rollout nearly done: a hundredth of the keys keeps gaps open, some jobs stand open.</summary>
    private static async Task FillAsync(OathDbContext db, int keys)
    {
        var at = DateTimeOffset.UtcNow.AddDays(-40);
        var all = Enumerable.Range(0, keys);
        var batches = Enumerable.Range(0, (keys + BatchSize - 1) / BatchSize).ToList();
        var desks = batches.ConvertAll(n => Guid.CreateVersion7(at.AddMinutes(n)));
        var jobs = all.Select(i => Guid.CreateVersion7(at.AddSeconds(i))).ToList();
        await BulkInsert.RowsAsync(db, batches.Select(n => Import(n, at)));
        await BulkInsert.RowsAsync(db, batches.Select(n => new DeskBatch
        {
            Id = desks[n],
            Name = $"Desk {n}",
            ProfileName = "default",
            Readers = "",
            CreatedBy = "pages",
            CreatedAt = at.AddMinutes(n),
            State = DeskBatchState.Finished,
            EndedAt = at,
        }));
        await BulkInsert.RowsAsync(db, all.Select(i => new Person
        {
            Id = i + 1,
            Realm = "default",
            Name = $"user-{i}",
            NormalizedName = $"USER-{i}",
            Mail = $"user-{i}@example.org",
            EmployeeNumber = $"E{i}",
            CreatedAt = at.AddSeconds(i),
        }));
        await BulkInsert.RowsAsync(db, all.Select(i => Record(i, at.AddSeconds(i))));
        await BulkInsert.RowsAsync(db, all.Select(i => Token(i, at.AddSeconds(i))));
        await BulkInsert.RowsAsync(db, all.Select(i => new TokenCounter { TokenId = i + 1, Counter = 3, Generation = 1, State = TokenState.Active }));
        await BulkInsert.RowsAsync(db, all.Select(i => Job(i, jobs[i], at.AddSeconds(i))));
        await BulkInsert.RowsAsync(db, all.SelectMany(i => Steps(i, jobs[i], at.AddSeconds(i))));
        await BulkInsert.RowsAsync(db, all.Select(i => new DeskBatchLine
        {
            BatchId = desks[i / BatchSize],
            Ordinal = (i % BatchSize) + 1,
            UserName = $"user-{i}",
            Serial = LoadTokens.Serial(i),
            State = DeskLineState.Done,
            Cuid = Cuid(i),
            JobId = jobs[i],
            Milliseconds = 20_000,
        }));
        await BulkInsert.RowsAsync(db, all.Select(i => new AuditEntry
        {
            Sequence = i + 10,
            At = at.AddSeconds(i),
            Actor = "pages",
            Action = "provisioning",
            Outcome = "done",
            Cuid = Cuid(i),
            Mac = new byte[32],
        }));
        await BulkInsert.RowsAsync(db, all.Select(i => Ask(i, keys, at)));
        await BulkInsert.RowsAsync(db, batches.SelectMany(n => Attempts(n, at)));
        await BulkInsert.RowsAsync(db, Counted(batches.Count));
        // What autovacuum does within minutes of such a load.
        await db.Database.ExecuteSqlRawAsync(db.Database.IsNpgsql() ? "VACUUM ANALYZE" : "ANALYZE");
    }

    private static ImportedFile Import(int number, DateTimeOffset at) => new()
    {
        Id = number + 1,
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

    private static bool IsOpen(int i) => i % 100 == 7;

    private static bool IsInDoubt(int i) => i % 5000 == 11;

    private static KeyRecord Record(int i, DateTimeOffset at) => new()
    {
        Cuid = Cuid(i),
        CuidSource = "DeviceSerial",
        DeviceSerial = i.ToString(CultureInfo.InvariantCulture),
        Model = "YubiKey",
        Firmware = "5.7.1",
        Status = IsInDoubt(i) ? KeyStatus.InDoubt : i % 3 == 0 ? KeyStatus.HandedOut : KeyStatus.ReadyForHandout,
        PersonId = i + 1,
        ProfileName = "default",
        ProfileVersion = 1,
        Batch = $"B{i / BatchSize}",
        ProvisionedBy = "pages",
        ProvisionedAt = at,
        PinMethod = IsOpen(i) ? PinMethod.FactoryDefault : PinMethod.UniqueInitial,
        SealedPin = new byte[48],
        PukMethod = IsOpen(i) ? PukMethod.NotSet : PukMethod.Random,
        SealedPuk = IsOpen(i) ? null : new byte[48],
        SealedManagementKey = new byte[64],
        FirstCodeAcceptedAt = IsOpen(i) ? null : at,
        FidoPolicy = IsOpen(i) ? null : "not used",
        UpdatedAt = at,
    };

    private static Token Token(int i, DateTimeOffset at) => new()
    {
        Id = i + 1,
        Serial = LoadTokens.Serial(i),
        Realm = "default",
        Type = TokenType.Hotp,
        Algorithm = Oath.OathAlgorithm.Sha1,
        Digits = 6,
        SealedSecret = new byte[64],
        PersonId = i + 1,
        Cuid = Cuid(i),
        Batch = $"B{i / BatchSize}",
        ImportId = (i / BatchSize) + 1,
        CreatedAt = at,
    };

    private static ProvisioningJob Job(int i, Guid id, DateTimeOffset at) => new()
    {
        Id = id,
        Cuid = Cuid(i),
        OpenCuid = IsInDoubt(i) ? Cuid(i) : null,
        State = IsInDoubt(i) ? JobState.Open : JobState.Confirmed,
        ProfileName = "default",
        ProfileVersion = 1,
        Operator = "pages",
        StartedAt = at,
        EndedAt = IsInDoubt(i) ? null : at.AddSeconds(20),
        Trouble = IsInDoubt(i) ? "The key was removed." : null,
    };

    /// <summary>A reveal that was asked for: most were decided or are over, a few hundred wait.</summary>
    private static RevealAsk Ask(int i, int keys, DateTimeOffset at)
    {
        var waits = i >= keys - Waiting;
        var asked = waits ? DateTimeOffset.UtcNow : at.AddSeconds(i);
        return new()
        {
            Id = Guid.CreateVersion7(asked),
            Cuid = Cuid(i),
            What = "puk",
            Reason = "A caller who blocked the PIN.",
            AskedBy = $"help-{i % 20}",
            AskedAt = asked,
            ExpiresAt = asked.AddHours(1),
            DecidedBy = waits || i % 3 == 0 ? null : "pages",
            DecidedAt = waits || i % 3 == 0 ? null : asked,
            Approved = !waits && i % 3 == 1,
        };
    }

    private static IEnumerable<ProvisioningStep> Steps(int i, Guid job, DateTimeOffset at)
    {
        yield return new() { JobId = job, Ordinal = 0, Name = "puk", State = IsInDoubt(i) ? StepState.Intended : StepState.Done, SealedNew = new byte[48], ChangedAt = at };
        yield return new() { JobId = job, Ordinal = 1, Name = "record", State = IsInDoubt(i) ? StepState.Planned : StepState.Done, ChangedAt = at };
    }

    /// <summary>Attempts enough that the looks back into the log have their full length to go.</summary>
    private static IEnumerable<ValidationBatch> Attempts(int number, DateTimeOffset at)
    {
        for (var row = 0; row < 250; row++)
        {
            var log = new ValidationLog();
            for (var n = 0; n < 16; n++)
            {
                var token = (number * BatchSize) + (row * 4 % BatchSize) + (n % 4) + 1;
                log.Add(DateTimeOffset.UtcNow.AddMinutes(-row), token, 1, n % 5 == 0 ? Outcome.WrongCode : Outcome.Accepted, 3, n % 4);
            }

            yield return new() { Node = 0, Sequence = (number * 250) + row + 1, At = at.AddSeconds(row), Entries = log.Entries.ToArray(), Mac = new byte[32] };
        }
    }

    /// <summary>A month of attempts as they are counted, but for the last minute's.</summary>
    private static IEnumerable<AttemptCount> Counted(int batches)
    {
        var now = AttemptCount.HourOf(DateTimeOffset.UtcNow);
        for (var hour = now - (30 * 24); hour <= now; hour++)
        {
            for (var ahead = 0; ahead < 12; ahead++)
            {
                yield return new() { Hour = hour, Node = 0, Kind = ahead, Count = batches * 100 >> ahead };
            }

            yield return new() { Hour = hour, Node = 0, Kind = AttemptCount.Refused, Count = batches };
        }
    }
}
