using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using OathServer.Access;
using OathServer.Storage;

namespace OathServer.Tests.Validation;

public class ValidateTests
{
    [Fact]
    public async Task Second_use_of_an_accepted_code_is_rejected()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, counter: 5);

        Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 5)));
        Assert.False(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 5)));
        Assert.Equal(6, (await server.CounterAsync("A1")).Counter);
    }

    [Theory]
    [InlineData(10, true)]
    [InlineData(11, false)]
    public async Task A_code_is_accepted_up_to_the_edge_of_the_look_ahead_and_not_past_it(int ahead, bool accepted)
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, counter: 100);

        Assert.Equal(accepted, await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 100 + ahead)));
        Assert.Equal(accepted ? 111 : 100, (await server.CounterAsync("A1")).Counter);
    }

    [Fact]
    public async Task A_thousand_concurrent_requests_with_one_valid_code_are_accepted_once()
    {
        await using var server = await ServerUnderTest.StartAsync(new Dictionary<string, string?> { ["Validation:FastFailures"] = "100" });
        await server.AddTokenAsync("A1", Codes.Secret, counter: 7);
        var code = Codes.Hotp(Codes.Secret, 7);

        var verdicts = await Task.WhenAll(Enumerable.Range(0, 1000).Select(_ => server.AcceptsAsync("A1", code)));

        Assert.Equal(1, verdicts.Count(accepted => accepted));
        Assert.Equal(8, (await server.CounterAsync("A1")).Counter);
    }

    [Fact]
    public async Task A_user_is_validated_by_any_of_their_tokens_and_told_which()
    {
        await using var server = await ServerUnderTest.StartAsync();
        byte[] other = [.. Codes.Secret.Reverse()];
        await server.AddTokenAsync("A1", Codes.Secret, user: "alice");
        await server.AddTokenAsync("A2", other, counter: 40, user: "alice");
        var client = await server.Client(Roles.RelyingParty);

        using var reply = await client.PostAsJsonAsync("/v1/validate", new { user = "Alice", code = Codes.Hotp(other, 41) }, Cancel);

        Assert.Equal("""{"accepted":true,"serial":"A2"}""", await reply.Content.ReadAsStringAsync(Cancel));
        Assert.Equal(0, (await server.CounterAsync("A1")).Failures);
    }

    [Fact]
    public async Task Unknown_user_unknown_token_wrong_code_and_a_suspended_token_look_the_same()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, user: "alice");
        await server.AddTokenAsync("A2", Codes.Secret, state: TokenState.Suspended);
        var client = await server.Client(Roles.RelyingParty);
        var replies = new List<string>();
        object[] requests =
        [
            new { user = "nobody", code = "000000" }, new { serial = "none", code = "000000" },
            new { user = "alice", code = "000000" }, new { serial = "A2", code = Codes.Hotp(Codes.Secret, 0) },
        ];
        foreach (var request in requests)
        {
            using var reply = await client.PostAsJsonAsync("/v1/validate", request, Cancel);
            replies.Add($"{(int)reply.StatusCode} {await reply.Content.ReadAsStringAsync(Cancel)}");
        }

        Assert.All(replies, reply => Assert.Equal("""200 {"accepted":false}""", reply));
    }

    [Fact]
    public async Task An_unknown_or_blank_user_changes_no_counter_row()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, user: "alice");
        var before = await server.CounterAsync("A1");
        var client = await server.Client(Roles.RelyingParty);

        foreach (var user in (string[])["nobody", " ", "%", "*"])
        {
            using var _ = await client.PostAsJsonAsync("/v1/validate", new { user, code = "123456" }, Cancel);
        }

        Assert.Equivalent(before, await server.CounterAsync("A1"), strict: true);
    }

    // CVE-2025-6014: spaces, other digits and signs made a used code new again elsewhere.
    public static readonly TheoryData<string> Variants = new(
        "755224 ", " 755224", "755 224", "755224\n", "\t755224", "+755224", "-755224", "0755224", "７５５２２４", "٧٥٥٢٢٤", "755224\u00a0", "75522", "7552240", "");

    [Theory]
    [MemberData(nameof(Variants))]
    public async Task A_used_code_in_other_writing_is_refused_and_its_clean_form_stays_used(string variant)
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret);
        Assert.True(await server.AcceptsAsync("A1", "755224"));
        var client = await server.Client(Roles.RelyingParty);

        using var reply = await client.PostAsJsonAsync("/v1/validate", new { serial = "A1", code = variant }, Cancel);

        var body = await reply.Content.ReadAsStringAsync(Cancel);
        Assert.True(reply.StatusCode == HttpStatusCode.BadRequest || body == """{"accepted":false}""", body);
        Assert.Equal(1, (await server.CounterAsync("A1")).Counter);
    }

    [Theory]
    [InlineData("""{"serial":"A1","code":"755224","serial":"A2"}""", "twice")]
    [InlineData("""{"serial":"A1","SERIAL":"A2","code":"755224"}""", "does not know")]
    [InlineData("""{"serial":"A1","code":"755224","admin":true}""", "does not know")]
    [InlineData("""{"serial":"A1","code":755224}""", "not the JSON")]
    [InlineData("""{"serial":"A1"}""", "lacks")]
    [InlineData("""{"serial":"A1","code":null}""", "not the JSON")]
    [InlineData("""{"serial":"A1","code":"755224" """, "not the JSON")]
    [InlineData("[]", "not the JSON")]
    [InlineData("{\"serial\":\"\ud800\",\"code\":\"755224\"}", "")]
    [InlineData("""{"serial":"A1","user":"alice","code":"755224"}""", "either user or serial")]
    [InlineData("""{"code":"755224"}""", "either user or serial")]
    [InlineData("""{"serial":"A1","code":"75522a"}""", "digits 0 to 9")]
    public async Task A_malformed_request_is_a_problem_and_nothing_is_counted(string body, string says)
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret);
        var client = await server.Client(Roles.RelyingParty);

        using var reply = await client.PostAsync("/v1/validate", new StringContent(body, Encoding.UTF8, "application/json"), Cancel);

        var text = await reply.Content.ReadAsStringAsync(Cancel);
        Assert.True(reply.StatusCode == HttpStatusCode.BadRequest || (says.Length == 0 && text == """{"accepted":false}"""), text);
        if (says.Length > 0)
        {
            Assert.Equal("application/problem+json", reply.Content.Headers.ContentType?.MediaType);
            Assert.Contains(says, text, StringComparison.Ordinal);
            Assert.DoesNotContain("755224", text, StringComparison.Ordinal);
        }

        Assert.Equal(0, (await server.CounterAsync("A1")).Failures);
    }

    [Fact]
    public async Task A_time_based_code_is_accepted_once_within_its_step_and_drift_is_remembered()
    {
        var clock = new Clock(new DateTimeOffset(2026, 11, 24, 12, 0, 10, TimeSpan.Zero));
        await using var server = await ServerUnderTest.StartAsync(time: clock);
        await server.AddTokenAsync("T1", Codes.Secret, timeStep: 30);

        Assert.True(await server.AcceptsAsync("T1", Codes.Totp(Codes.Secret, clock.Now - TimeSpan.FromSeconds(30))));
        Assert.Equal(-1, (await server.CounterAsync("T1")).Drift);
        Assert.False(await server.AcceptsAsync("T1", Codes.Totp(Codes.Secret, clock.Now - TimeSpan.FromSeconds(30))));
        Assert.True(await server.AcceptsAsync("T1", Codes.Totp(Codes.Secret, clock.Now)));
        Assert.False(await server.AcceptsAsync("T1", Codes.Totp(Codes.Secret, clock.Now)));
    }

    [Fact]
    public async Task A_clock_set_back_brings_no_used_step_to_life()
    {
        var clock = new Clock(new DateTimeOffset(2026, 11, 24, 12, 0, 10, TimeSpan.Zero));
        await using var server = await ServerUnderTest.StartAsync(time: clock);
        await server.AddTokenAsync("T1", Codes.Secret, timeStep: 30);
        var used = Codes.Totp(Codes.Secret, clock.Now);
        Assert.True(await server.AcceptsAsync("T1", used));

        clock.Now -= TimeSpan.FromHours(1);
        Assert.False(await server.AcceptsAsync("T1", Codes.Totp(Codes.Secret, clock.Now)));
        clock.Now += TimeSpan.FromHours(1);

        Assert.False(await server.AcceptsAsync("T1", used));
    }

    [Fact]
    public async Task An_imported_token_becomes_active_by_two_consecutive_codes()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, state: TokenState.Imported);

        Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 3)));
        Assert.Equal(TokenState.Imported, (await server.CounterAsync("A1")).State);
        Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 4)));
        Assert.Equal(TokenState.Active, (await server.CounterAsync("A1")).State);
    }

    [Fact]
    public async Task A_relying_party_of_another_realm_is_refused_as_if_the_token_were_unknown()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, realm: "north");
        var client = await server.Client(Roles.RelyingParty, "south");

        using var reply = await client.PostAsJsonAsync("/v1/validate", new { serial = "A1", code = Codes.Hotp(Codes.Secret, 0) }, Cancel);

        Assert.False((await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("accepted").GetBoolean());
        Assert.Equal(0, (await server.CounterAsync("A1")).Counter);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
