using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Storage;
using OathServer.Tests.Tidy;

namespace OathServer.Tests.Interop;

/// <summary>privacyIDEA's plugins with a service account: they sign in, trigger challenges, poll them and list tokens.</summary>
public class PrivacyIdeaAccountTests
{
    private const string Account = "keycloak";

    private static readonly Dictionary<string, string?> On = new() { ["Interop:PrivacyIdea"] = "true" };

    public static TheoryData<string, string, string, string, string> Clients()
    {
        var data = new TheoryData<string, string, string, string, string>();
        foreach (var line in File.ReadLines(Path.Combine(SourceTree.Root, "tests/OathServer.Tests/Interop/privacyidea-account-requests.tsv")).Where(l => l[0] != '#'))
        {
            var row = line.Split('\t');
            data.Add(row[1], row[2], Wire(row[3]), Wire(row[4]), row[5]);
        }

        Assert.Equal(4, data.Count);
        return data;

        static string Wire(string text) => text.Replace("\\r\\n", "\r\n", StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Clients))]
    public async Task A_service_account_triggers_a_challenge_that_a_code_answers(string agent, string type, string auth, string trigger, string header)
    {
        await using var server = await ServerUnderTest.StartAsync(On);
        await server.AddTokenAsync("A1", Codes.Secret, user: "al ice");
        await server.AddTokenAsync("A2", Encoding.ASCII.GetBytes("another secret 00000"), user: "al ice");
        await server.AddTokenAsync("A3", Codes.Secret, user: "al ice", state: TokenState.Suspended);
        var key = await server.CreateKeyAsync(Account, Roles.RelyingParty);
        var client = await server.Client(role: null);

        var signedIn = await AskAsync(client, "/auth", agent, type, auth.Replace("{name}", Account, StringComparison.Ordinal).Replace("{key}", key, StringComparison.Ordinal));
        var value = signedIn.GetProperty("result").GetProperty("value");
        Assert.Equal(("admin", Account), (value.GetProperty("role").GetString(), value.GetProperty("username").GetString()));
        Assert.Contains("triggerchallenge", value.GetProperty("rights").EnumerateArray().Select(r => r.GetString()));
        Assert.Equal(1, signedIn.GetProperty("id").GetInt32());
        Assert.False(signedIn.GetProperty("result").TryGetProperty("authentication", out _));
        var token = value.GetProperty("token").GetString()!;

        var challenged = await AskAsync(client, "/validate/triggerchallenge", agent, type, trigger, header, token);
        var detail = challenged.GetProperty("detail");
        Assert.Equal((2, "CHALLENGE"), (challenged.GetProperty("result").GetProperty("value").GetInt32(), challenged.GetProperty("result").GetProperty("authentication").GetString()));
        Assert.Equal(["A1", "A2"], detail.GetProperty("multi_challenge").EnumerateArray().Select(c => c.GetProperty("serial").GetString()));
        Assert.DoesNotContain("null", challenged.ToString(), StringComparison.Ordinal);
        var transaction = detail.GetProperty("transaction_id").GetString()!;

        // The php client ends its query with a lone '&'.
        var polled = await BodyAsync(await client.GetAsync($"/validate/polltransaction?transaction_id={transaction}&", Cancel));
        Assert.Equal((false, "pending"), (polled.GetProperty("result").GetProperty("value").GetBoolean(), polled.GetProperty("detail").GetProperty("challenge_status").GetString()));

        var wrong = await CheckAsync(client, $"pass=000000&transaction_id={transaction}");
        var somebodyElse = await CheckAsync(client, $"user=bob&pass={Code(0)}&transaction_id={transaction}");
        var right = await CheckAsync(client, $"user=al%20ice&pass={Code(0)}&transaction_id={transaction}");
        var again = await CheckAsync(client, $"pass={Code(0)}&transaction_id={transaction}");
        Assert.Equal((false, false, true, false), (Value(wrong), Value(somebodyElse), Value(right), Value(again)));
        Assert.Equal("A1", right.GetProperty("detail").GetProperty("serial").GetString());
    }

    [Fact]
    public async Task A_code_far_ahead_under_a_triggered_challenge_is_asked_for_the_next_one()
    {
        await using var server = await ServerUnderTest.StartAsync(On);
        await server.AddTokenAsync("A1", Codes.Secret, user: "alice");
        var party = await server.Client(Roles.RelyingParty);

        var first = await TransactionOfAsync(party.PostAsync("/validate/triggerchallenge", Form("user=alice"), Cancel));
        var second = await TransactionOfAsync(party.PostAsync("/validate/check", Form($"user=alice&pass={Code(60)}&transaction_id={first}"), Cancel));

        Assert.True(Value(await CheckAsync(party, $"user=alice&pass={Code(61)}&transaction_id={second}")));
        Assert.Equal(62, (await server.CounterAsync("A1")).Counter);
    }

    [Fact]
    public async Task Only_the_key_of_a_relying_party_under_its_own_name_signs_in()
    {
        await using var server = await ServerUnderTest.StartAsync(On);
        var party = await server.CreateKeyAsync(Account, Roles.RelyingParty);
        var boss = await server.CreateKeyAsync("boss", Roles.Administrator);
        var desk = await server.CreateKeyAsync("desk", Roles.HelpDesk);
        var client = await server.Client(role: null);

        foreach (var (name, password) in ((string, string)[])[("other", party), (Account, "oath_guess"), (Account, ""), ("boss", boss), ("desk", desk), (Account, new string('x', 500))])
        {
            using var reply = await client.PostAsync("/auth", Form($"username={name}&password={password}"), Cancel);
            Assert.Equal((HttpStatusCode.Unauthorized, 4031), (reply.StatusCode, await ErrorAsync(reply)));
        }

        using var nobody = await client.PostAsync("/auth", Form($"password={party}"), Cancel);
        Assert.Equal(4032, await ErrorAsync(nobody));
    }

    [Fact]
    public async Task A_token_ends_with_its_time_and_with_its_key()
    {
        var clock = new Clock(new DateTimeOffset(2026, 5, 1, 8, 0, 0, TimeSpan.Zero));
        await using var server = await ServerUnderTest.StartAsync(On, time: clock);
        await server.AddTokenAsync("A1", Codes.Secret, user: "alice");
        var client = await server.Client(role: null);
        async Task<string> SignInAsync(string key) => (await AskAsync(client, "/auth", "test", "application/x-www-form-urlencoded", $"username={Account}&password={key}"))
            .GetProperty("result").GetProperty("value").GetProperty("token").GetString()!;
        async Task<HttpStatusCode> ListAsync(string token)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/token/?user=alice");
            request.Headers.TryAddWithoutValidation("Authorization", token);
            using var reply = await client.SendAsync(request, Cancel);
            return reply.StatusCode;
        }

        var key = await server.CreateKeyAsync(Account, Roles.RelyingParty);
        var token = await SignInAsync(key);
        Assert.Equal(HttpStatusCode.OK, await ListAsync(token));
        Assert.Equal(HttpStatusCode.Unauthorized, await ListAsync(""));
        // One character of the signature another.
        Assert.Equal(HttpStatusCode.Unauthorized, await ListAsync(token[..^8] + (token[^8] == 'A' ? 'B' : 'A') + token[^7..]));
        // Signed by nobody.
        var parts = token.Split('.');
        Assert.Equal(HttpStatusCode.Unauthorized, await ListAsync($"eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{parts[1]}."));
        clock.Now += TimeSpan.FromMinutes(16);
        Assert.Equal(HttpStatusCode.Unauthorized, await ListAsync(token));

        token = await SignInAsync(key);
        var rotated = await server.WithDatabase(async db => await server.Services.GetRequiredService<ApiKeyLife>()
            .RotateAsync(db, await db.ApiKeys.SingleAsync(k => k.Name == Account, Cancel), TimeSpan.Zero, new AuditEvent("test", "", ""), Cancel));
        clock.Now += TimeSpan.FromSeconds(1);
        Assert.Equal(HttpStatusCode.Unauthorized, await ListAsync(token));

        token = await SignInAsync(rotated);
        Assert.Equal(HttpStatusCode.OK, await ListAsync(token));
        await server.WithDatabase(async db =>
        {
            await server.Services.GetRequiredService<ApiKeyLife>()
                .RevokeAsync(db, await db.ApiKeys.SingleAsync(k => k.Name == Account, Cancel), new AuditEvent("test", "", ""), Cancel);
            return 0;
        });
        Assert.Equal(HttpStatusCode.Unauthorized, await ListAsync(token));
    }

    [Fact]
    public async Task A_list_of_tokens_has_what_plugins_read_and_only_the_realms_of_the_key()
    {
        await using var server = await ServerUnderTest.StartAsync(On);
        await server.AddTokenAsync("A1", Codes.Secret, counter: 7, user: "alice");
        await server.AddTokenAsync("A2", Codes.Secret, user: "alice", timeStep: 30, state: TokenState.Suspended);
        await server.AddTokenAsync("B1", Codes.Secret, user: "bob", realm: "elsewhere");
        var everywhere = await server.Client(Roles.RelyingParty);
        var elsewhere = await server.Client(Roles.RelyingParty, "elsewhere");

        var page = (await BodyAsync(await everywhere.GetAsync("/token/?pagesize=2&sortby=serial", Cancel))).GetProperty("result").GetProperty("value");
        Assert.Equal((3, 1, 2), (page.GetProperty("count").GetInt32(), page.GetProperty("current").GetInt32(), page.GetProperty("next").GetInt32()));
        var (first, second) = (page.GetProperty("tokens")[0], page.GetProperty("tokens")[1]);
        Assert.Equal(("A1", "hotp", "alice", 6, true, 7), (Text(first, "serial"), Text(first, "tokentype"), Text(first, "username"),
            first.GetProperty("otplen").GetInt32(), first.GetProperty("active").GetBoolean(), first.GetProperty("count").GetInt64()));
        Assert.Equal(("totp", false, "30"), (Text(second, "tokentype"), second.GetProperty("active").GetBoolean(), Text(second.GetProperty("info"), "timeStep")));
        Assert.Equal("default", first.GetProperty("realms")[0].GetString());

        Assert.Equal(["A1"], await SerialsAsync(everywhere, "?user=ALICE&type=hotp"));
        Assert.Equal(["B1"], await SerialsAsync(everywhere, "?page=2&pagesize=2"));
        Assert.Equal(["A2"], await SerialsAsync(everywhere, "?active=false"));
        Assert.Equal(["B1"], await SerialsAsync(elsewhere, ""));
        Assert.Empty(await SerialsAsync(elsewhere, "?user=alice"));
        Assert.Equal(0, (await BodyAsync(await elsewhere.PostAsync("/validate/triggerchallenge", Form("user=alice"), Cancel))).GetProperty("result").GetProperty("value").GetInt32());
        Assert.Equal(0, (await BodyAsync(await elsewhere.PostAsync("/validate/triggerchallenge", Form("serial=A1"), Cancel))).GetProperty("result").GetProperty("value").GetInt32());
        foreach (var query in (string[])["?infokey=x", "?serial=A*", "?page=0", "?pagesize=9999"])
        {
            using var reply = await everywhere.GetAsync("/token/" + query, Cancel);
            Assert.Equal(905, await ErrorAsync(reply));
        }
    }

    [Fact]
    public async Task A_challenge_of_nobody_and_one_that_is_over_are_declined()
    {
        var clock = new Clock(new DateTimeOffset(2026, 5, 1, 8, 0, 0, TimeSpan.Zero));
        await using var server = await ServerUnderTest.StartAsync(On, time: clock);
        await server.AddTokenAsync("A1", Codes.Secret, user: "alice");
        var party = await server.Client(Roles.RelyingParty);
        var transaction = await TransactionOfAsync(party.PostAsync("/validate/triggerchallenge", Form("user=alice"), Cancel));
        async Task<string?> StatusAsync(string id) => (await BodyAsync(await party.GetAsync($"/validate/polltransaction/{id}", Cancel)))
            .GetProperty("detail").GetProperty("challenge_status").GetString();

        Assert.Equal(("pending", "declined"), (await StatusAsync(transaction), await StatusAsync("01234567890")));
        clock.Now += TimeSpan.FromMinutes(3);
        Assert.Equal("declined", await StatusAsync(transaction));
        Assert.False(Value(await CheckAsync(party, $"user=alice&pass={Code(0)}&transaction_id={transaction}")));
        using var nothing = await party.GetAsync("/validate/polltransaction", Cancel);
        Assert.Equal(905, await ErrorAsync(nothing));
    }

    [Fact]
    public async Task A_challenge_is_triggered_for_whom_a_code_would_be_checked()
    {
        await using var server = await ServerUnderTest.StartAsync(On);
        await server.AddTokenAsync("A1", Codes.Secret, user: "alice");
        // The realm of a token may be another than that of its holder; a user is asked for by the holder's.
        await server.WithDatabase(db => db.Tokens.ExecuteUpdateAsync(t => t.SetProperty(x => x.Realm, "branch"), Cancel));
        var party = await server.Client(Roles.RelyingParty);

        var transaction = await TransactionOfAsync(party.PostAsync("/validate/triggerchallenge", Form("user=alice"), Cancel));

        Assert.True(Value(await CheckAsync(party, $"user=alice&pass={Code(0)}&transaction_id={transaction}")));
    }

    [Fact]
    public async Task What_a_key_may_ask_a_second_holds_for_the_tokens_of_its_account_too()
    {
        await using var server = await ServerUnderTest.StartAsync(new Dictionary<string, string?>(On) { ["Limits:PerSecondPerKey"] = "1" });
        var key = await server.CreateKeyAsync(Account, Roles.RelyingParty);
        var client = await server.Client(role: null);
        var token = (await AskAsync(client, "/auth", "test", "application/x-www-form-urlencoded", $"username={Account}&password={key}"))
            .GetProperty("result").GetProperty("value").GetProperty("token").GetString()!;
        client.DefaultRequestHeaders.TryAddWithoutValidation("PI-Authorization", token);

        var answers = new List<HttpStatusCode>();
        for (var i = 0; i < 20; i++)
        {
            using var reply = await client.GetAsync("/token/", Cancel);
            answers.Add(reply.StatusCode);
        }

        Assert.Equal(HttpStatusCode.OK, answers[0]);
        Assert.Contains(HttpStatusCode.TooManyRequests, answers);
    }

    private static async Task<JsonElement> AskAsync(
        HttpClient client, string path, string agent, string type, string body, string? header = null, string? token = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) };
        request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        request.Headers.TryAddWithoutValidation("User-Agent", agent);
        if (header is not null)
        {
            request.Headers.TryAddWithoutValidation(header, token);
        }

        using var reply = await client.SendAsync(request, Cancel);
        var text = await reply.Content.ReadAsStringAsync(Cancel);
        Assert.True(reply.StatusCode == HttpStatusCode.OK, text);
        return JsonDocument.Parse(text).RootElement.Clone();
    }

    private static async Task<JsonElement> CheckAsync(HttpClient client, string form)
    {
        using var reply = await client.PostAsync("/validate/check", Form(form), Cancel);
        return await BodyAsync(reply);
    }

    private static async Task<string> TransactionOfAsync(Task<HttpResponseMessage> asked)
    {
        using var reply = await asked;
        return (await BodyAsync(reply)).GetProperty("detail").GetProperty("transaction_id").GetString()!;
    }

    private static async Task<string?[]> SerialsAsync(HttpClient client, string query) =>
        [.. (await BodyAsync(await client.GetAsync("/token/" + query, Cancel))).GetProperty("result").GetProperty("value").GetProperty("tokens").EnumerateArray().Select(t => Text(t, "serial"))];

    private static async Task<int> ErrorAsync(HttpResponseMessage reply) =>
        (await BodyAsync(reply)).GetProperty("result").GetProperty("error").GetProperty("code").GetInt32();

    private static async Task<JsonElement> BodyAsync(HttpResponseMessage reply) =>
        JsonDocument.Parse(await reply.Content.ReadAsStringAsync(Cancel)).RootElement.Clone();

    private static bool Value(JsonElement body) => body.GetProperty("result").GetProperty("value").GetBoolean();

    private static string? Text(JsonElement element, string name) => element.GetProperty(name).GetString();

    private static string Code(int counter) => Codes.Hotp(Codes.Secret, counter);

    private static StringContent Form(string wire) => new(wire, Encoding.ASCII, "application/x-www-form-urlencoded");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
