using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Secrets;
using OathServer.Storage;
using OathServer.Validation;

namespace OathServer.Tests.Databases;

/// <summary>Two nodes in this process, on one database.</summary>
[OnPostgreSql]
public class NodesTests
{
    private const int Callers = 32;

    [Fact]
    public async Task One_code_sent_to_two_nodes_at_once_is_accepted_once()
    {
        await using var nodes = await Nodes.StartAsync();
        await nodes.A.AddTokenAsync("N1", Codes.Secret);

        for (var counter = 0; counter < 20; counter++)
        {
            var code = Codes.Hotp(Codes.Secret, counter);
            var answers = await Task.WhenAll(Enumerable.Range(0, Callers).Select(i => nodes.Of(i).AcceptsAsync("N1", code)));
            Assert.Equal(1, answers.Count(accepted => accepted));
            await nodes.A.WithDatabase(db => db.Counters.ExecuteUpdateAsync(
                c => c.SetProperty(x => x.Failures, 0).SetProperty(x => x.LockedUntil, 0L).SetProperty(x => x.Flags, CounterFlags.None), Cancel));
        }

        Assert.Equal(20, (await nodes.B.CounterAsync("N1")).Counter);
    }

    [Fact]
    public async Task A_burst_of_wrong_codes_over_two_nodes_is_evaluated_five_times()
    {
        await using var nodes = await Nodes.StartAsync();
        for (var repeat = 0; repeat < 10; repeat++)
        {
            var (serial, wrong) = ($"T20-{repeat}", $"00000{repeat}");
            var id = await nodes.A.AddTokenAsync(serial, Codes.Secret);

            await Task.WhenAll(Enumerable.Range(0, 200).Select(i => SaidAsync(nodes.Of(i), serial, wrong)));

            var outcomes = (await AttemptsAsync(nodes.A)).Where(a => a.TokenId == id).GroupBy(a => a.Outcome).ToDictionary(g => g.Key, g => g.Count());
            Assert.Equal(5, outcomes[Outcome.WrongCode]);
            Assert.Equal(195, outcomes[Outcome.Throttled]);
            Assert.False(await nodes.B.AcceptsAsync(serial, Codes.Hotp(Codes.Secret, 0)), "a right code was looked at while throttled");
        }
    }

    /// <summary>Until the code is answered: what a busy machine refuses (503) was not looked at.</summary>
    private static async Task SaidAsync(ServerUnderTest node, string serial, string code)
    {
        var client = await node.Client(Roles.RelyingParty);
        while (true)
        {
            using var reply = await client.PostAsJsonAsync("/v1/validate", new { serial, code }, Cancel);
            if (reply.StatusCode != HttpStatusCode.ServiceUnavailable)
            {
                reply.EnsureSuccessStatusCode();
                return;
            }
        }
    }

    [Fact]
    public async Task What_one_node_changes_the_other_knows_at_its_next_request()
    {
        await using var nodes = await Nodes.StartAsync();
        await nodes.A.AddTokenAsync("C1", Codes.Secret, user: "ada");
        await nodes.A.AddTokenAsync("C2", Codes.Secret, counter: 100);
        var staff = await nodes.A.Client();
        var counter = 0;
        Assert.True(await AcceptsUserAsync(nodes.B, "ada", counter++));

        (await staff.PutAsJsonAsync("/v1/tokens/C1/user", new { user = "grace" }, Cancel)).EnsureSuccessStatusCode();
        Assert.False(await AcceptsUserAsync(nodes.B, "ada", counter++));
        Assert.True(await AcceptsUserAsync(nodes.B, "grace", counter++));

        (await staff.PutAsJsonAsync("/v1/tokens/C2/user", new { user = "ada" }, Cancel)).EnsureSuccessStatusCode();
        Assert.True(await AcceptsUserAsync(nodes.B, "ada", 100));

        (await staff.PostAsync("/v1/tokens/C2/suspend", content: null, Cancel)).EnsureSuccessStatusCode();
        Assert.False(await AcceptsUserAsync(nodes.B, "ada", 101));
        (await staff.PostAsync("/v1/tokens/C2/resume", content: null, Cancel)).EnsureSuccessStatusCode();
        Assert.True(await AcceptsUserAsync(nodes.B, "ada", 102));
    }

    [Fact]
    public async Task A_realms_policy_that_one_node_was_given_holds_on_the_other_without_a_restart()
    {
        await using var nodes = await Nodes.StartAsync();
        await nodes.A.AddTokenAsync("P1", Codes.Secret);
        Assert.False(await nodes.B.AcceptsAsync("P1", Codes.Hotp(Codes.Secret, 20)));
        var staff = await nodes.A.Client();

        using var reply = await staff.PutAsJsonAsync("/v1/realms/default/policy", new { lookAhead = 25 }, Cancel);
        reply.EnsureSuccessStatusCode();
        while (nodes.B.Services.GetRequiredService<RealmPolicies>().Of("default").LookAhead != 25)
        {
            await Task.Delay(10, Cancel);
        }

        Assert.True(await nodes.B.AcceptsAsync("P1", Codes.Hotp(Codes.Secret, 20)));
    }

    [Fact]
    public async Task A_PIN_that_one_node_was_given_is_asked_for_by_the_other_at_its_next_request()
    {
        await using var nodes = await Nodes.StartAsync();
        await nodes.A.AddTokenAsync("Q1", Codes.Secret);
        var staff = await nodes.A.Client();
        (await staff.PutAsJsonAsync("/v1/realms/default/policy", new { pin = "before-code" }, Cancel)).EnsureSuccessStatusCode();
        while (!nodes.B.Services.GetRequiredService<RealmPolicies>().TakePins)
        {
            await Task.Delay(10, Cancel);
        }

        Assert.True(await nodes.B.AcceptsAsync("Q1", Codes.Hotp(Codes.Secret, 0)));
        (await staff.PutAsJsonAsync("/v1/tokens/Q1/pin", new { pin = "first", reason = "nodes test" }, Cancel)).EnsureSuccessStatusCode();
        Assert.False(await nodes.B.AcceptsAsync("Q1", Codes.Hotp(Codes.Secret, 1)));
        Assert.True(await nodes.B.AcceptsAsync("Q1", "first" + Codes.Hotp(Codes.Secret, 1)));
        (await staff.PutAsJsonAsync("/v1/tokens/Q1/pin", new { pin = "second", reason = "nodes test" }, Cancel)).EnsureSuccessStatusCode();
        Assert.False(await nodes.B.AcceptsAsync("Q1", "first" + Codes.Hotp(Codes.Secret, 2)));
        Assert.True(await nodes.B.AcceptsAsync("Q1", "second" + Codes.Hotp(Codes.Secret, 2)));
    }

    [Fact]
    public async Task A_resynchronisation_on_one_node_holds_on_the_other_at_once()
    {
        await using var nodes = await Nodes.StartAsync();
        await nodes.A.AddTokenAsync("Y1", Codes.Secret);
        Assert.True(await nodes.B.AcceptsAsync("Y1", Codes.Hotp(Codes.Secret, 0)));
        Assert.False(await nodes.B.AcceptsAsync("Y1", Codes.Hotp(Codes.Secret, 60)));

        var staff = await nodes.A.Client();
        using var reply = await staff.PostAsJsonAsync(
            "/v1/tokens/Y1/resync", new { codes = new[] { Codes.Hotp(Codes.Secret, 60), Codes.Hotp(Codes.Secret, 61) } }, Cancel);
        reply.EnsureSuccessStatusCode();

        Assert.False(await nodes.B.AcceptsAsync("Y1", Codes.Hotp(Codes.Secret, 61)));
        Assert.True(await nodes.B.AcceptsAsync("Y1", Codes.Hotp(Codes.Secret, 62)));
    }

    [Fact]
    public async Task A_new_seed_that_one_node_switched_to_is_the_only_one_on_the_other_at_once()
    {
        await using var nodes = await Nodes.StartAsync();
        var id = await nodes.A.AddTokenAsync("N1", Codes.Secret);
        byte[] renewed = [.. Codes.Secret.Reverse()];
        Assert.True(await nodes.A.AcceptsAsync("N1", Codes.Hotp(Codes.Secret, 0)));
        Assert.True(await nodes.B.AcceptsAsync("N1", Codes.Hotp(Codes.Secret, 1)));
        var generation = (await nodes.A.CounterAsync("N1")).Generation + 1;
        await nodes.A.WithDatabase(async db =>
        {
            db.PendingSeeds.Add(new PendingSeed
            {
                TokenId = id,
                Generation = generation,
                SealedSecret = nodes.A.Services.GetRequiredService<Sealer>().Seal(renewed, SealedPlace.TokenSecret("N1", generation)),
                StagedBy = "test",
                StagedAt = DateTimeOffset.UnixEpoch,
            });
            await db.Counters.Where(c => c.TokenId == id)
                .ExecuteUpdateAsync(c => c.SetProperty(x => x.Flags, x => x.Flags | CounterFlags.ReseedPending), Cancel);
            return await db.SaveChangesAsync(Cancel);
        });

        Assert.True(await nodes.A.AcceptsAsync("N1", Codes.Hotp(renewed, 0)));
        Assert.False(await nodes.B.AcceptsAsync("N1", Codes.Hotp(Codes.Secret, 2)));
        Assert.True(await nodes.B.AcceptsAsync("N1", Codes.Hotp(renewed, 1)));
    }

    [Fact]
    public async Task The_trail_of_two_nodes_is_one_unbroken_chain()
    {
        await using var nodes = await Nodes.StartAsync();

        await Task.WhenAll(Enumerable.Range(0, Callers).Select(i => nodes.Of(i).WithDatabase(async db =>
        {
            await nodes.Of(i).Services.GetRequiredService<AuditTrail>().SaveAsync(db, Cancel, new AuditEvent($"actor {i}", "test", "done"));
            return 0;
        })));

        Assert.Null(await nodes.A.WithDatabase(db => nodes.A.Services.GetRequiredService<AuditTrail>().VerifyAsync(db, Cancel)));
        Assert.Equal(Callers, await nodes.A.WithDatabase(db => db.Audit.CountAsync(e => e.Action == "test", Cancel)));
    }

    [Fact]
    public async Task Each_node_chains_its_own_log_and_goes_on_with_it_after_a_restart()
    {
        await using var nodes = await Nodes.StartAsync();
        await nodes.A.AddTokenAsync("L1", Codes.Secret);
        for (var counter = 0; counter < 6; counter++)
        {
            Assert.True(await nodes.Of(counter).AcceptsAsync("L1", Codes.Hotp(Codes.Secret, counter)));
        }

        await nodes.RestartBAsync();
        Assert.True(await nodes.B.AcceptsAsync("L1", Codes.Hotp(Codes.Secret, 6)));

        var batches = await nodes.A.WithDatabase(db => db.ValidationBatches.AsNoTracking().OrderBy(b => b.Node).ThenBy(b => b.Sequence).ToListAsync(Cancel));
        var key = nodes.A.Services.GetRequiredService<StorageStart>().ChainKey;
        Assert.Equal([1, 2], batches.Select(b => b.Node).Distinct());
        Assert.Equal([3, 4], batches.GroupBy(b => b.Node).Select(g => g.Count()).Order());
        foreach (var chain in batches.GroupBy(b => b.Node))
        {
            var previous = new byte[ValidationChain.MacSize];
            foreach (var (index, batch) in chain.Index())
            {
                Assert.Equal(index + 1, batch.Sequence);
                var link = ValidationChain.Link(key, batch.Node, batch.Sequence, batch.At.ToUnixTimeMilliseconds(), previous, batch.Entries);
                Assert.Equal(link, batch.Mac);
                previous = link;
            }
        }
    }

    [Fact]
    public async Task The_database_refuses_a_counter_that_would_fall()
    {
        await using var nodes = await Nodes.StartAsync();
        await nodes.A.AddTokenAsync("D1", Codes.Secret, counter: 7);

        var refusal = await Assert.ThrowsAsync<PostgresException>(() => nodes.A.WithDatabase(db =>
            db.Counters.ExecuteUpdateAsync(c => c.SetProperty(x => x.Counter, 6), Cancel)));

        Assert.Contains("a counter never falls", refusal.MessageText, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nodes_that_start_at_once_on_an_empty_database_agree()
    {
        var folder = Directory.CreateTempSubdirectory("oathserver-test-").FullName;
        KeyFile.Open(Path.Combine(folder, "sealing.key"), mayCreate: true);

        var started = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => ServerUnderTest.StartAsync(folder: folder)));

        await started[0].AddTokenAsync("S1", Codes.Secret);
        for (var node = 0; node < started.Length; node++)
        {
            Assert.True(await started[node].AcceptsAsync("S1", Codes.Hotp(Codes.Secret, node)));
        }

        foreach (var server in started)
        {
            await server.StopAsync();
        }

        Directory.Delete(folder, recursive: true);
    }

    internal static async Task<List<LoggedAttempt>> AttemptsAsync(ServerUnderTest server) =>
        [.. (await server.WithDatabase(db => db.ValidationBatches.AsNoTracking().ToListAsync(Cancel))).SelectMany(b => ValidationLog.Read(b.Entries))];

    private static async Task<bool> AcceptsUserAsync(ServerUnderTest server, string user, int counter)
    {
        var client = await server.Client(Roles.RelyingParty);
        using var reply = await client.PostAsJsonAsync("/v1/validate", new { user, code = Codes.Hotp(Codes.Secret, counter) }, Cancel);
        reply.EnsureSuccessStatusCode();
        return (await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("accepted").GetBoolean();
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Two servers, A and B.</summary>
    private sealed class Nodes : IAsyncDisposable
    {
        public required ServerUnderTest A { get; init; }

        public required ServerUnderTest B { get; set; }

        public static async Task<Nodes> StartAsync()
        {
            var a = await ServerUnderTest.StartAsync();
            return new Nodes { A = a, B = await ServerUnderTest.StartAsync(folder: a.Folder) };
        }

        public ServerUnderTest Of(int number) => number % 2 == 0 ? A : B;

        public async Task RestartBAsync()
        {
            await B.StopAsync();
            B = await ServerUnderTest.StartAsync(folder: A.Folder);
        }

        public async ValueTask DisposeAsync()
        {
            await B.DisposeAsync();
            await A.DisposeAsync();
        }
    }
}
