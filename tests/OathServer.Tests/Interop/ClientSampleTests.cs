using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using OathServer.Access;
using OathServer.Samples;
using static OathServer.Tests.Interop.ClientPrograms;

namespace OathServer.Tests.Interop;

/// <summary>The samples that people copy, run as they stand, against the real server behind a proxy that loses a reply.</summary>
public class ClientSampleTests
{
    [Theory]
    [InlineData("curl", "oathserver.sh")]
    [InlineData("python", "oathserver.py")]
    [InlineData("javascript", "oathserver.mjs")]
    public async Task A_client_validates_through_a_lost_reply_resynchronises_and_reads_the_record(string language, string script)
    {
        Need(language);
        await using var server = await WithAliceAsync();
        await using var front = await LossyFront.StartAsync(server.Address);
        var party = await server.CreateKeyAsync("vpn", Roles.RelyingParty);
        var staff = await server.CreateKeyAsync("desk", Roles.HelpDesk);

        Task<(int Exit, string Output)> RunAsync(string key, params string[] words) => ClientPrograms.RunAsync(language, $"samples/clients/{script}", front.Url, key, words);

        // The first reply is lost on the way: the code was accepted, and the client learns it all the same.
        front.LosesNext = true;
        Assert.Equal((0, "accepted"), await RunAsync(party, "validate", "alice", Code(0)));
        Assert.False(front.LosesNext);
        Assert.Equal((1, "refused"), await RunAsync(party, "validate", "alice", Code(0)));
        Assert.Equal((0, "resynchronised"), await RunAsync(party, "resync", "A1", Code(60), Code(61)));
        Assert.Equal(1, (await RunAsync(party, "resync", "A1", Code(3), Code(4))).Exit);
        var (exit, text) = await RunAsync(staff, "record", "A1");
        Assert.Equal((0, "00AA"), (exit, JsonDocument.Parse(text).RootElement[0].GetProperty("cuid").GetString()));
        Assert.Equal(1, (await RunAsync(staff, "record", "nothing of that name")).Exit);
        Assert.Equal(2, (await RunAsync("not-a-key", "validate", "alice", Code(62))).Exit);
        Assert.Equal(62, (await server.CounterAsync("A1")).Counter);
    }

    [Fact]
    public async Task The_client_for_dotnet_does_the_same()
    {
        await using var server = await WithAliceAsync();
        await using var front = await LossyFront.StartAsync(server.Address);
        using var party = new OathServerClient(new Uri(front.Url), await server.CreateKeyAsync("vpn", Roles.RelyingParty));
        using var staff = new OathServerClient(new Uri(front.Url), await server.CreateKeyAsync("desk", Roles.HelpDesk));
        using var nobody = new OathServerClient(new Uri(front.Url), "not-a-key");

        front.LosesNext = true;
        Assert.True(await party.ValidateAsync("alice", Code(0), cancel: Cancel));
        Assert.False(await party.ValidateAsync("alice", Code(0), cancel: Cancel));
        Assert.Null(await party.ResynchroniseAsync("A1", [Code(60), Code(61)], Cancel));
        Assert.NotNull(await party.ResynchroniseAsync("A1", [Code(3), Code(4)], Cancel));
        Assert.Equal("00AA", Assert.Single(await staff.RecordsAsync("A1", Cancel)).GetProperty("cuid").GetString());
        await Assert.ThrowsAsync<HttpRequestException>(() => nobody.ValidateAsync("alice", Code(62), cancel: Cancel));
    }

    [Fact]
    public async Task Every_path_the_samples_call_is_in_the_servers_own_description()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var paths = (await (await server.Client(role: null)).GetFromJsonAsync<JsonElement>("/openapi/v1.json", Cancel)).GetProperty("paths");

        Assert.True(paths.GetProperty("/v1/validate").TryGetProperty("post", out _));
        Assert.True(paths.GetProperty("/v1/tokens/{serial}/resync").TryGetProperty("post", out _));
        Assert.True(paths.GetProperty("/v1/records").TryGetProperty("get", out _));
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Stands before the server, and once lets a request through and its answer fall.</summary>
    private sealed class LossyFront(WebApplication app, HttpClient behind) : IAsyncDisposable
    {
        public bool LosesNext { get; set; }

        public string Url => app.Urls.First();

        public static async Task<LossyFront> StartAsync(Uri server)
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            builder.Logging.ClearProviders();
            var app = builder.Build();
            var front = new LossyFront(app, new HttpClient { BaseAddress = server });
            app.Run(front.PassAsync);
            await app.StartAsync(Cancel);
            return front;
        }

        private async Task PassAsync(HttpContext http)
        {
            using var request = new HttpRequestMessage(new HttpMethod(http.Request.Method), http.Request.Path + http.Request.QueryString);
            if (http.Request.Method == HttpMethods.Post)
            {
                request.Content = new StreamContent(http.Request.Body);
                request.Content.Headers.TryAddWithoutValidation("Content-Type", http.Request.ContentType);
            }

            foreach (var name in (string[])["X-API-Key", "Idempotency-Key"])
            {
                if (http.Request.Headers.TryGetValue(name, out var values))
                {
                    request.Headers.TryAddWithoutValidation(name, values.ToArray());
                }
            }

            using var reply = await behind.SendAsync(request, http.RequestAborted);
            if (LosesNext)
            {
                LosesNext = false;
                http.Abort();
                return;
            }

            http.Response.StatusCode = (int)reply.StatusCode;
            http.Response.ContentType = reply.Content.Headers.ContentType?.ToString();
            await reply.Content.CopyToAsync(http.Response.Body, Cancel);
        }

        public async ValueTask DisposeAsync()
        {
            await app.DisposeAsync();
            behind.Dispose();
        }
    }
}
