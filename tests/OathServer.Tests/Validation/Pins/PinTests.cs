using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Access;
using OathServer.Secrets;
using OathServer.Storage;
using OathServer.Validation;
using OathServer.Validation.Pins;

namespace OathServer.Tests.Validation.Pins;

/// <summary>A PIN before the code, where a realm's policy asks for it.</summary>
public class PinTests
{
    private static readonly byte[] Second = "abcdefghijklmnopqrst"u8.ToArray();

    private const string Pin = "p1n 4711";

    [Fact]
    public async Task A_token_with_a_PIN_needs_it_and_one_without_takes_the_code_alone()
    {
        await using var server = await WithPinAsync();
        await server.AddTokenAsync("B1", Codes.Secret);

        Assert.False(await server.AcceptsAsync("A1", Code(0)));
        Assert.False(await server.AcceptsAsync("A1", "p1n 4712" + Code(0)));
        Assert.True(await server.AcceptsAsync("A1", Pin + Code(0)));
        Assert.False(await server.AcceptsAsync("B1", Pin + Code(0)));
        Assert.True(await server.AcceptsAsync("B1", Code(0)));
        Assert.Equal([Outcome.Accepted, Outcome.WrongPin, Outcome.WrongPin], await OutcomesAsync(server, "A1"));
        Assert.Equal([Outcome.Accepted, Outcome.WrongPin], await OutcomesAsync(server, "B1"));
    }

    [Fact]
    public async Task A_wrong_PIN_leaves_the_counter_counts_one_failure_and_a_right_one_after_it_clears_them()
    {
        await using var server = await WithPinAsync();

        Assert.False(await server.AcceptsAsync("A1", "wrong" + Code(3)));
        var row = await server.CounterAsync("A1");
        Assert.Equal((0, 1), (row.Counter, row.Failures));
        Assert.True(await server.AcceptsAsync("A1", Pin + Code(3)));
        row = await server.CounterAsync("A1");
        Assert.Equal((4, 0), (row.Counter, row.Failures));
        Assert.False(await server.AcceptsAsync("A1", Pin + Code(3)));
        Assert.Equal(Outcome.Replayed, (await OutcomesAsync(server, "A1"))[0]);
        Assert.Equal(1, (await server.CounterAsync("A1")).Failures);
    }

    [Fact]
    public async Task Wrong_PINs_meet_the_throttle_of_wrong_codes_and_guesses_in_parallel_do_not_outrun_it()
    {
        await using var server = await WithPinAsync();

        await Task.WhenAll(Enumerable.Range(0, 40).Select(i => server.AcceptsAsync("A1", $"guess{i}" + Code(0))));

        var outcomes = (await OutcomesAsync(server, "A1")).GroupBy(o => o).ToDictionary(g => g.Key, g => g.Count());
        Assert.Equal((5, 35), (outcomes[Outcome.WrongPin], outcomes[Outcome.Throttled]));
        Assert.False(await server.AcceptsAsync("A1", Pin + Code(0)), "a right PIN was looked at while throttled");
        Assert.Equal(0, (await server.CounterAsync("A1")).Counter);
    }

    [Fact]
    public async Task One_code_behind_a_right_PIN_sent_many_times_at_once_is_accepted_once()
    {
        await using var server = await WithPinAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => server.AcceptsAsync("A1", Pin + Code(0))));

        Assert.Equal(1, answers.Count(accepted => accepted));
    }

    [Fact]
    public async Task Without_the_policy_a_PIN_rests_and_what_is_no_code_is_said_so()
    {
        await using var server = await WithPinAsync(policy: "none");
        using var reply = await (await server.Client(Roles.RelyingParty)).PostAsJsonAsync("/v1/validate", new { serial = "A1", code = Pin + Code(0) }, Cancel);

        Assert.Equal(HttpStatusCode.BadRequest, reply.StatusCode);
        Assert.True(await server.AcceptsAsync("A1", Code(0)));
    }

    [Fact]
    public async Task A_PIN_changed_or_set_elsewhere_holds_at_the_next_request()
    {
        await using var server = await WithPinAsync();
        await server.AddTokenAsync("B1", Codes.Secret);
        Assert.True(await server.AcceptsAsync("A1", Pin + Code(0)));
        Assert.True(await server.AcceptsAsync("B1", Code(0)));

        // As another node does it: in the database, and no notice of it.
        await ForeignAsync(server, "A1", PinHash.Of("other"), version: 2);
        await ForeignAsync(server, "B1", PinHash.Of("fresh"), version: 1);

        Assert.False(await server.AcceptsAsync("A1", Pin + Code(1)));
        Assert.True(await server.AcceptsAsync("A1", "other" + Code(1)));
        Assert.False(await server.AcceptsAsync("B1", Code(1)));
        Assert.True(await server.AcceptsAsync("B1", "fresh" + Code(1)));
    }

    [Fact]
    public async Task PINs_being_hashed_hold_up_nobody_in_a_realm_without_them()
    {
        await using var server = await WithPinAsync();
        await server.AddTokenAsync("P1", Codes.Secret, realm: "plain");
        string[] pinned = ["H1", "H2"];
        foreach (var serial in pinned)
        {
            await server.AddTokenAsync(serial, Codes.Secret);
            await ForeignAsync(server, serial, PinHash.OfPasslib("$argon2id$v=19$m=102400,t=9,p=8$Qsj5X2sNIYRwrrW2ds5ZSw$KKAvgLNJxf2SyD8JO1IsbQ")!, version: 1);
        }

        var hashing = Task.WhenAll(pinned.Select(serial => server.AcceptsAsync(serial, "1234" + Code(0))));
        for (var counter = 0; counter < 20; counter++)
        {
            Assert.True(await server.AcceptsAsync("P1", Code(counter)));
        }

        Assert.False(hashing.IsCompleted, "twenty codes alone took longer than two PINs of Argon2");
        // On a machine that is busy besides, the second may wait too long and be refused for the moment.
        await Task.WhenAny(hashing);
        Assert.True(await server.AcceptsAsync("P1", Code(20)));
    }

    [Fact]
    public async Task Of_several_tokens_of_a_user_each_has_its_own_PIN_and_length_of_code()
    {
        await using var server = await WithPinAsync();
        await server.AddTokenAsync("A2", Second, user: "alice", digits: 8);
        await SetAsync(server, "A2", "zweiter");

        Assert.False(await AcceptsAliceAsync(server, "zweiter" + Code(0)));
        Assert.True(await AcceptsAliceAsync(server, "zweiter" + Codes.Hotp(Second, 0, 8)));
        Assert.True(await AcceptsAliceAsync(server, Pin + Code(0)));
        Assert.False(await AcceptsAliceAsync(server, Pin + Codes.Hotp(Second, 1, 8)));
    }

    [Fact]
    public async Task A_hash_from_elsewhere_is_made_anew_once_its_PIN_was_typed_with_a_right_code()
    {
        await using var server = await WithPinAsync();
        await ForeignAsync(server, "A1", PinHash.OfPasslib("$argon2i$v=19$m=1024,t=2,p=2$3NsbwzinlBICwFjLmdMagw$kjyGedvDsmEkOtz67HXF8w")!, version: 2);

        Assert.False(await server.AcceptsAsync("A1", "1234000000"));
        Assert.Equal((PinScheme.Argon2, 2), await KeptAsync(server));
        Assert.True(await server.AcceptsAsync("A1", "1234" + Code(0)));
        Assert.Equal((PinScheme.Own, 3), await KeptAsync(server));
        Assert.True(await server.AcceptsAsync("A1", "1234" + Code(1)));
        Assert.False(await server.AcceptsAsync("A1", "1235" + Code(2)));
    }

    [Fact]
    public async Task A_PIN_that_was_empty_elsewhere_is_none_here()
    {
        await using var server = await WithPinAsync();
        await ForeignAsync(server, "A1", PinHash.OfPasslib("$pbkdf2-sha512$1000$6t1bC.G8F8JYa.09R.id0w$3UTPAplapG.HGEKaPLl70g0l0tIPqpl.Rzevr8qUm5ELdVMfE5f8Ev.4KlS8U1/qvEl.MqKr1yzk65pA11aQ1A")!, version: 2);

        Assert.False(await server.AcceptsAsync("A1", "1234" + Code(0)));
        Assert.True(await server.AcceptsAsync("A1", Code(0)));
        Assert.Equal(0, await server.WithDatabase(db => db.TokenPins.CountAsync(Cancel)));
        Assert.True(await server.AcceptsAsync("A1", Code(1)));
    }

    [Fact]
    public async Task Help_desk_sets_and_clears_a_PIN_with_a_reason_and_the_trail_keeps_no_PIN()
    {
        await using var server = await WithPinAsync();
        var staff = await server.Client(Roles.HelpDesk);

        Assert.Equal(HttpStatusCode.BadRequest, await PutAsync(staff, "A1", "123", "ticket 17"));
        Assert.Equal(HttpStatusCode.BadRequest, await PutAsync(staff, "A1", "12\u00074", "ticket 17"));
        Assert.Equal(HttpStatusCode.BadRequest, await PutAsync(staff, "A1", "7777 secret", "why"));
        Assert.Equal(HttpStatusCode.NotFound, await PutAsync(staff, "X9", "7777 secret", "ticket 17"));
        Assert.Equal(HttpStatusCode.NoContent, await PutAsync(staff, "A1", "7777 secret", "ticket 17"));
        Assert.False(await server.AcceptsAsync("A1", Pin + Code(0)));
        Assert.True(await server.AcceptsAsync("A1", "7777 secret" + Code(0)));
        Assert.Equal(HttpStatusCode.NoContent, await ClearAsync(staff, "A1"));
        Assert.Equal(HttpStatusCode.NotFound, await ClearAsync(staff, "A1"));
        Assert.True(await server.AcceptsAsync("A1", Code(1)));

        var acts = await server.WithDatabase(db => db.Audit.AsNoTracking().Where(e => e.Serial == "A1" && e.Action.StartsWith("token.pin.")).OrderBy(e => e.Sequence).ToListAsync(Cancel));
        Assert.Equal(["token.pin.set", "token.pin.set", "token.pin.clear"], acts.Select(a => a.Action));
        Assert.Equal("ticket 17", acts[1].Detail);
        Assert.All(acts, act => Assert.DoesNotContain("secret", JsonSerializer.Serialize(act), StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_PIN_goes_with_its_holder()
    {
        await using var server = await WithPinAsync();
        var staff = await server.Client();

        (await staff.PutAsJsonAsync("/v1/tokens/A1/user", new { user = "bob" }, Cancel)).EnsureSuccessStatusCode();

        Assert.Equal(0, await server.WithDatabase(db => db.TokenPins.CountAsync(Cancel)));
        Assert.True(await server.AcceptsAsync("A1", Code(0)));
        await SetAsync(server, "A1", "bobs");
        (await staff.PutAsJsonAsync("/v1/tokens/A1/user", new { user = (string?)null }, Cancel)).EnsureSuccessStatusCode();
        Assert.True(await server.AcceptsAsync("A1", Code(1)));

        // Set while nobody has the token, it is the first holder's, and nobody's after them.
        await SetAsync(server, "A1", "first");
        (await staff.PutAsJsonAsync("/v1/tokens/A1/user", new { user = "carol" }, Cancel)).EnsureSuccessStatusCode();
        Assert.True(await server.AcceptsAsync("A1", "first" + Code(2)));
        (await staff.PutAsJsonAsync("/v1/tokens/A1/user", new { user = "dave" }, Cancel)).EnsureSuccessStatusCode();
        Assert.True(await server.AcceptsAsync("A1", Code(3)));
    }

    [Fact]
    public async Task PrivacyIDEAs_clients_are_told_of_a_wrong_PIN_and_get_a_challenge_only_behind_a_right_one()
    {
        await using var server = await WithPinAsync();

        Assert.Equal("wrong otp pin", (await CheckAsync(server, "wrong" + Code(60))).Message);
        Assert.Equal("wrong otp value", (await CheckAsync(server, Pin + "000000")).Message);
        var (_, transaction, message) = await CheckAsync(server, Pin + Code(60));
        Assert.Contains("type the next code", message, StringComparison.Ordinal);
        Assert.Equal(0, (await server.CounterAsync("A1")).Counter);

        // The PIN was right in the first step: the second takes the code alone, or behind it.
        Assert.True((await CheckAsync(server, Pin + Code(61), transaction)).Value);
        Assert.True((await CheckAsync(server, Pin + Code(62))).Value);
        var (_, again, _) = await CheckAsync(server, Pin + Code(120));
        Assert.True((await CheckAsync(server, Code(121), again)).Value);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static string Code(int counter) => Codes.Hotp(Codes.Secret, counter);

    /// <summary>Alice's token A1 with <see cref="Pin"/>, in a realm of that policy.</summary>
    private static async Task<ServerUnderTest> WithPinAsync(string policy = "before-code")
    {
        var server = await ServerUnderTest.StartAsync(new Dictionary<string, string?> { ["Interop:PrivacyIdea"] = "true" });
        await server.AddTokenAsync("A1", Codes.Secret, user: "alice");
        using var reply = await (await server.Client()).PutAsJsonAsync("/v1/realms/default/policy", new { pin = policy }, Cancel);
        reply.EnsureSuccessStatusCode();
        Assert.Equal(policy, (await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("pin").GetString());
        await SetAsync(server, "A1", Pin);
        return server;
    }

    private static async Task SetAsync(ServerUnderTest server, string serial, string pin) =>
        Assert.Equal(HttpStatusCode.NoContent, await PutAsync(await server.Client(Roles.HelpDesk), serial, pin, "first set"));

    private static async Task<HttpStatusCode> PutAsync(HttpClient staff, string serial, string pin, string reason)
    {
        using var reply = await staff.PutAsJsonAsync($"/v1/tokens/{serial}/pin", new { pin, reason }, Cancel);
        return reply.StatusCode;
    }

    private static async Task<HttpStatusCode> ClearAsync(HttpClient staff, string serial)
    {
        using var request = new HttpRequestMessage(HttpMethod.Delete, $"/v1/tokens/{serial}/pin") { Content = JsonContent.Create(new { reason = "ticket 18" }) };
        using var reply = await staff.SendAsync(request, Cancel);
        return reply.StatusCode;
    }

    /// <summary>Stores a hash behind the server's back.</summary>
    private static Task<int> ForeignAsync(ServerUnderTest server, string serial, PinHash hash, int version) => server.WithDatabase(async db =>
    {
        var token = await db.Tokens.SingleAsync(t => t.Serial == serial, Cancel);
        await db.TokenPins.Where(p => p.TokenId == token.Id).ExecuteDeleteAsync(Cancel);
        var (scheme, verifier) = PinCheck.Seal(server.Services.GetRequiredService<Sealer>(), serial, version, hash);
        db.TokenPins.Add(new TokenPin { TokenId = token.Id, Scheme = scheme, SealedVerifier = verifier, Version = version, PersonId = token.PersonId, SetBy = "test" });
        await db.SaveChangesAsync(Cancel);
        return await db.Counters.Where(c => c.TokenId == token.Id).ExecuteUpdateAsync(c => c.SetProperty(x => x.Flags, x => x.Flags | CounterFlags.HasPin), Cancel);
    });

    private static Task<(PinScheme, int)> KeptAsync(ServerUnderTest server) => server.WithDatabase(async db =>
        await db.TokenPins.AsNoTracking().Where(p => db.Tokens.Any(t => t.Id == p.TokenId && t.Serial == "A1")).SingleAsync(Cancel) is var pin ? (pin.Scheme, pin.Version) : default);

    /// <summary>What became of a token's attempts, the newest first.</summary>
    private static Task<Outcome[]> OutcomesAsync(ServerUnderTest server, string serial) => server.WithDatabase<Outcome[]>(async db =>
    {
        var id = await db.Tokens.Where(t => t.Serial == serial).Select(t => t.Id).SingleAsync(Cancel);
        return [.. (await AttemptHistory.OfTokensAsync(db, [id], 100, Cancel)).Attempts.Select(a => a.Outcome)];
    });

    private static async Task<bool> AcceptsAliceAsync(ServerUnderTest server, string typed)
    {
        using var reply = await (await server.Client(Roles.RelyingParty)).PostAsJsonAsync("/v1/validate", new { user = "alice", code = typed }, Cancel);
        reply.EnsureSuccessStatusCode();
        return (await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("accepted").GetBoolean();
    }

    private static async Task<(bool Value, string? Transaction, string? Message)> CheckAsync(ServerUnderTest server, string pass, string? transaction = null)
    {
        var form = new Dictionary<string, string> { ["user"] = "alice", ["pass"] = pass };
        if (transaction is not null)
        {
            form["transaction_id"] = transaction;
        }

        using var reply = await (await server.Client(role: null)).PostAsync("/validate/check", new FormUrlEncodedContent(form), Cancel);
        var body = JsonDocument.Parse(await reply.Content.ReadAsStringAsync(Cancel)).RootElement;
        var detail = body.GetProperty("detail");
        return (body.GetProperty("result").GetProperty("value").GetBoolean(),
            detail.TryGetProperty("transaction_id", out var id) ? id.GetString() : null, detail.GetProperty("message").GetString());
    }
}
