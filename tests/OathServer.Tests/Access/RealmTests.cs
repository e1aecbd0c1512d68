using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using OathServer.Access;

namespace OathServer.Tests.Access;

public class RealmTests
{
    [Fact]
    public async Task A_key_of_another_realm_gets_the_answer_of_a_token_that_is_not_there_and_changes_nothing()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, user: "alice", realm: "north");
        var stranger = await server.Client(Roles.RelyingParty, "south");

        Assert.Equal(
            await Answer(stranger, "/v1/validate", new { serial = "none", code = "000000" }),
            await Answer(stranger, "/v1/validate", new { serial = "A1", code = Codes.Hotp(Codes.Secret, 0) }));
        Assert.Equal(
            await Answer(stranger, "/v1/validate", new { user = "nobody", code = "000000" }),
            await Answer(stranger, "/v1/validate", new { user = "alice", realm = "north", code = Codes.Hotp(Codes.Secret, 0) }));
        Assert.Equal(
            (await Answer(stranger, "/v1/tokens/B1/resync", new { codes = (string[])["000000", "111111"] })).Replace("B1", "A1", StringComparison.Ordinal),
            await Answer(stranger, "/v1/tokens/A1/resync", new { codes = (string[])[Codes.Hotp(Codes.Secret, 0), Codes.Hotp(Codes.Secret, 1)] }));

        var row = await server.CounterAsync("A1");
        Assert.Equal((0L, 0), (row.Counter, row.Failures));
        var own = await server.Client(Roles.RelyingParty, "north");
        Assert.Contains("true", await Answer(own, "/v1/validate", new { serial = "A1", code = Codes.Hotp(Codes.Secret, 0) }), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_of_another_realm_gets_nothing_either_of_what_the_server_remembers_from_others()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, user: "alice", realm: "north");
        var own = await server.Client(Roles.RelyingParty, "north");
        var stranger = await server.Client(Roles.RelyingParty, "south");
        // Twice each: the second time finds key, user and token remembered.
        for (var counter = 0; counter < 2; counter++)
        {
            Assert.Contains("false", await Answer(stranger, "/v1/validate", new { user = "alice", realm = "north", code = Codes.Hotp(Codes.Secret, counter * 2) }), StringComparison.Ordinal);
            Assert.Contains("true", await Answer(own, "/v1/validate", new { user = "alice", realm = "north", code = Codes.Hotp(Codes.Secret, counter * 2) }), StringComparison.Ordinal);
            Assert.Contains("false", await Answer(stranger, "/v1/validate", new { serial = "A1", code = Codes.Hotp(Codes.Secret, (counter * 2) + 1) }), StringComparison.Ordinal);
            Assert.Contains("true", await Answer(own, "/v1/validate", new { serial = "A1", code = Codes.Hotp(Codes.Secret, (counter * 2) + 1) }), StringComparison.Ordinal);
        }

        Assert.Equal((4L, 0), ((await server.CounterAsync("A1")).Counter, (await server.CounterAsync("A1")).Failures));
    }

    [Fact]
    public async Task A_rotated_key_works_beside_the_new_one_until_the_overlap_ends_and_shows_when_it_was_last_used()
    {
        var clock = new Clock(new DateTimeOffset(2026, 11, 25, 9, 0, 0, TimeSpan.Zero));
        await using var server = await ServerUnderTest.StartAsync(time: clock);
        var administrator = await server.Client();
        var before = await KeyAsync(await administrator.PostAsJsonAsync("/v1/api-keys", new { name = "vpn", role = "relying-party", realms = (string[])["north"] }, Cancel));
        var after = await KeyAsync(await administrator.PostAsJsonAsync("/v1/api-keys/vpn/rotate", new { overlapHours = 2 }, Cancel));

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (await ValidateAsync(server, before), await ValidateAsync(server, after)));
        var listed = await administrator.GetFromJsonAsync<JsonElement>("/v1/api-keys", Cancel);
        Assert.Equal(clock.Now, listed.EnumerateArray().Single(k => k.GetProperty("name").GetString() == "vpn").GetProperty("lastUsedAt").GetDateTimeOffset());
        clock.Now += TimeSpan.FromHours(2);
        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.OK), (await ValidateAsync(server, before), await ValidateAsync(server, after)));
        Assert.DoesNotContain(after, listed.GetRawText(), StringComparison.Ordinal);
    }

    private static async Task<HttpStatusCode> ValidateAsync(ServerUnderTest server, string key)
    {
        using var client = new HttpClient { BaseAddress = server.Address, DefaultRequestHeaders = { { ApiKeyAuthentication.Header, key } } };
        using var reply = await client.PostAsJsonAsync("/v1/validate", new { serial = "A1", code = "000000" }, Cancel);
        return reply.StatusCode;
    }

    private static async Task<string> KeyAsync(HttpResponseMessage reply)
    {
        using (reply)
        {
            return (await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("key").GetString()!;
        }
    }

    private static async Task<string> Answer(HttpClient client, string path, object body)
    {
        using var reply = await client.PostAsJsonAsync(path, body, Cancel);
        return $"{(int)reply.StatusCode} {await reply.Content.ReadAsStringAsync(Cancel)}";
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
