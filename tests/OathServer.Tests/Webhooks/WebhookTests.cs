using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using StandardWebhooks;

namespace OathServer.Tests.Webhooks;

public class WebhookTests
{
    [Fact]
    public async Task A_suspension_is_told_with_a_signature_that_verifies()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, user: "alice");
        var secret = await AddAsync(server, receiver.Url, "token.*");

        await SuspendAsync(server);
        var delivery = await receiver.NextAsync();

        new StandardWebhook(secret).Verify(delivery.Body, delivery.Headers);
        Assert.ThrowsAny<Exception>(() => new StandardWebhook(secret).Verify(delivery.Body.Replace("A1", "A2", StringComparison.Ordinal), delivery.Headers));
        var body = JsonDocument.Parse(delivery.Body).RootElement;
        Assert.Equal(("token.suspend", "A1"), (body.GetProperty("type").GetString(), body.GetProperty("data").GetProperty("serial").GetString()));
    }

    [Fact]
    public async Task A_receiver_that_was_down_gets_what_it_missed_in_order_and_nothing_it_did_not_ask_for()
    {
        await using var receiver = await Receiver.StartAsync();
        receiver.Answer = HttpStatusCode.ServiceUnavailable;
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret);
        await AddAsync(server, receiver.Url, "token.suspend", "token.resume");

        await SuspendAsync(server);
        var client = await server.Client();
        using var unlock = await client.PostAsync("/v1/tokens/A1/unlock", content: null, Cancel);
        using var resume = await client.PostAsync("/v1/tokens/A1/resume", content: null, Cancel);
        var refused = await receiver.NextAsync();
        receiver.Answer = HttpStatusCode.OK;

        var (first, second) = (await receiver.NextAsync(), await receiver.NextAsync());

        Assert.Equal(refused.Headers["webhook-id"], first.Headers["webhook-id"]);
        Assert.Equal(["token.suspend", "token.resume"], ((Delivery[])[first, second]).Select(d => JsonDocument.Parse(d.Body).RootElement.GetProperty("type").GetString()));
    }

    [Theory]
    [InlineData("http://example.com/hook", "token.*", "url")]
    [InlineData("ftp://127.0.0.1/hook", "token.*", "url")]
    [InlineData("https://user:pass@example.com/", "token.*", "url")]
    [InlineData("https://example.com/", "*", "actions")]
    [InlineData("https://example.com/", "Token.Suspend", "actions")]
    public async Task A_webhook_that_cannot_be_is_refused_with_its_field(string url, string action, string field)
    {
        await using var server = await ServerUnderTest.StartAsync();
        var client = await server.Client();

        using var reply = await client.PostAsJsonAsync("/v1/webhooks", new { name = "w", url, actions = (string[])[action] }, Cancel);

        Assert.Equal(HttpStatusCode.BadRequest, reply.StatusCode);
        Assert.Equal(field, (await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("field").GetString());
    }

    [Fact]
    public async Task A_list_shows_how_it_goes_and_never_the_secret_and_a_deleted_one_is_gone()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var server = await ServerUnderTest.StartAsync();
        var secret = await AddAsync(server, receiver.Url, "token.*");
        var client = await server.Client();

        var list = await client.GetStringAsync("/v1/webhooks", Cancel);
        using var deleted = await client.DeleteAsync("/v1/webhooks/siem", Cancel);
        using var again = await client.DeleteAsync("/v1/webhooks/siem", Cancel);

        Assert.Contains("siem", list, StringComparison.Ordinal);
        Assert.DoesNotContain(secret, list, StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.NoContent, HttpStatusCode.NotFound), (deleted.StatusCode, again.StatusCode));
    }

    [Fact]
    public async Task A_replay_a_throttled_token_and_guessing_are_told_once_and_without_a_code()
    {
        var clock = new Clock(DateTimeOffset.UtcNow);
        await using var receiver = await Receiver.StartAsync();
        await using var server = await ServerUnderTest.StartAsync(
            new Dictionary<string, string?> { ["Validation:SameCodeSubjects"] = "2", ["Validation:FastFailures"] = "6" }, time: clock);
        await server.AddTokenAsync("A1", Codes.Secret, user: "alice");
        await AddAsync(server, receiver.Url, "validation.*");
        var used = Codes.Hotp(Codes.Secret, 0);
        Assert.True(await server.AcceptsAsync("A1", used));

        // Five replays, and the sixth failure makes the token wait.
        for (var i = 0; i < 6; i++)
        {
            Assert.False(await server.AcceptsAsync("A1", used));
        }

        Assert.False(await server.AcceptsAsync("B1", "000000"));
        Assert.False(await server.AcceptsAsync("B2", "000000"));
        var told = new List<Delivery> { await receiver.NextAsync(), await receiver.NextAsync(), await receiver.NextAsync() };

        Assert.Equal(
            ["validation.guessing", "validation.lock", "validation.replay"],
            told.Select(d => JsonDocument.Parse(d.Body).RootElement.GetProperty("type").GetString()).Order(StringComparer.Ordinal));
        Assert.All(told, d => Assert.DoesNotContain(used, d.Body, StringComparison.Ordinal));
        Assert.All(told, d => Assert.DoesNotContain("000000\"", d.Body, StringComparison.Ordinal));

        // Later the next one tells how many there were meanwhile.
        clock.Now += TimeSpan.FromMinutes(15);
        Assert.False(await server.AcceptsAsync("A1", used));
        var later = JsonDocument.Parse((await receiver.NextAsync()).Body).RootElement;
        Assert.Equal(("validation.replay", "A1"), (later.GetProperty("type").GetString(), later.GetProperty("data").GetProperty("serial").GetString()));
        Assert.Contains("; 5 more since", later.GetProperty("data").GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static async Task<string> AddAsync(ServerUnderTest server, string url, params string[] actions)
    {
        var client = await server.Client();
        using var reply = await client.PostAsJsonAsync("/v1/webhooks", new { name = "siem", url, actions }, Cancel);
        Assert.Equal(HttpStatusCode.Created, reply.StatusCode);
        return (await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("secret").GetString()!;
    }

    private static async Task SuspendAsync(ServerUnderTest server)
    {
        var client = await server.Client();
        using var reply = await client.PostAsync("/v1/tokens/A1/suspend", content: null, Cancel);
        reply.EnsureSuccessStatusCode();
    }

    private sealed record Delivery(string Body, IHeaderDictionary Headers);

    /// <summary>Somebody else's server.</summary>
    private sealed class Receiver : IAsyncDisposable
    {
        private readonly Channel<Delivery> deliveries = Channel.CreateUnbounded<Delivery>();
        private readonly WebApplication app;

        private Receiver(WebApplication app) => this.app = app;

        public HttpStatusCode Answer { get; set; } = HttpStatusCode.OK;

        public string Url => app.Urls.First() + "/hook";

        public static async Task<Receiver> StartAsync()
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            builder.Logging.ClearProviders();
            var app = builder.Build();
            var receiver = new Receiver(app);
            app.MapPost("/hook", async (HttpContext http) =>
            {
                using var reader = new StreamReader(http.Request.Body);
                var headers = new HeaderDictionary(http.Request.Headers.ToDictionary(h => h.Key, h => h.Value, StringComparer.OrdinalIgnoreCase));
                var delivery = new Delivery(await reader.ReadToEndAsync(Cancel), headers);
                var answer = receiver.Answer;
                await receiver.deliveries.Writer.WriteAsync(delivery, Cancel);
                return Results.StatusCode((int)answer);
            });
            await app.StartAsync(Cancel);
            return receiver;
        }

        public async Task<Delivery> NextAsync() => await deliveries.Reader.ReadAsync(Cancel);

        public ValueTask DisposeAsync() => app.DisposeAsync();
    }
}
