using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Desk;
using OathServer.Provisioning;
using OathServer.Storage;
using SecurityKeys.Virtual;

namespace OathServer.Tests.Desk;

public class BatchTests
{
    private const string Reader = "desk 1";

    [Fact]
    public async Task Keys_inserted_one_after_the_other_go_to_the_users_of_the_list()
    {
        await using var server = await StartAsync(3);
        var client = await server.Client();
        var id = await BatchAsync(client, "alice", "bob", "carol");

        for (var n = 1; n <= 3; n++)
        {
            await InsertAsync(server, client, id, new VirtualKey(new VirtualKeyOptions { Serial = (uint)(74000 + n) }), done: n);
        }

        var batch = await GetAsync(client, id);
        Assert.Equal("finished", batch.GetProperty("state").GetString());
        Assert.Equal(["alice", "bob", "carol"], await PeopleAsync(server));
        TestContext.Current.SendDiagnosticMessage(
            "milliseconds a key: {0}", string.Join(' ', batch.GetProperty("lines").EnumerateArray().Select(l => l.GetProperty("milliseconds").GetInt32())));
        var report = await client.GetFromJsonAsync<JsonElement>($"/v1/batches/{id}/report", Cancel);
        Assert.Equal((3, 3, 3, 0), (report.GetProperty("tokens").GetInt32(), report.GetProperty("ready").GetInt32(),
            report.GetProperty("statements").GetArrayLength(), report.GetProperty("red").GetArrayLength()));
        var labels = await client.GetStringAsync($"/v1/batches/{id}/labels?format=text", Cancel);
        Assert.Contains("alice\nKey 74001\nCUID 00012111\nToken A1", labels, StringComparison.Ordinal);
        Assert.Equal(3, (await client.GetStringAsync($"/v1/batches/{id}/labels", Cancel)).Split("<section>").Length - 1);
        using var follow = new HttpRequestMessage(HttpMethod.Get, $"/v1/batches/{id}") { Headers = { { "Accept", "text/event-stream" } } };
        using var events = await client.SendAsync(follow, Cancel);
        Assert.Contains("event: batch", await events.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_that_has_an_owner_is_not_given_to_the_next_user()
    {
        await using var server = await StartAsync(2);
        var client = await server.Client();
        var id = await BatchAsync(client, "alice", "bob");
        var key = new VirtualKey(new VirtualKeyOptions { Serial = 74011 });
        await InsertAsync(server, client, id, key, done: 1);
        var contents = key.Peek();

        using var plugged = Plug(server, key);
        var batch = await UntilAsync(client, id, b => b.TryGetProperty("notice", out var n) && n.GetString()!.Contains("alice", StringComparison.Ordinal));

        Assert.Equal("waiting", Line(batch, 2).GetProperty("state").GetString());
        var red = (await client.GetFromJsonAsync<JsonElement>($"/v1/batches/{id}/report", Cancel)).GetProperty("red").EnumerateArray().Single();
        Assert.Equal(("bob", "waits for a key"), (red.GetProperty("user").GetString(), red.GetProperty("why").GetString()));
        Assert.Equal(contents.Piv.Puk, key.Peek().Piv.Puk);
    }

    [Fact]
    public async Task A_pulled_key_goes_on_with_the_same_user_when_it_comes_back()
    {
        await using var server = await StartAsync(2);
        var client = await server.Client();
        var id = await BatchAsync(client, "alice", "bob");
        var pulled = new VirtualKey(new VirtualKeyOptions { Serial = 74021 });
        pulled.PullAfter(70);
        using (Plug(server, pulled))
        {
            await UntilAsync(client, id, b => Line(b, 1).GetProperty("state").GetString() == "interrupted");
        }

        await InsertAsync(server, client, id, new VirtualKey(new VirtualKeyOptions { Serial = 74022 }), done: 1);
        await InsertAsync(server, client, id, pulled, done: 2);

        var batch = await GetAsync(client, id);
        Assert.Equal("00012125", Line(batch, 1).GetProperty("cuid").GetString());
        Assert.Equal("00012126", Line(batch, 2).GetProperty("cuid").GetString());
        Assert.Equal("finished", batch.GetProperty("state").GetString());
    }

    [Fact]
    public async Task A_mistaken_assignment_is_undone_before_handout_and_recorded()
    {
        await using var server = await StartAsync(3);
        var client = await server.Client();
        var id = await BatchAsync(client, "alice", "bob");
        await InsertAsync(server, client, id, new VirtualKey(new VirtualKeyOptions { Serial = 74031 }), done: 1);
        await InsertAsync(server, client, id, new VirtualKey(new VirtualKeyOptions { Serial = 74032 }), done: 2);

        using var swapped = await client.PostAsJsonAsync($"/v1/batches/{id}/swap", new { one = 1, other = 2 }, Cancel);
        Assert.Equal(HttpStatusCode.OK, swapped.StatusCode);
        Assert.Equal(["bob", "alice"], await PeopleAsync(server));

        using var taken = await client.PostAsync($"/v1/batches/{id}/lines/2/unassign", null, Cancel);
        var batch = await taken.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        Assert.Equal("paused", batch.GetProperty("state").GetString());
        Assert.Equal(("alice", "waiting"), (Line(batch, 3).GetProperty("user").GetString(), Line(batch, 3).GetProperty("state").GetString()));
        Assert.Equal(["bob", null], await PeopleAsync(server));
        var trail = await server.WithDatabase(db => db.Audit.OrderBy(a => a.Sequence).Select(a => a.Action).ToListAsync(Cancel));
        Assert.Equal(["batch.start", "batch.swap", "batch.swap", "batch.unassign"], trail.Where(a => a.StartsWith("batch.", StringComparison.Ordinal)));

        await server.WithDatabase(db => db.Records.Where(r => r.PersonId != null).ExecuteUpdateAsync(r => r.SetProperty(x => x.Status, KeyStatus.HandedOut), Cancel));
        using var late = await client.PostAsync($"/v1/batches/{id}/lines/1/unassign", null, Cancel);
        Assert.Equal(HttpStatusCode.Conflict, late.StatusCode);

        using var resumed = await client.PostAsync($"/v1/batches/{id}/resume", null, Cancel);
        await InsertAsync(server, client, id, new VirtualKey(new VirtualKeyOptions { Serial = 74033 }), done: 2);
        Assert.Equal("finished", (await GetAsync(client, id)).GetProperty("state").GetString());
    }

    [Fact]
    public async Task A_key_that_changes_hands_is_accepted_only_while_its_new_holder_is_here()
    {
        await using var server = await StartAsync(2);
        var client = await server.Client();
        var id = await BatchAsync(client, "alice", "bob");
        await InsertAsync(server, client, id, new VirtualKey(new VirtualKeyOptions { Serial = 74061 }), done: 1);
        await InsertAsync(server, client, id, new VirtualKey(new VirtualKeyOptions { Serial = 74062 }), done: 2);
        await server.WithDatabase(db => db.People.Where(p => p.Name == "bob").ExecuteUpdateAsync(p => p.SetProperty(x => x.Active, false), Cancel));

        using var swapped = await client.PostAsJsonAsync($"/v1/batches/{id}/swap", new { one = 1, other = 2 }, Cancel);
        var afterSwap = await StoppedAsync(server);
        using var taken = await client.PostAsync($"/v1/batches/{id}/lines/1/unassign", null, Cancel);

        Assert.Equal(HttpStatusCode.OK, swapped.StatusCode);
        Assert.Equal([true, false], afterSwap);
        Assert.Equal(HttpStatusCode.OK, taken.StatusCode);
        Assert.Equal([false, false], await StoppedAsync(server));
    }

    [Fact]
    public async Task Keys_are_swapped_by_the_profile_they_were_made_with_whatever_it_says_by_now()
    {
        await using var server = await StartAsync(3);
        var client = await server.Client();
        var id = await BatchAsync(client, "alice", "bob", "carol");
        await InsertAsync(server, client, id, new VirtualKey(new VirtualKeyOptions { Serial = 74071 }), done: 1);
        await InsertAsync(server, client, id, new VirtualKey(new VirtualKeyOptions { Serial = 74072 }), done: 2);
        using var changed = await client.PutAsJsonAsync("/v1/profiles/default", new { version = 1, decisions = new { oath = new { name = "{user}" } } }, Cancel);
        Assert.True(changed.IsSuccessStatusCode, await changed.Content.ReadAsStringAsync(Cancel));
        await InsertAsync(server, client, id, new VirtualKey(new VirtualKeyOptions { Serial = 74073 }), done: 3);

        using var made = await client.PostAsJsonAsync($"/v1/batches/{id}/swap", new { one = 1, other = 2 }, Cancel);
        using var named = await client.PostAsJsonAsync($"/v1/batches/{id}/swap", new { one = 1, other = 3 }, Cancel);

        Assert.Equal(HttpStatusCode.OK, made.StatusCode);
        Assert.Equal(HttpStatusCode.Conflict, named.StatusCode);
        Assert.Contains("carry their users' names", await named.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
        Assert.Equal(["bob", "alice", "carol"], await PeopleAsync(server));
    }

    /// <summary>Of each key, in the order of provisioning, whether its token waits for its holder to come back.</summary>
    private static Task<List<bool>> StoppedAsync(ServerUnderTest server) => server.WithDatabase(db =>
        db.Records.OrderBy(r => r.Cuid).SelectMany(r => r.Tokens).Select(t => (t.Counter!.Flags & CounterFlags.HolderInactive) != 0).ToListAsync(Cancel));

    [Theory]
    [InlineData("none", "waiting")]
    [InlineData("open", "interrupted")]
    [InlineData("confirmed", "done")]
    public async Task A_line_at_work_when_the_server_was_killed_goes_on_by_what_its_job_says(string job, string expected)
    {
        var folder = Directory.CreateTempSubdirectory("oathserver-batch-").FullName;
        Guid id;
        var key = new VirtualKey(new VirtualKeyOptions { Serial = 74051 });
        await using (var first = await StartAsync(2, folder))
        {
            var client = await first.Client();
            id = await BatchAsync(client, "alice", "bob");
            using var paused = await client.PostAsync($"/v1/batches/{id}/pause", null, Cancel);
            if (job != "none")
            {
                using var plugged = Plug(first, key);
                key.PullAfter(job == "open" ? 70 : int.MaxValue);
                using var reply = await client.PostAsJsonAsync("/v1/provisioning", new { reader = Reader, batch = "box", user = "alice" }, Cancel);
                Assert.Equal(HttpStatusCode.Created, reply.StatusCode);
            }

            // What a claim leaves in the database when nobody ends it.
            DateTimeOffset? until = DateTimeOffset.UtcNow + BatchSweep.ClaimTime - TimeSpan.FromMinutes(1);
            await first.WithDatabase(db => db.DeskBatchLines.Where(l => l.Ordinal == 1).ExecuteUpdateAsync(l => l
                .SetProperty(x => x.State, DeskLineState.Working).SetProperty(x => x.Cuid, "00012143").SetProperty(x => x.ClaimedUntil, until), Cancel));
        }

        await using (var second = await ServerUnderTest.StartAsync(folder: folder))
        {
            var client = await second.Client();
            var batch = await UntilAsync(client, id, b => Line(b, 1).GetProperty("state").GetString() == expected);
            using var resumed = await client.PostAsync($"/v1/batches/{id}/resume", null, Cancel);
            if (expected != "done")
            {
                await InsertAsync(second, client, id, key, done: 1);
            }

            await InsertAsync(second, client, id, new VirtualKey(new VirtualKeyOptions { Serial = 74052 }), done: 2);
            Assert.Equal("finished", (await GetAsync(client, id)).GetProperty("state").GetString());
            Assert.Equal(["alice", "bob"], await PeopleAsync(second));
        }

        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_paused_batch_takes_no_key_and_a_stopped_one_never_again()
    {
        await using var server = await StartAsync(1);
        var client = await server.Client();
        var id = await BatchAsync(client, "alice");
        using var paused = await client.PostAsync($"/v1/batches/{id}/pause", null, Cancel);
        using var plugged = Plug(server, new VirtualKey(new VirtualKeyOptions { Serial = 74041 }));

        using var stopped = await client.PostAsync($"/v1/batches/{id}/stop", null, Cancel);
        using var resumed = await client.PostAsync($"/v1/batches/{id}/resume", null, Cancel);

        Assert.Equal(HttpStatusCode.OK, paused.StatusCode);
        Assert.Equal(HttpStatusCode.OK, stopped.StatusCode);
        Assert.Equal(HttpStatusCode.Conflict, resumed.StatusCode);
        Assert.Equal("waiting", Line(await GetAsync(client, id), 1).GetProperty("state").GetString());
    }

    [Theory]
    [InlineData("user,serial\nalice,A1\nbob\n", HttpStatusCode.Created)]
    [InlineData("alice\n,A1\n", HttpStatusCode.BadRequest)]
    [InlineData("alice\nALICE\n", HttpStatusCode.UnprocessableEntity)]
    [InlineData("", HttpStatusCode.BadRequest)]
    public async Task A_list_is_read_line_by_line(string list, HttpStatusCode expected)
    {
        await using var server = await StartAsync(1);
        var client = await server.Client();

        using var body = new StringContent(list, Encoding.UTF8, "text/csv");
        using var reply = await client.PostAsync("/v1/batches/csv?name=monday&shipment=box", body, Cancel);

        Assert.True(expected == reply.StatusCode, await reply.Content.ReadAsStringAsync(Cancel));
    }

    [Theory]
    [InlineData("""{"name":"monday","users":[null]}""", "users")]
    [InlineData("""{"name":"monday","users":[{"user":"alice"},null]}""", "users")]
    [InlineData("""{"name":"monday","users":[{"user":"alice"}],"readers":[null]}""", "readers")]
    public async Task A_null_in_a_list_is_a_bad_field(string request, string field)
    {
        await using var server = await StartAsync(1);
        var client = await server.Client();

        using var body = new StringContent(request, Encoding.UTF8, "application/json");
        using var reply = await client.PostAsync("/v1/batches", body, Cancel);

        Assert.Equal(HttpStatusCode.BadRequest, reply.StatusCode);
        Assert.Contains(field, await reply.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static async Task<ServerUnderTest> StartAsync(int tokens, string? folder = null)
    {
        var server = await ServerUnderTest.StartAsync(folder: folder);
        for (var n = 1; n <= tokens; n++)
        {
            await server.AddTokenAsync($"A{n}", Codes.Secret, state: TokenState.Imported);
        }

        await server.WithDatabase(db => db.Tokens.ExecuteUpdateAsync(t => t.SetProperty(x => x.Batch, "box"), Cancel));
        return server;
    }

    private static async Task<Guid> BatchAsync(HttpClient client, params string[] users)
    {
        using var reply = await client.PostAsJsonAsync(
            "/v1/batches", new { name = "monday", shipment = "box", users = users.Select(user => new { user }), readers = new[] { Reader } }, Cancel);
        var batch = await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        Assert.True(reply.StatusCode == HttpStatusCode.Created, batch.ToString());
        return batch.GetProperty("id").GetGuid();
    }

    /// <summary>Inserts a key, waits until so many are done, takes it out.</summary>
    private static async Task InsertAsync(ServerUnderTest server, HttpClient client, Guid id, VirtualKey key, int done)
    {
        using var plugged = Plug(server, key);
        await UntilAsync(client, id, b => b.GetProperty("done").GetInt32() == done);
    }

    private static Plugged Plug(ServerUnderTest server, VirtualKey key)
    {
        var readers = server.Services.GetRequiredService<KeyReaders>();
        return new Plugged(readers, readers.Plug(Reader, KeyReaders.VirtualKind, key.Connect));
    }

    private static async Task<JsonElement> UntilAsync(HttpClient client, Guid id, Func<JsonElement, bool> holds)
    {
        JsonElement batch = default;
        await Eventually.HoldsAsync(async () => holds(batch = await GetAsync(client, id)), "the batch did not get there", Cancel);
        return batch;
    }

    private static Task<JsonElement> GetAsync(HttpClient client, Guid id) => client.GetFromJsonAsync<JsonElement>($"/v1/batches/{id}", Cancel);

    private static JsonElement Line(JsonElement batch, int line) =>
        batch.GetProperty("lines").EnumerateArray().Single(l => l.GetProperty("line").GetInt32() == line);

    private static Task<List<string?>> PeopleAsync(ServerUnderTest server) => server.WithDatabase(db =>
        db.Records.OrderBy(r => r.Cuid).Select(r => r.Person == null ? null : r.Person.Name).ToListAsync(Cancel));

    private sealed record Plugged(KeyReaders Readers, PluggedReader Reader) : IDisposable
    {
        public void Dispose() => Readers.Unplug(Reader);
    }
}
