using OathServer.Storage;
using OathServer.Validation;

namespace OathServer.Tests.Operations;

/// <summary>Lists of the console in every order there is: the same on either database, whatever is missing in a row.</summary>
public class ListOrderTests
{
    private static readonly DateTimeOffset At = new(2026, 3, 5, 14, 7, 9, TimeSpan.Zero);

    [Theory]
    [InlineData("/admin/agents.csv", "name", "a b c")]
    [InlineData("/admin/agents.csv", "seen", "c a b")]
    [InlineData("/admin/agents.csv", "invited", "b a c")]
    [InlineData("/admin/webhooks.csv", "name", "a b c")]
    [InlineData("/admin/webhooks.csv", "failures", "b a c")]
    [InlineData("/admin/webhooks.csv", "waiting", "c a b")]
    [InlineData("/admin/webhooks.csv", "delivered", "c a b")]
    [InlineData("/admin/api-keys.csv", "used", "c a b")]
    [InlineData("/admin/staff.csv", "seen", "c a b")]
    [InlineData("/admin/profiles.csv", "version", "a c b")]
    [InlineData("/admin/profiles.csv", "keys", "b c a")]
    [InlineData("/admin/policies.csv", "window", "c b a")]
    [InlineData("/admin/policies.csv", "people", "b c a")]
    public async Task A_list_turned_round_is_the_same_backwards_and_what_never_was_comes_first(string file, string order, string names)
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.WithDatabase(FillAsync);
        var client = await server.Client();

        Assert.Equal(names.Split(' '), await NamesAsync(client, $"{file}?sort={order}"));
        Assert.Equal(names.Split(' ').Reverse(), await NamesAsync(client, $"{file}?sort=-{order}"));
        Assert.Equal(["b"], await NamesAsync(client, $"{file}?sort={order}&begins=b"));
        Assert.Equal(["b"], await NamesAsync(client, $"{file}?sort={order}&begins=B"));
    }

    [Theory]
    [InlineData("sort=line", "1 2 3")]
    [InlineData("sort=user", "2 3 1")]
    [InlineData("sort=state", "1 3 2")]
    [InlineData("sort=key", "2 3 1")]
    [InlineData("sort=seconds", "2 3 1")]
    [InlineData("sort=user&begins=AN", "2 3")]
    [InlineData("sort=seconds&line=Done", "3 1")]
    public async Task The_people_of_a_batch_come_in_each_order_and_by_state_and_the_beginning_of_a_name(string asked, string lines)
    {
        await using var server = await ServerUnderTest.StartAsync();
        var batch = Guid.NewGuid();
        await server.WithDatabase(db =>
        {
            db.DeskBatches.Add(Batch("May", batch));
            db.DeskBatchLines.AddRange(
                new DeskBatchLine { BatchId = batch, Ordinal = 1, UserName = "bert", State = DeskLineState.Done, Cuid = "0B", Milliseconds = 700 },
                new DeskBatchLine { BatchId = batch, Ordinal = 2, UserName = "ana", State = DeskLineState.Waiting },
                new DeskBatchLine { BatchId = batch, Ordinal = 3, UserName = "anton", State = DeskLineState.Done, Cuid = "0A", Milliseconds = 500 });
            return db.SaveChangesAsync(TestContext.Current.CancellationToken);
        });
        var client = await server.Client();

        Assert.Equal(lines.Split(' '), await FirstColumnAsync(client, $"/batches/{batch}.csv?{asked}"));
        if (!asked.Contains('&', StringComparison.Ordinal))
        {
            Assert.Equal(lines.Split(' ').Reverse(), await FirstColumnAsync(client, $"/batches/{batch}.csv?{asked.Replace("=", "=-", StringComparison.Ordinal)}"));
        }
    }

    [Theory]
    [InlineData("may")]
    [InlineData("MAY")]
    [InlineData("May s")]
    public async Task Batches_are_found_by_the_beginning_of_their_name_in_capitals_or_not(string name)
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.WithDatabase(db =>
        {
            db.DeskBatches.AddRange(Batch("May south", Guid.NewGuid()), Batch("June south", Guid.NewGuid()));
            return db.SaveChangesAsync(TestContext.Current.CancellationToken);
        });

        Assert.Equal(["May south"], await FirstColumnAsync(await server.Client(), $"/batches.csv?name={Uri.EscapeDataString(name)}"));
    }

    /// <summary>The first column of the file, of the three rows that are asked about.</summary>
    private static async Task<IEnumerable<string>> NamesAsync(HttpClient client, string file) =>
        (await FirstColumnAsync(client, file)).Where(name => name is "a" or "b" or "c");

    private static async Task<IEnumerable<string>> FirstColumnAsync(HttpClient client, string file) =>
        (await client.GetStringAsync(file, TestContext.Current.CancellationToken)).Trim().Split('\n').Skip(1).Select(line => line.Split(',')[0]);

    private static async Task<int> FillAsync(OathDbContext db)
    {
        string[] names = ["a", "b", "c"];
        DateTimeOffset?[] seen = [At, At.AddDays(1), null];
        foreach (var (i, name) in names.Index())
        {
            db.Agents.Add(new DeskAgent { Id = Guid.NewGuid(), Name = name, CreatedBy = "test", CreatedAt = At.AddDays(i == 1 ? -1 : i), LastSeenAt = seen[i] });
            db.Webhooks.Add(new Webhook
            {
                Name = name,
                Url = "https://receiver.invalid/",
                Actions = "token.*",
                SealedSecret = [1],
                Failures = i == 1 ? 0 : i + 1,
                Cursor = 10 - (i == 2 ? -1 : i),
                LastDeliveredAt = seen[i],
                NextAttemptAt = DateTimeOffset.UtcNow.AddDays(1),
            });
            db.ApiKeys.Add(new ApiKey { Name = name, Hash = [(byte)i], Role = "monitor", Realms = "", CreatedAt = At, LastUsedAt = seen[i] });
            db.Staff.Add(new StaffMember { UserName = name, NormalizedUserName = name.ToUpperInvariant(), Role = "auditor", CreatedAt = At, LastSignInAt = seen[i] });
            db.Profiles.Add(new RolloutProfileVersion { Name = name, Version = i == 1 ? 9 : i + 1, Decisions = "{}", EditedBy = "test", EditedAt = At });
            db.RealmPolicies.Add(Policy(name, lookAhead: 30 - i));
        }

        db.Records.AddRange(Record("01", "a"), Record("02", "a"), Record("03", "c"));
        db.People.AddRange(Person("x", "a"), Person("y", "a"), Person("z", "c"));
        return await db.SaveChangesAsync();
    }

    private static DeskBatch Batch(string name, Guid id) =>
        new() { Id = id, Name = name, Readers = "desk", ProfileName = "default", CreatedBy = "test", CreatedAt = At };

    private static RealmPolicy Policy(string realm, int lookAhead)
    {
        var policy = new RealmPolicy { Realm = realm, ChangedBy = "test", ChangedAt = At };
        new ValidationPolicy { LookAhead = lookAhead }.WriteTo(policy);
        return policy;
    }

    private static KeyRecord Record(string cuid, string profile) => new() { Cuid = cuid, CuidSource = "DeviceSerial", ProfileName = profile, UpdatedAt = At };

    private static Person Person(string name, string realm) => new() { Name = name, NormalizedName = name.ToUpperInvariant(), Realm = realm, CreatedAt = At };
}
