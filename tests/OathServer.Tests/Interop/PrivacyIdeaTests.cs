using System.Net;
using System.Text;
using System.Text.Json;

namespace OathServer.Tests.Interop;

public class PrivacyIdeaTests
{
    private static readonly Dictionary<string, string?> On = new() { ["Interop:PrivacyIdea"] = "true", ["Interop:FreeRadius"] = "true" };

    [Fact]
    public async Task The_facades_are_off_until_switched_on()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var client = await server.Client(role: null);

        foreach (var path in (string[])["/validate/check", "/validate/radiuscheck", "/validate/triggerchallenge", "/validate/polltransaction", "/auth", "/token/resync", "/radius/authorize"])
        {
            using var reply = await client.PostAsync(path, Form("user=alice&pass=755224"), Cancel);
            Assert.Contains(reply.StatusCode, (HttpStatusCode[])[HttpStatusCode.NotFound, HttpStatusCode.Unauthorized]);
        }
    }

    [Theory]
    [InlineData("form")]
    [InlineData("query")]
    [InlineData("json")]
    [InlineData("multipart")]
    public async Task A_right_code_is_accepted_in_every_encoding_the_clients_use(string encoding)
    {
        await using var server = await WithAliceAsync("alice");
        var client = await server.Client(role: null);
        using var reply = encoding switch
        {
            "form" => await client.PostAsync("/validate/check", Form("user=alice&pass=755224"), Cancel),
            "query" => await client.GetAsync("/validate/check?user=alice&pass=755224&", Cancel),
            "json" => await client.PostAsync("/validate/check", new StringContent("""{"user":"alice","pass":"755224"}""", Encoding.UTF8, "application/json"), Cancel),
            _ => await client.PostAsync("/validate/check", new MultipartFormDataContent { { new StringContent("alice"), "user" }, { new StringContent("755224"), "pass" } }, Cancel),
        };
        var body = await BodyAsync(reply);

        Assert.Equal((2, true, "ACCEPT", "A1"), (
            body.GetProperty("id").GetInt32(), body.GetProperty("result").GetProperty("value").GetBoolean(),
            body.GetProperty("result").GetProperty("authentication").GetString(), body.GetProperty("detail").GetProperty("serial").GetString()));
        Assert.DoesNotContain("null", body.ToString(), StringComparison.Ordinal);
    }

    // Wire bytes of the FreeRADIUS perl module (encodes twice), of its PAM module (once) and of rlm_rest (once).
    [Theory]
    [InlineData("FreeRADIUS", "pass=755224&user=al%2520ice%2Bx", "al ice x")]
    [InlineData("FreeRADIUS", "pass=755224&user=al%2520ice%252Bx", "al ice+x")]
    [InlineData("PAM/1.1.0", "pass=755224&user=al%20ice%2Bx", "al ice+x")]
    [InlineData("FreeRADIUS 3.2.1", "pass=755224&user=al%2520ice", "al%20ice")]
    [InlineData("privacyIDEA-Keycloak/1.4", "pass=755224&user=al%2Bice", "al ice")]
    public async Task A_name_is_decoded_as_often_as_its_client_encoded_it(string agent, string wire, string name)
    {
        await using var server = await WithAliceAsync(name);
        var client = await server.Client(role: null);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/validate/check") { Content = Form(wire) };
        request.Headers.TryAddWithoutValidation("User-Agent", agent);

        using var reply = await client.SendAsync(request, Cancel);

        Assert.True((await BodyAsync(reply)).GetProperty("result").GetProperty("value").GetBoolean());
    }

    [Fact]
    public async Task A_wrong_code_and_a_replay_are_200_with_value_false()
    {
        await using var server = await WithAliceAsync("alice");
        var client = await server.Client(role: null);
        using var first = await client.PostAsync("/validate/check", Form("user=alice&pass=755224"), Cancel);

        foreach (var (pass, message) in ((string, string)[])[("755224", "previous otp used again"), ("000000", "wrong otp value"), ("", "wrong otp value")])
        {
            using var reply = await client.PostAsync("/validate/check", Form($"user=alice&pass={pass}"), Cancel);
            var body = await BodyAsync(reply);
            Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
            Assert.Equal("REJECT", body.GetProperty("result").GetProperty("authentication").GetString());
            Assert.Contains(message, body.GetProperty("detail").GetProperty("message").GetString(), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("pass=755224", 905)]
    [InlineData("pass=755224&transaction_id=", 905)]
    [InlineData("user=alice", 905)]
    [InlineData("user=nobody&pass=755224", 904)]
    [InlineData("user=%20&pass=", 905)]
    public async Task An_error_has_a_number_and_a_text(string form, int code)
    {
        await using var server = await WithAliceAsync("alice");
        var client = await server.Client(role: null);

        using var reply = await client.PostAsync("/validate/check", Form(form), Cancel);

        var error = (await BodyAsync(reply)).GetProperty("result").GetProperty("error");
        Assert.Equal(code, error.GetProperty("code").GetInt32());
        Assert.StartsWith($"ERR{code}: ", error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_code_far_ahead_is_answered_with_a_challenge_and_the_next_code_resynchronises()
    {
        await using var server = await WithAliceAsync("alice");
        var client = await server.Client(role: null);

        using var first = await client.PostAsync("/validate/check", Form($"user=alice&pass={Codes.Hotp(Codes.Secret, 60)}"), Cancel);
        var challenge = await BodyAsync(first);
        var transaction = challenge.GetProperty("detail").GetProperty("transaction_id").GetString();
        Assert.Equal("CHALLENGE", challenge.GetProperty("result").GetProperty("authentication").GetString());
        Assert.Equal(0, (await server.CounterAsync("A1")).Counter);

        using var second = await client.PostAsync("/validate/check", Form($"user=alice&pass={Codes.Hotp(Codes.Secret, 61)}&state={transaction}"), Cancel);
        Assert.True((await BodyAsync(second)).GetProperty("result").GetProperty("value").GetBoolean());
        Assert.Equal(62, (await server.CounterAsync("A1")).Counter);

        using var again = await client.PostAsync("/validate/check", Form($"user=alice&pass={Codes.Hotp(Codes.Secret, 61)}&state={transaction}"), Cancel);
        Assert.False((await BodyAsync(again)).GetProperty("result").GetProperty("value").GetBoolean());
    }

    [Fact]
    public async Task A_made_up_transaction_is_a_wrong_code()
    {
        await using var server = await WithAliceAsync("alice");
        var client = await server.Client(role: null);

        foreach (var transaction in (string[])["0123456789", "AAAA", new string('A', 200), "%20"])
        {
            using var reply = await client.PostAsync("/validate/check", Form($"user=alice&pass=755224&transaction_id={transaction}"), Cancel);
            Assert.False((await BodyAsync(reply)).GetProperty("result").GetProperty("value").GetBoolean());
        }
    }

    [Theory]
    [InlineData("user=alice&pass=%00")]
    [InlineData("user=%00&pass=755224")]
    public async Task A_form_with_null_characters_is_a_bad_request(string wire)
    {
        await using var server = await WithAliceAsync("alice");
        var client = await server.Client(role: null);

        using var reply = await client.PostAsync("/validate/check", Form(wire), Cancel);

        Assert.Equal(HttpStatusCode.BadRequest, reply.StatusCode);
    }

    [Fact]
    public async Task Clients_outside_the_named_networks_need_a_key()
    {
        var settings = new Dictionary<string, string?>(On) { ["Interop:Clients:0"] = "192.0.2.0/24", ["Interop:Clients:1"] = "198.51.100.0/24" };
        await using var server = await ServerUnderTest.StartAsync(settings);
        await server.AddTokenAsync("A1", Codes.Secret, user: "alice");
        var anonymous = await server.Client(role: null);
        var party = await server.Client(OathServer.Access.Roles.RelyingParty);

        using var refused = await anonymous.PostAsync("/validate/check", Form("user=alice&pass=755224"), Cancel);
        using var accepted = await party.PostAsync("/validate/check", Form("user=alice&pass=755224"), Cancel);

        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.True((await BodyAsync(accepted)).GetProperty("result").GetProperty("value").GetBoolean());
    }

    [Theory]
    [InlineData("alice", "755224", HttpStatusCode.NoContent)]
    [InlineData("alice", "000000", HttpStatusCode.Unauthorized)]
    [InlineData("nobody", "755224", HttpStatusCode.NotFound)]
    [InlineData("", "755224", HttpStatusCode.BadRequest)]
    public async Task Rlm_rest_is_answered_by_status_alone(string user, string code, HttpStatusCode status)
    {
        await using var server = await WithAliceAsync("alice");
        var client = await server.Client(role: null);

        using var reply = await client.PostAsync("/radius/authorize", Form($"user={user}&pass={code}"), Cancel);

        Assert.Equal(status, reply.StatusCode);
        Assert.Empty(await reply.Content.ReadAsStringAsync(Cancel));
    }

    private static async Task<ServerUnderTest> WithAliceAsync(string name)
    {
        var server = await ServerUnderTest.StartAsync(On);
        await server.AddTokenAsync("A1", Codes.Secret, user: name);
        return server;
    }

    private static StringContent Form(string wire) => new(wire, Encoding.ASCII, "application/x-www-form-urlencoded");

    private static async Task<JsonElement> BodyAsync(HttpResponseMessage reply) =>
        JsonDocument.Parse(await reply.Content.ReadAsStringAsync(Cancel)).RootElement.Clone();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
