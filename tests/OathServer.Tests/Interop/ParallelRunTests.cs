using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using OathServer.Access;
using OathServer.Storage;

namespace OathServer.Tests.Interop;

/// <summary>Moving in one user after another: the old server is a real FreeRADIUS, or another OathServer behind
/// privacyIDEA's interface.</summary>
public class ParallelRunTests
{
    private static readonly byte[] Secret = Codes.Secret;

    [Fact]
    public async Task Nobody_is_asked_elsewhere_until_a_server_is_named()
    {
        await using var server = await ServerUnderTest.StartAsync();

        Assert.False(await LogsInAsync(server, "alice", "755224"));
        Assert.False((await ReportAsync(server)).GetProperty("on").GetBoolean());
    }

    [Fact]
    public async Task Who_has_no_token_here_gets_in_by_the_old_server_once_a_code_and_is_remembered()
    {
        await using var old = await OldOathServerAsync();
        await old.AddTokenAsync("OLD1", Secret, user: "alice");
        await using var server = await NewAsync(old);

        Assert.True(await LogsInAsync(server, "alice", Code(0)));
        Assert.False(await LogsInAsync(server, "alice", Code(0)));
        Assert.False(await LogsInAsync(server, "alice", "000000"));
        Assert.False(await LogsInAsync(server, "nobody", Code(1)));
        Assert.True(await LogsInAsync(server, "ALICE", Code(1)));

        var report = await ReportAsync(server);
        var alice = Assert.Single(report.GetProperty("people").EnumerateArray());
        Assert.Equal((1, 0, 2), (report.GetProperty("left").GetInt32(), report.GetProperty("moved").GetInt32(), report.GetProperty("codes").GetInt32()));
        Assert.Equal(("alice", "OLD1", 2, false), (
            alice.GetProperty("user").GetString(), alice.GetProperty("oldToken").GetString(), alice.GetProperty("accepted").GetInt32(), alice.GetProperty("moved").GetBoolean()));
    }

    [Fact]
    public async Task The_command_tells_who_is_left_and_ends_with_1_while_somebody_is()
    {
        await using var old = await OldOathServerAsync();
        await old.AddTokenAsync("OLD1", Secret, user: "alice");
        await using var server = await NewAsync(old);
        Assert.True(await LogsInAsync(server, "alice", Code(0)));

        var (exit, output, errors) = await Import.CommandLine.OathServerBesideAsync(server, "parallel-run", "--left");
        Assert.True((exit, errors) == (1, ""), errors);
        Assert.Contains("alice", output, StringComparison.Ordinal);
        Assert.Contains("1 left on the old server, 0 moved", output, StringComparison.Ordinal);

        await server.AddTokenAsync("NEW1", Secret, counter: 1, user: "alice");
        (exit, output, _) = await Import.CommandLine.OathServerBesideAsync(server, "parallel-run", "--json");
        Assert.Equal(0, exit);
        Assert.True(JsonDocument.Parse(output).RootElement.GetProperty("people")[0].GetProperty("moved").GetBoolean());
    }

    [Fact]
    public async Task A_code_accepted_by_the_old_server_is_not_accepted_here_after_the_move()
    {
        await using var old = await OldOathServerAsync();
        await old.AddTokenAsync("OLD1", Secret, user: "alice");
        await using var server = await NewAsync(old);
        // The export was made at counter 0; since then the old server went on, further than our look-ahead in all.
        foreach (var counter in (int[])[0, 1, 9, 18, 21])
        {
            Assert.True(await LogsInAsync(server, "alice", Code(counter)));
        }

        await server.AddTokenAsync("A1", Secret, user: "alice", state: TokenState.Imported);

        foreach (var counter in (int[])[21, 18, 20, 0])
        {
            Assert.False(await LogsInAsync(server, "alice", Code(counter)));
            Assert.False(await server.AcceptsAsync("A1", Code(counter)));
        }

        Assert.True(await LogsInAsync(server, "alice", Code(22)));
        Assert.Equal(23, (await server.CounterAsync("A1")).Counter);
        // From the move on the old server is not asked any more.
        Assert.Equal(22, (await old.CounterAsync("OLD1")).Counter);
        var report = await ReportAsync(server);
        Assert.Equal((0, 1), (report.GetProperty("left").GetInt32(), report.GetProperty("moved").GetInt32()));
    }

    [Fact]
    public async Task A_time_based_code_accepted_by_the_old_server_is_not_accepted_here_in_the_same_step()
    {
        var clock = new Clock(new DateTimeOffset(2026, 11, 25, 12, 0, 5, TimeSpan.Zero));
        await using var old = await OldOathServerAsync(clock);
        await old.AddTokenAsync("OLD1", Secret, user: "alice", timeStep: 30);
        await using var server = await NewAsync(old, clock);
        Assert.True(await LogsInAsync(server, "alice", Codes.Totp(Secret, clock.Now)));

        await server.AddTokenAsync("A1", Secret, user: "alice", timeStep: 30);

        Assert.False(await LogsInAsync(server, "alice", Codes.Totp(Secret, clock.Now)));
        clock.Now += TimeSpan.FromSeconds(30);
        Assert.True(await LogsInAsync(server, "alice", Codes.Totp(Secret, clock.Now)));
    }

    [Fact]
    public async Task A_token_that_arrives_while_the_old_server_is_asked_leaves_the_code_accepted_once()
    {
        ServerUnderTest? server = null;
        var here = false;
        await using var stub = await Stub.StartAsync(async () =>
        {
            // The import happens, and the same code comes in again, while the first request waits for this answer.
            await server!.AddTokenAsync("A1", Secret, user: "alice");
            here = await LogsInAsync(server, "alice", Code(0));
            return (200, """{"result":{"status":true,"value":true}}""");
        });
        server = await ServerUnderTest.StartAsync(Settings(stub.Url));
        await using var disposed = server;

        var elsewhere = await LogsInAsync(server, "alice", Code(0));

        Assert.Equal((false, false), (here, elsewhere));
        Assert.True(await LogsInAsync(server, "alice", Code(1)));
    }

    [Fact]
    public async Task An_old_server_that_is_away_refuses_for_the_moment_and_uses_up_nothing()
    {
        var old = await OldOathServerAsync();
        await using var server = await NewAsync(old);
        await old.StopAsync();
        var client = await server.Client(Roles.RelyingParty);

        using var reply = await client.PostAsJsonAsync("/v1/validate", new { user = "alice", code = Code(0) }, Cancel);
        var radius = await client.PostAsync("/radius/authorize", new FormUrlEncodedContent(new Dictionary<string, string> { ["user"] = "alice", ["pass"] = Code(0) }), Cancel);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, reply.StatusCode);
        Assert.Equal("The old server did not answer.", (await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("title").GetString());
        Assert.Equal(HttpStatusCode.ServiceUnavailable, radius.StatusCode);
        Assert.Equal(0, (await ReportAsync(server)).GetProperty("codes").GetInt32());
        await old.DisposeAsync();
    }

    [Theory]
    [InlineData(200, "<html>Welcome</html>")]
    [InlineData(200, """{"result":{"status":true,"value":"true"}}""")]
    [InlineData(200, """{"result":{"status":false,"value":true}}""")]
    [InlineData(200, """{"result":{"value":true}}""")]
    [InlineData(200, """{"result":{"status":true,"value":false,"value":true}}""")]
    [InlineData(500, """{"result":{"status":true,"value":true}}""")]
    [InlineData(403, """{"result":{"status":false,"error":{"code":4031,"message":"ERR4031: no"}}}""")]
    public async Task What_is_no_clear_answer_is_no_acceptance(int status, string body)
    {
        await using var stub = await Stub.StartAsync(() => Task.FromResult((status, body)));
        await using var server = await ServerUnderTest.StartAsync(Settings(stub.Url));
        var client = await server.Client(Roles.RelyingParty);

        using var reply = await client.PostAsJsonAsync("/v1/validate", new { user = "alice", code = Code(0) }, Cancel);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, reply.StatusCode);
    }

    [Fact]
    public async Task Leavers_and_other_realms_are_not_asked_about()
    {
        await using var stub = await Stub.StartAsync(() => Task.FromResult((200, """{"result":{"status":true,"value":true}}""")));
        await using var server = await ServerUnderTest.StartAsync(new Dictionary<string, string?>(Settings(stub.Url)) { ["ParallelRun:Realms:0"] = "default" });
        await server.WithDatabase(async db =>
        {
            db.People.Add(new Person { Realm = "default", Name = "leaver", NormalizedName = Person.Normalize("leaver"), Active = false });
            return await db.SaveChangesAsync();
        });
        var limited = await server.Client(Roles.RelyingParty, "elsewhere");

        Assert.False(await LogsInAsync(server, "leaver", Code(0)));
        Assert.False(await LogsInAsync(server, "alice", Code(0), realm: "other"));
        Assert.False(await LogsInAsync(limited, "alice", Code(0), realm: "default"));
        Assert.False(await AcceptsSerialAsync(limited, "OLD1", Code(0)));
        Assert.Equal(0, stub.Asked);
        Assert.True(await LogsInAsync(server, "alice", Code(0)));
        Assert.Equal(1, stub.Asked);
    }

    [Fact]
    public async Task A_radius_server_is_asked_and_sixteen_at_once_with_one_code_are_one_acceptance()
    {
        await using var old = await OldRadius.StartAsync(signs: true, ("al ice&x", "1234755224"), ("bob", "287082"));
        await using var server = await ServerUnderTest.StartAsync(Radius(old));

        // FreeRADIUS takes this password as often as it comes; it is a PIN and a code here.
        var verdicts = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => CheckAsync(server, "al ice&x", "1234755224")));

        Assert.Single(verdicts, accepted => accepted);
        Assert.True(await LogsInAsync(server, "bob", "287082"));
        Assert.False(await LogsInAsync(server, "bob", "000000"));
        Assert.False(await LogsInAsync(server, "nobody", "287082"));
        Assert.Equal(2, (await ReportAsync(server)).GetProperty("left").GetInt32());
    }

    [Theory]
    [InlineData("true", OldRadius.Secret, false)]
    [InlineData("false", OldRadius.Secret, true)]
    [InlineData("false", "another secret", false)]
    public async Task An_unsigned_radius_answer_counts_only_where_that_is_allowed_and_one_without_the_secret_never(
        string mustBeSigned, string secret, bool counts)
    {
        await using var old = await OldRadius.StartAsync(signs: false, ("bob", "287082"));
        await using var server = await ServerUnderTest.StartAsync(new Dictionary<string, string?>(Radius(old))
        {
            ["ParallelRun:RequireMessageAuthenticator"] = mustBeSigned,
            ["ParallelRun:Secret"] = secret,
            ["ParallelRun:Timeout"] = counts ? "00:00:20" : "00:00:00.3",
        });
        var client = await server.Client(Roles.RelyingParty);

        using var reply = await client.PostAsJsonAsync("/v1/validate", new { user = "bob", code = "287082" }, Cancel);

        Assert.Equal(counts ? HttpStatusCode.OK : HttpStatusCode.ServiceUnavailable, reply.StatusCode);
    }

    [Theory]
    [InlineData("ParallelRun:Server", "http://old.example.com/validate/check")]
    [InlineData("ParallelRun:Server", "https://user:word@old.example.com/validate/check")]
    [InlineData("ParallelRun:Server", "radius://10.0.0.1")]
    [InlineData("ParallelRun:Timeout", "00:05:00")]
    [InlineData("ParallelRun:Remember", "00:00:01")]
    public async Task A_setting_that_cannot_be_stops_the_start(string name, string value)
    {
        var settings = new Dictionary<string, string?> { ["ParallelRun:Server"] = "https://old.example.com/validate/check", [name] = value };

        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => ServerUnderTest.StartAsync(settings));

        Assert.Contains("ParallelRun:", refusal.Message, StringComparison.Ordinal);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static string Code(int counter) => Codes.Hotp(Secret, counter);

    private static Task<ServerUnderTest> OldOathServerAsync(TimeProvider? time = null) =>
        ServerUnderTest.StartAsync(new Dictionary<string, string?> { ["Interop:PrivacyIdea"] = "true" }, time: time);

    private static Task<ServerUnderTest> NewAsync(ServerUnderTest old, TimeProvider? time = null) =>
        ServerUnderTest.StartAsync(Settings(new Uri(old.Address, "/validate/check").ToString()), time: time);

    // A loaded machine must not make an answer late: only the tests of lateness have a short time.
    private static Dictionary<string, string?> Settings(string server) => new()
    {
        ["ParallelRun:Server"] = server,
        ["ParallelRun:Timeout"] = "00:00:30",
        ["Interop:PrivacyIdea"] = "true",
        ["Interop:FreeRadius"] = "true",
        // The throttle must not be what refuses.
        ["Validation:FastFailures"] = "50",
    };

    private static Dictionary<string, string?> Radius(OldRadius old) => new(Settings(old.Address)) { ["ParallelRun:Secret"] = OldRadius.Secret };

    private static async Task<bool> LogsInAsync(ServerUnderTest server, string user, string code, string? realm = null) =>
        await LogsInAsync(await server.Client(Roles.RelyingParty), user, code, realm);

    private static async Task<bool> LogsInAsync(HttpClient client, string user, string code, string? realm)
    {
        using var reply = await client.PostAsJsonAsync("/v1/validate", new { user, code, realm }, Cancel);
        reply.EnsureSuccessStatusCode();
        return (await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("accepted").GetBoolean();
    }

    private static async Task<bool> AcceptsSerialAsync(HttpClient client, string serial, string code)
    {
        using var reply = await client.PostAsJsonAsync("/v1/validate", new { serial, code }, Cancel);
        return (await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("accepted").GetBoolean();
    }

    private static async Task<bool> CheckAsync(ServerUnderTest server, string user, string pass)
    {
        var client = await server.Client(role: null);
        using var form = new FormUrlEncodedContent(new Dictionary<string, string> { ["user"] = user, ["pass"] = pass });
        using var reply = await client.PostAsync("/validate/check", form, Cancel);
        return (await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("result").GetProperty("value").GetBoolean();
    }

    private static async Task<JsonElement> ReportAsync(ServerUnderTest server) =>
        await (await server.Client()).GetFromJsonAsync<JsonElement>("/v1/parallel-run", Cancel);

    /// <summary>An old server as the test wants it.</summary>
    private sealed class Stub(WebApplication app) : IAsyncDisposable
    {
        private int asked;

        public int Asked => asked;

        public string Url => app.Urls.First() + "/validate/check";

        public static async Task<Stub> StartAsync(Func<Task<(int Status, string Body)>> answer)
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            builder.Logging.ClearProviders();
            var app = builder.Build();
            var stub = new Stub(app);
            app.MapPost("/validate/check", async () =>
            {
                Interlocked.Increment(ref stub.asked);
                var (status, body) = await answer();
                return Results.Text(body, "application/json", statusCode: status);
            });
            await app.StartAsync(Cancel);
            return stub;
        }

        public ValueTask DisposeAsync() => app.DisposeAsync();
    }
}
