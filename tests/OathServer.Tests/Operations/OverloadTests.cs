using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using OathServer.Access;
using OathServer.Storage;

namespace OathServer.Tests.Operations;

public class OverloadTests
{
    [Fact]
    public async Task More_than_one_relying_partys_share_is_turned_away_with_when_to_come_again_and_others_are_served()
    {
        await using var server = await ServerUnderTest.StartAsync(new Dictionary<string, string?> { ["Limits:AtOncePerKey"] = "4" });
        await server.AddTokenAsync("A1", Codes.Secret);
        await server.AddTokenAsync("A2", Codes.Secret);
        using var greedy = await ClientAsync(server, "greedy");
        using var modest = await ClientAsync(server, "modest");

        var flood = Enumerable.Range(0, 600).Select(i => StatusAsync(greedy, "A1", $"{i:D6}")).ToList();
        var code = await StatusAsync(modest, "A2", Codes.Hotp(Codes.Secret, 0));
        var statuses = await Task.WhenAll(flood);

        Assert.Equal(HttpStatusCode.OK, code.Status);
        Assert.All(statuses, s => Assert.True(s.Status is HttpStatusCode.OK or HttpStatusCode.TooManyRequests, s.Status.ToString()));
        Assert.Contains(statuses, s => s.Status == HttpStatusCode.OK);
        Assert.All(statuses.Where(s => s.Status == HttpStatusCode.TooManyRequests), s => Assert.True(s.Again));
        Assert.Contains(statuses, s => s.Status == HttpStatusCode.TooManyRequests);
        Assert.Equal(HttpStatusCode.OK, (await StatusAsync(greedy, "A1", "000000")).Status);
    }

    /// <summary>The whole way: HTTP, the real store, and its writer held while the queue fills.</summary>
    [Fact]
    public async Task A_full_queue_answers_503_with_when_to_come_again_and_the_code_is_still_good()
    {
        using var gate = new Gate();
        await using var server = await ServerUnderTest.StartAsync(replace: services => services.AddSingleton(provider => new CounterCommit(
            gate.Before(provider.GetRequiredService<ICounterStore>()), TimeProvider.System, NullLogger<CounterCommit>.Instance)));
        var id = await server.AddTokenAsync("A1", Codes.Secret);
        using var client = await ClientAsync(server, "vpn");
        Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 0)));
        // Known by now: the short lane, and before it the ordinary way through sign-in and rules.
        using var stranger = await ClientAsync(server, "first seen when the queue is full");
        Assert.Equal(HttpStatusCode.OK, (await StatusAsync(client, "A1", "000000")).Status);
        gate.Close();
        var commit = server.Services.GetRequiredService<CounterCommit>();
        var held = commit.SubmitAsync(new Untouched(id));
        await gate.Entered.WaitAsync(TestContext.Current.CancellationToken);
        var waiting = Enumerable.Range(0, CounterCommit.QueueMax).Select(_ => commit.SubmitAsync(new Untouched(id))).ToArray();

        try
        {
            foreach (var caller in (HttpClient[])[client, stranger])
            {
                await IsTurnedAwayAsync(caller);
            }
        }
        finally
        {
            gate.Open();
        }

        await Task.WhenAll([held, .. waiting]);
        Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 1)));

        static async Task IsTurnedAwayAsync(HttpClient caller)
        {
            using var refused = await caller.PostAsJsonAsync("/v1/validate", new { serial = "A1", code = Codes.Hotp(Codes.Secret, 1) }, TestContext.Current.CancellationToken);
            Assert.Equal((HttpStatusCode.ServiceUnavailable, "application/problem+json"), (refused.StatusCode, refused.Content.Headers.ContentType?.MediaType));
            Assert.Equal(TimeSpan.FromSeconds(1), refused.Headers.RetryAfter?.Delta);
            var problem = await refused.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
            Assert.Equal("Nothing was accepted. Try again in a moment.", problem.GetProperty("detail").GetString());
        }
    }

    /// <summary>Floods that leave nothing behind.</summary>
    [Fact]
    public async Task Flood_after_flood_only_sheds_and_leaves_the_memory_and_the_answers_as_they_were()
    {
        const int floods = 6;
        const int requests = 1500;
        await using var server = await ServerUnderTest.StartAsync(new Dictionary<string, string?> { ["Limits:AtOncePerKey"] = "16" });
        await server.AddTokenAsync("A1", Codes.Secret);
        await server.AddTokenAsync("A2", Codes.Secret);
        using var client = await ClientAsync(server, "vpn");
        long settled = 0;
        for (var flood = 0; flood < floods; flood++)
        {
            var statuses = await Task.WhenAll(Enumerable.Range(0, requests).Select(i => StatusAsync(client, "A1", $"{i:D6}")));
            Assert.All(statuses, s => Assert.True(s.Status is HttpStatusCode.OK || (s.Status is HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable && s.Again), s.Status.ToString()));
            Assert.Contains(statuses, s => s.Status != HttpStatusCode.OK);
            Assert.True(await server.AcceptsAsync("A2", Codes.Hotp(Codes.Secret, flood)));
            // The first flood fills pools that are kept; what comes after must not grow.
            settled = flood < 2 ? GC.GetTotalMemory(forceFullCollection: true) : settled;
        }

        Assert.True(GC.GetTotalMemory(forceFullCollection: true) - settled < 64 << 20, $"{GC.GetTotalMemory(forceFullCollection: true) - settled} bytes more than after the second flood");
    }

    [Fact]
    public async Task A_key_with_a_rate_is_held_to_it()
    {
        await using var server = await ServerUnderTest.StartAsync(new Dictionary<string, string?> { ["Limits:PerSecondPerKey"] = "1" });
        using var client = await ClientAsync(server, "vpn");

        var statuses = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => StatusAsync(client, "none", $"{i:D6}")));

        Assert.Contains(statuses, s => s.Status == HttpStatusCode.OK);
        Assert.Contains(statuses, s => s is { Status: HttpStatusCode.TooManyRequests, Again: true });
    }

    [Fact]
    public async Task An_address_that_tries_keys_nobody_knows_is_held_up_and_a_known_key_from_there_is_not()
    {
        await using var server = await ServerUnderTest.StartAsync(new Dictionary<string, string?> { ["Limits:UnknownKeysPerMinute"] = "5" });
        using var known = await ClientAsync(server, "vpn");
        var statuses = new List<HttpStatusCode>();
        for (var i = 0; i < 10; i++)
        {
            using var stranger = new HttpClient { BaseAddress = server.Address, DefaultRequestHeaders = { { ApiKeyAuthentication.Header, $"{ApiKeys.Prefix}guess{i}" } } };
            statuses.Add((await StatusAsync(stranger, "A1", "000000")).Status);
        }

        Assert.Equal(HttpStatusCode.Unauthorized, statuses[0]);
        Assert.Equal(HttpStatusCode.TooManyRequests, statuses[^1]);
        Assert.Equal(HttpStatusCode.OK, (await StatusAsync(known, "A1", "000000")).Status);
    }

    [Fact]
    public async Task Passwords_from_one_address_are_held_to_a_rate()
    {
        await using var server = await ServerUnderTest.StartAsync(new Dictionary<string, string?> { ["Limits:SignInsPerMinute"] = "3" });
        using var browser = new SignIn.Browser(server.Address);
        var statuses = new List<HttpStatusCode>();
        for (var i = 0; i < 5; i++)
        {
            using var reply = await browser.SignInAsync($"nobody{i}", "some long password");
            statuses.Add(reply.StatusCode);
            Assert.Equal(reply.StatusCode == HttpStatusCode.TooManyRequests, reply.Headers.RetryAfter is not null);
        }

        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.TooManyRequests), (statuses[0], statuses[^1]));
    }

    private static async Task<HttpClient> ClientAsync(ServerUnderTest server, string name)
    {
        var client = new HttpClient { BaseAddress = server.Address };
        client.DefaultRequestHeaders.Add(ApiKeyAuthentication.Header, await server.CreateKeyAsync(name, Roles.RelyingParty));
        return client;
    }

    private static async Task<(HttpStatusCode Status, bool Again)> StatusAsync(HttpClient client, string serial, string code)
    {
        using var reply = await client.PostAsJsonAsync("/v1/validate", new { serial, code }, TestContext.Current.CancellationToken);
        return (reply.StatusCode, reply.Headers.RetryAfter is not null);
    }

    /// <summary>Holds the writer before its store, once closed.</summary>
    private sealed class Gate : IDisposable
    {
        private readonly ManualResetEventSlim open = new(initialState: true);

        public SemaphoreSlim Entered { get; } = new(0);

        public void Close() => open.Reset();

        public void Open() => open.Set();

        public void Dispose()
        {
            open.Dispose();
            Entered.Dispose();
        }

        public ICounterStore Before(ICounterStore store) => new Held(this, store);

        private sealed class Held(Gate gate, ICounterStore store) : ICounterStore
        {
            public int Commit(IReadOnlyList<CounterChange> batch, DateTimeOffset now)
            {
                if (!gate.open.IsSet)
                {
                    gate.Entered.Release();
                    gate.open.Wait();
                }

                return store.Commit(batch, now);
            }

            public void Dispose() => store.Dispose();
        }
    }

    private sealed class Untouched(long id) : CounterChange
    {
        private readonly long[] ids = [id];

        public override ReadOnlySpan<long> TokenIds => ids;

        public override void Decide(CounterRows rows, DateTimeOffset now, ValidationLog log)
        {
        }
    }
}
