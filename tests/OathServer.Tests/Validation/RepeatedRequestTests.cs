using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using OathServer.Access;

namespace OathServer.Tests.Validation;

/// <summary>A reply can be lost after the code was used up: the same request gets its answer again, nobody else does.</summary>
public class RepeatedRequestTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 25, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task The_same_request_gets_the_same_answer_again_within_a_minute_and_not_after_it()
    {
        var clock = new Clock(Noon);
        await using var server = await ServerUnderTest.StartAsync(time: clock);
        await server.AddTokenAsync("A1", Codes.Secret);
        var party = await server.Client(Roles.RelyingParty);

        Assert.True(await AcceptsAsync(party, "A1", 0, "login-1"));
        clock.Now = Noon.AddSeconds(60);
        Assert.True(await AcceptsAsync(party, "A1", 0, "login-1"));
        Assert.Equal(1, (await server.CounterAsync("A1")).Counter);
        clock.Now = Noon.AddSeconds(61);
        Assert.False(await AcceptsAsync(party, "A1", 0, "login-1"));
    }

    [Theory]
    [InlineData("login-2")]
    [InlineData(null)]
    public async Task Another_request_id_or_none_sees_a_used_code(string? id)
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret);
        var party = await server.Client(Roles.RelyingParty);

        Assert.True(await AcceptsAsync(party, "A1", 0, "login-1"));
        Assert.False(await AcceptsAsync(party, "A1", 0, id));
    }

    [Fact]
    public async Task Another_relying_party_with_the_same_request_id_sees_a_used_code()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret);
        var party = await server.Client(Roles.RelyingParty);
        using var other = new HttpClient { BaseAddress = server.Address };
        other.DefaultRequestHeaders.Add(ApiKeyAuthentication.Header, await server.CreateKeyAsync("other", Roles.RelyingParty));

        Assert.True(await AcceptsAsync(party, "A1", 0, "login-1"));
        Assert.False(await AcceptsAsync(other, "A1", 0, "login-1"));
        Assert.True(await AcceptsAsync(party, "A1", 0, "login-1"));
    }

    [Fact]
    public async Task The_same_request_id_with_another_code_is_a_request_of_its_own()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret);
        var party = await server.Client(Roles.RelyingParty);

        Assert.True(await AcceptsAsync(party, "A1", 0, "login-1"));
        Assert.False(await AcceptsAsync(party, "A1", 500, "login-1"));
        Assert.True(await AcceptsAsync(party, "A1", 1, "login-1"));
        Assert.Equal(2, (await server.CounterAsync("A1")).Counter);
    }

    [Fact]
    public async Task A_caller_that_went_away_does_not_undo_its_acceptance()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret);
        var party = await server.Client(Roles.RelyingParty);
        var gone = 0;
        for (var counter = 0; counter < 50; counter++)
        {
            // Some are cancelled before they are sent, some while the flush is under way, some too late.
            using var leaving = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
            leaving.CancelAfter(TimeSpan.FromMicroseconds(counter * 40));
            try
            {
                using var _ = await party.SendAsync(Request("A1", counter, null), leaving.Token);
            }
            catch (OperationCanceledException)
            {
                gone++;
            }

            // Whatever became of it: used up and refused now, or never seen and accepted now; in the store once.
            _ = await AcceptsAsync(party, "A1", counter, null);
            Assert.Equal(counter + 1, (await server.CounterAsync("A1")).Counter);
        }

        Assert.True(gone > 0, "no request was cancelled");
    }

    /// <summary>A thousand replies that nobody read: the connection was reset as soon as the request was out.</summary>
    [Fact]
    public async Task After_a_lost_reply_the_same_request_gets_in_once_and_another_one_never()
    {
        const int Tokens = 25;
        var resets = int.TryParse(Environment.GetEnvironmentVariable("OATHSERVER_RESETS"), out var asked) ? asked : 1000;
        var each = resets / Tokens;
        await using var server = await ServerUnderTest.StartAsync(new Dictionary<string, string?> { ["Validation:SameCodeSubjects"] = "1000000", ["Validation:FailingSubjectsPerMinute"] = "1000000" });
        var key = await server.CreateKeyAsync("resets", Roles.RelyingParty);
        var party = await server.Client(Roles.RelyingParty);
        party.DefaultRequestHeaders.Remove(ApiKeyAuthentication.Header);
        party.DefaultRequestHeaders.Add(ApiKeyAuthentication.Header, key);
        for (var token = 0; token < Tokens; token++)
        {
            await server.AddTokenAsync($"L{token}", Codes.Secret);
        }

        await Task.WhenAll(Enumerable.Range(0, Tokens).Select(async token =>
        {
            for (var counter = 0; counter < each; counter++)
            {
                await SendAndResetAsync(server.Address, key, $"L{token}", counter, $"login-{counter}");
                Assert.True(await AcceptsAsync(party, $"L{token}", counter, $"login-{counter}"));
                Assert.False(await AcceptsAsync(party, $"L{token}", counter, $"other-{counter}"));
            }
        }));

        Assert.Equal(Enumerable.Repeat((long)each, Tokens), await server.WithDatabase(db => Task.FromResult(db.Counters.Select(c => c.Counter).ToList())));
    }

    private static async Task SendAndResetAsync(Uri server, string key, string serial, long counter, string id)
    {
        var body = $$"""{"serial":"{{serial}}","code":"{{Codes.Hotp(Codes.Secret, counter)}}"}""";
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, LingerState = new LingerOption(enable: true, seconds: 0) };
        await socket.ConnectAsync(server.Host, server.Port, Cancel);
        await socket.SendAsync(Encoding.ASCII.GetBytes(
            $"POST /v1/validate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{ApiKeyAuthentication.Header}: {key}\r\nIdempotency-Key: {id}\r\nContent-Length: {body.Length}\r\n\r\n{body}"), Cancel);
    }

    private static HttpRequestMessage Request(string serial, long counter, string? id)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/validate")
        {
            Content = JsonContent.Create(new { serial, code = Codes.Hotp(Codes.Secret, counter) }),
        };
        if (id is not null)
        {
            request.Headers.Add("Idempotency-Key", id);
        }

        return request;
    }

    private static async Task<bool> AcceptsAsync(HttpClient client, string serial, long counter, string? id)
    {
        using var reply = await client.SendAsync(Request(serial, counter, id), Cancel);
        return (await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("accepted").GetBoolean();
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
