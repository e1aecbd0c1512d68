using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using OathServer.Access;
using OathServer.Storage;

namespace OathServer.Tests.Tokens;

public class TokensTests
{
    [Fact]
    public async Task A_token_is_read_without_its_secret()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, counter: 9, user: "alice");
        var client = await server.Client(Roles.HelpDesk);

        var token = await client.GetFromJsonAsync<JsonElement>("/v1/tokens/A1", Cancel);

        Assert.Equal(("A1", "active", 9, "alice"), (
            token.GetProperty("serial").GetString(), token.GetProperty("state").GetString(),
            token.GetProperty("counter").GetInt64(), token.GetProperty("user").GetString()));
        Assert.DoesNotContain(Convert.ToHexString(Codes.Secret), token.ToString(), StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("ecret", token.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Unlocking_clears_failures_and_leaves_the_counter()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, counter: 4);
        for (var i = 0; i < 6; i++)
        {
            await server.AcceptsAsync("A1", "000000");
        }

        var client = await server.Client(Roles.HelpDesk);
        using var reply = await client.PostAsync("/v1/tokens/A1/unlock", content: null, Cancel);

        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        var row = await server.CounterAsync("A1");
        Assert.Equal((4, 0, 0), (row.Counter, row.Failures, row.LockedUntil));
        Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 4)));
        var entry = await server.WithDatabase(db => Task.FromResult(db.Audit.Single(e => e.Action == "token.unlock")));
        Assert.Equal(("A1", "done"), (entry.Serial, entry.Outcome));
    }

    [Fact]
    public async Task A_suspended_token_is_refused_until_resumed_even_when_its_facts_are_cached()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret);
        Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 0)));
        var client = await server.Client(Roles.HelpDesk);

        (await client.PostAsync("/v1/tokens/A1/suspend", content: null, Cancel)).EnsureSuccessStatusCode();
        Assert.False(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 1)));
        using var twice = await client.PostAsync("/v1/tokens/A1/suspend", content: null, Cancel);
        Assert.Equal(HttpStatusCode.Conflict, twice.StatusCode);
        (await client.PostAsync("/v1/tokens/A1/resume", content: null, Cancel)).EnsureSuccessStatusCode();

        Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 1)));
    }

    [Fact]
    public async Task A_token_given_to_a_user_validates_for_them_at_once_and_taken_back_no_longer()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret);
        var staff = await server.Client(Roles.Provisioner);
        var party = await server.Client(Roles.RelyingParty);

        (await staff.PutAsJsonAsync("/v1/tokens/A1/user", new { user = "bob" }, Cancel)).EnsureSuccessStatusCode();
        Assert.True(await Accepts(0));
        (await staff.PutAsJsonAsync("/v1/tokens/A1/user", new { user = (string?)null }, Cancel)).EnsureSuccessStatusCode();
        Assert.False(await Accepts(1));

        async Task<bool> Accepts(int counter)
        {
            using var reply = await party.PostAsJsonAsync("/v1/validate", new { user = "bob", code = Codes.Hotp(Codes.Secret, counter) }, Cancel);
            return (await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("accepted").GetBoolean();
        }
    }

    [Fact]
    public async Task Tokens_are_listed_a_page_at_a_time_and_by_user()
    {
        await using var server = await ServerUnderTest.StartAsync();
        foreach (var serial in (string[])["A1", "A2", "A3"])
        {
            await server.AddTokenAsync(serial, Codes.Secret, user: serial == "A3" ? "carol" : null);
        }

        var client = await server.Client(Roles.Auditor);

        Assert.Equal(["A1", "A2"], await Serials("?take=2"));
        Assert.Equal(["A3"], await Serials("?take=2&after=A2"));
        Assert.Equal(["A3"], await Serials("?user=CAROL"));
        using var refused = await client.GetAsync("/v1/tokens?take=0", Cancel);
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);

        async Task<string?[]> Serials(string query) =>
            [.. (await client.GetFromJsonAsync<JsonElement>("/v1/tokens" + query, Cancel)).EnumerateArray().Select(t => t.GetProperty("serial").GetString())];
    }

    [Fact]
    public async Task The_database_itself_refuses_a_counter_that_would_fall()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var id = await server.AddTokenAsync("A1", Codes.Secret, counter: 8);

        var fault = await Assert.ThrowsAnyAsync<Exception>(() => server.WithDatabase(async db =>
        {
            var row = await db.Counters.FindAsync([id], Cancel);
            row!.Counter = 7;
            return await db.SaveChangesAsync(Cancel);
        }));

        Assert.Contains("a counter never falls", fault.ToString(), StringComparison.Ordinal);
        Assert.Equal(8, (await server.CounterAsync("A1")).Counter);
        Assert.Equal(TokenState.Active, (await server.CounterAsync("A1")).State);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
