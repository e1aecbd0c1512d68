using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using OathServer.Access;

namespace OathServer.Tests.Validation;

public class ResyncTests
{
    [Fact]
    public async Task Two_consecutive_codes_realign_a_token_that_ran_past_its_window()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, counter: 10);
        Assert.False(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 60)));

        var (status, body) = await ResyncAsync(server, "A1", Codes.Hotp(Codes.Secret, 61), Codes.Hotp(Codes.Secret, 62));

        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(51, body.GetProperty("distance").GetInt64());
        Assert.Equal(63, body.GetProperty("counter").GetInt64());
        Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 63)));
    }

    [Fact]
    public async Task A_token_that_ran_ahead_in_a_drawer_is_found_by_two_codes_before_its_first_use_only()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("NEW", Codes.Secret, counter: 10, state: OathServer.Storage.TokenState.Imported);
        await server.AddTokenAsync("OLD", Codes.Secret, counter: 10, state: OathServer.Storage.TokenState.Active);
        await server.AddTokenAsync("USED", Codes.Secret, counter: 10, state: OathServer.Storage.TokenState.Imported);
        Assert.False(await server.AcceptsAsync("NEW", Codes.Hotp(Codes.Secret, 800)));
        Assert.True(await server.AcceptsAsync("USED", Codes.Hotp(Codes.Secret, 10)));

        var (found, body) = await ResyncAsync(server, "NEW", Codes.Hotp(Codes.Secret, 801), Codes.Hotp(Codes.Secret, 802));
        var (old, _) = await ResyncAsync(server, "OLD", Codes.Hotp(Codes.Secret, 801), Codes.Hotp(Codes.Secret, 802));
        var (used, _) = await ResyncAsync(server, "USED", Codes.Hotp(Codes.Secret, 801), Codes.Hotp(Codes.Secret, 802));

        Assert.Equal((HttpStatusCode.OK, 791), (found, body.GetProperty("distance").GetInt64()));
        Assert.Equal(OathServer.Storage.TokenState.Active, (await server.CounterAsync("NEW")).State);
        Assert.True(await server.AcceptsAsync("NEW", Codes.Hotp(Codes.Secret, 803)));
        Assert.Equal((HttpStatusCode.UnprocessableEntity, HttpStatusCode.UnprocessableEntity), (old, used));
        // And the everyday window takes it from there.
        var (again, _) = await ResyncAsync(server, "NEW", Codes.Hotp(Codes.Secret, 1500), Codes.Hotp(Codes.Secret, 1501));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, again);
    }

    [Fact]
    public async Task A_null_among_the_codes_is_no_code()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret);
        var client = await server.Client();

        using var reply = await client.PostAsJsonAsync("/v1/tokens/A1/resync", new { codes = new string?[] { null, "755224" } }, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.BadRequest, reply.StatusCode);
    }

    [Theory]
    [InlineData(500, 501, "first-code-not-found")]
    [InlineData(40, 42, "not-consecutive")]
    [InlineData(5, 6, "already-used")]
    public async Task A_failed_resynchronisation_says_why_and_leaves_the_counter(int first, int second, string reason)
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, counter: 10);

        var (status, body) = await ResyncAsync(server, "A1", Codes.Hotp(Codes.Secret, first), Codes.Hotp(Codes.Secret, second));

        Assert.Equal(HttpStatusCode.UnprocessableEntity, status);
        Assert.Equal(reason, body.GetProperty("reason").GetString());
        Assert.Equal(10, (await server.CounterAsync("A1")).Counter);
    }

    [Fact]
    public async Task Codes_used_to_resynchronise_are_used_up()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret);
        string[] codes = [Codes.Hotp(Codes.Secret, 20), Codes.Hotp(Codes.Secret, 21)];
        await ResyncAsync(server, "A1", codes);

        Assert.False(await server.AcceptsAsync("A1", codes[0]));
        Assert.False(await server.AcceptsAsync("A1", codes[1]));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await ResyncAsync(server, "A1", codes)).Status);
    }

    [Fact]
    public async Task A_single_code_and_an_unknown_serial_are_refused()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret);

        Assert.Equal(HttpStatusCode.BadRequest, (await ResyncAsync(server, "A1", "755224")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await ResyncAsync(server, "none", "755224", "287082")).Status);
    }

    private static async Task<(HttpStatusCode Status, JsonElement Body)> ResyncAsync(ServerUnderTest server, string serial, params string[] codes)
    {
        var client = await server.Client(Roles.HelpDesk);
        using var reply = await client.PostAsJsonAsync($"/v1/tokens/{serial}/resync", new { codes }, TestContext.Current.CancellationToken);
        return (reply.StatusCode, await reply.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken));
    }
}
