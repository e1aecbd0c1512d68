using System.Data;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using OathServer.Readiness;
using OathServer.Storage;
using OathServer.Tests.Import;

namespace OathServer.Tests.Readiness;

/// <summary>The five gaps counted by the database, their past, and that every look of the pages goes by an index.</summary>
public class ReadinessTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_gap_counts_the_keys_that_have_it_closed_and_names_those_that_have_not()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await AddAsync(server, "0A", batch: "May");
        await AddAsync(server, "0B", batch: "May", change: r => r.PukMethod = PukMethod.NotSet);
        await AddAsync(server, "0C", batch: "June", change: r => (r.PinMethod, r.FidoPolicy) = (PinMethod.FactoryDefault, null));
        await AddAsync(server, "0D", batch: "June", change: r => r.FirstCodeAcceptedAt = null);
        await AddAsync(server, "0E", batch: "June", change: r => r.ProvisionedBy = null);
        await AddAsync(server, "0F", batch: "June", change: r => (r.Status, r.PukMethod) = (KeyStatus.Retired, PukMethod.NotSet));
        await server.AddTokenAsync("T1", Codes.Secret);

        var client = await server.Client();
        var all = await client.GetFromJsonAsync<JsonElement>("/v1/readiness", Cancel);
        var may = await client.GetFromJsonAsync<JsonElement>("/v1/readiness?batch=May", Cancel);

        Assert.Equal((5, false), (all.GetProperty("keys").GetInt32(), all.GetProperty("readyForHandout").GetBoolean()));
        Assert.Equal(["1: 4/5 0B", "2: 4/5 0C", "3: 4/5 0D", "4: 4/5 0C", "5: 4/6 0E T1"], all.GetProperty("gaps").EnumerateArray().Select(Line));
        Assert.Equal(["1: 1/2 0B", "2: 2/2", "3: 2/2", "4: 2/2", "5: 2/2"], may.GetProperty("gaps").EnumerateArray().Select(Line).Select(l => l.Trim()));
        var verdicts = (await server.WithDatabase(db => GapCounts.ReadAsync(db, Cancel))).ByBatch().ToDictionary(b => b.Batch ?? "", b => b.Counts.IsReady);
        Assert.Equal(new Dictionary<string, bool> { [""] = false, ["June"] = false, ["May"] = false }, verdicts);
    }

    [Fact]
    public async Task An_import_with_a_caution_is_named_as_long_as_a_token_of_it_may_be_used()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.ImportAsync(Uploads.Sample("import/users.oath"));
        var client = await server.Client();
        Assert.Empty(await CautionsAsync(client));

        await server.WithDatabase(db => db.Imports.ExecuteUpdateAsync(i => i.SetProperty(x => x.Caution, "its MAC was not checked"), Cancel));
        var tokens = await server.WithDatabase(db => db.Tokens.CountAsync(Cancel));
        Assert.Equal([$"Import 1 (upload), {tokens} tokens: its MAC was not checked"], await CautionsAsync(client));

        await server.WithDatabase(db => db.Counters.ExecuteUpdateAsync(c => c.SetProperty(x => x.State, TokenState.Disabled), Cancel));
        Assert.Empty(await CautionsAsync(client));

        static async Task<List<string?>> CautionsAsync(HttpClient client) =>
            [.. (await client.GetFromJsonAsync<JsonElement>("/v1/readiness", Cancel)).GetProperty("cautions").EnumerateArray().Select(c => c.GetString())];
    }

    [Fact]
    public async Task A_batch_whose_keys_are_all_whole_is_ready_for_handout()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await AddAsync(server, "0A", batch: "May");
        await AddAsync(server, "0B", batch: "June", change: r => r.Status = KeyStatus.InDoubt);

        var counts = await server.WithDatabase(db => GapCounts.ReadAsync(db, Cancel));

        Assert.Equal([("June", false), ("May", true)], counts.ByBatch().Select(b => (b.Batch!, b.Counts.IsReady)));
        Assert.Equal(1, counts.InDoubt);
    }

    [Fact]
    public async Task The_figures_of_a_day_are_kept_replaced_on_that_day_and_read_back_as_a_trend()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var monday = new DateTimeOffset(2026, 3, 2, 23, 0, 0, TimeSpan.Zero);
        await AddAsync(server, "0A", batch: "May", change: r => r.PukMethod = PukMethod.NotSet);
        await server.WithDatabase(db => WriteAsync(db, monday));
        await server.WithDatabase(db => db.Records.ExecuteUpdateAsync(r => r.SetProperty(x => x.PukMethod, PukMethod.Derived), Cancel));
        await server.AddTokenAsync("T1", Codes.Secret);
        await server.WithDatabase(db => WriteAsync(db, monday.AddHours(2)));
        await AddAsync(server, "0B", batch: "June");
        await server.WithDatabase(db => WriteAsync(db, monday.AddHours(3)));

        var all = await server.WithDatabase(db => DailyFigures.ReadAsync(db, null, null, monday.AddDays(-30), Cancel));
        var may = await server.WithDatabase(db => DailyFigures.ReadAsync(db, "May", null, monday.AddDays(-30), Cancel));

        Assert.Equal([(new DateOnly(2026, 3, 2), 1, 0, 0), (new DateOnly(2026, 3, 3), 2, 1, 2)], all.Select(d => (d.Day, d.Keys, d.Orphans, d.Closed[0])));
        Assert.Equal([(1, 0), (1, 1)], may.Select(d => (d.Keys, d.Closed[0])));
    }

    /// <summary>Each look a page makes, as the database would go about it: never from the first row to the last.</summary>
    [Fact]
    public async Task Every_look_of_the_pages_goes_by_an_index()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.WithDatabase(async db =>
        {
            // Small tables are read whole whatever there is; a planner is asked as if that cost too much.
            if (db.Database.IsNpgsql())
            {
                await db.Database.OpenConnectionAsync(Cancel);
                await db.Database.ExecuteSqlRawAsync("SET enable_seqscan = off; SET enable_bitmapscan = off;", Cancel);
            }

            await ByIndexAsync(db, db.People.Where(p => p.NormalizedName == "ALICE"), "NormalizedName");
            await ByIndexAsync(db, db.People.Where(p => p.Mail == "a@example.org"), "Mail");
            await ByIndexAsync(db, db.People.Where(p => p.EmployeeNumber == "4711"), "EmployeeNumber");
            await ByIndexAsync(db, db.Tokens.Where(t => t.Batch == "May"), "Batch");
            if (!db.Database.IsNpgsql())
            {
                // PostgreSQL chooses an index by what the table holds, and this one holds nothing.
                await ByIndexAsync(db, db.Records.GroupBy(r => new { r.Batch, r.ProfileName, r.Status, r.Closed }).Select(g => new { g.Key, N = g.Count() }), "Closed");
            }

            await ByIndexAsync(db, db.Records.Where(r => r.PukKnownToPerson), "Status_Batch_ProfileName");
            await ByIndexAsync(db, db.Records.Where(r => !r.PukKnownToPerson && r.PukMethod == PukMethod.Derived && r.PukMasterVersion < 2), "PukMasterVersion");
            await ByIndexAsync(db, db.Records.Where(r => !r.PukKnownToPerson && r.PukMethod == PukMethod.Batch && r.PukSetAt <= DateTimeOffset.UnixEpoch), "PukSetAt");
            await ByIndexAsync(db, db.Tokens.Where(t => t.ImportId == 1).OrderBy(t => t.Serial).Take(50), "ImportId_Serial");
            await ByIndexAsync(db, db.Records.Where(r => r.Closed == ClosedGaps.Puk).OrderBy(r => r.Cuid).Select(r => r.Cuid).Take(100), "Closed_Cuid");
            await ByIndexAsync(db, FiveGaps.Open(db.Records, ClosedGaps.Puk), "Closed");
            await ByIndexAsync(db, db.Records.OrderByDescending(r => r.ProvisionedAt).Take(50), "ProvisionedAt");
            await ByIndexAsync(db, db.Jobs.OrderByDescending(j => j.StartedAt).Take(50), "StartedAt");
            await ByIndexAsync(db, db.DeskBatches.OrderByDescending(b => b.CreatedAt).Take(50), "CreatedAt");
            return true;
        });
    }

    private static async Task ByIndexAsync<T>(OathDbContext db, IQueryable<T> query, string index)
    {
        await db.Database.OpenConnectionAsync(Cancel);
        await using var command = query.CreateDbCommand();
        command.CommandText = (db.Database.IsNpgsql() ? "EXPLAIN " : "EXPLAIN QUERY PLAN ") + command.CommandText;
        await using var reader = await command.ExecuteReaderAsync(CommandBehavior.Default, Cancel);
        var plan = new List<string>();
        while (await reader.ReadAsync(Cancel))
        {
            plan.Add(reader.GetString(db.Database.IsNpgsql() ? 0 : 3));
        }

        Assert.Contains(plan, line => line.Contains("IX_", StringComparison.Ordinal) && line.Contains(index, StringComparison.Ordinal));
    }

    private static async Task<bool> WriteAsync(OathDbContext db, DateTimeOffset at)
    {
        await DailyFigures.WriteAsync(db, at, Cancel);
        return true;
    }

    private static string Line(JsonElement gap) => $"{gap.GetProperty("gap")}: {gap.GetProperty("closed")}/{gap.GetProperty("of")} "
        + string.Join(' ', gap.GetProperty("exceptions").EnumerateArray().Select(e => e.GetString()));

    private static Task<int> AddAsync(ServerUnderTest server, string cuid, string batch, Action<KeyRecord>? change = null) => server.WithDatabase(db =>
    {
        var record = new KeyRecord
        {
            Cuid = cuid,
            CuidSource = "DeviceSerial",
            Status = KeyStatus.ReadyForHandout,
            Batch = batch,
            ProfileName = "default",
            PinMethod = PinMethod.UniqueInitial,
            PukMethod = PukMethod.Derived,
            FidoPolicy = "not used",
            FirstCodeAcceptedAt = DateTimeOffset.UnixEpoch,
            ProvisionedBy = "op",
            ProvisionedAt = DateTimeOffset.UnixEpoch,
            Person = new Person { Realm = "default", Name = cuid, NormalizedName = cuid },
        };
        change?.Invoke(record);
        db.Records.Add(record);
        return db.SaveChangesAsync(Cancel);
    });
}
