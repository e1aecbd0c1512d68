using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Access;
using OathServer.Secrets;
using OathServer.Storage;

namespace OathServer.Tests.Advisories;

/// <summary>Where peers accepted a code twice, or one that was used up.</summary>
public class ReplayTests
{
    private static readonly DateTimeOffset Start = new(2026, 11, 25, 9, 0, 0, TimeSpan.Zero);

    // eduMFA: two requests with one code raced past a read-then-write.
    [Fact]
    [Trait("Advisory", "GHSA-qq2p-4282-cfc5")]
    public async Task One_code_from_64_clients_at_once_is_accepted_once_counter_by_counter()
    {
        await using var server = await ServerUnderTest.StartAsync(time: new Clock(Start));
        await server.AddTokenAsync("A1", Codes.Secret);
        for (var counter = 0; counter < 20; counter++)
        {
            var code = Codes.Hotp(Codes.Secret, counter);
            var accepted = 0;
            // Failures of the losers must not lock the token for the next round: unlock as help desk would.
            await Task.WhenAll(Enumerable.Range(0, 64).Select(async _ =>
            {
                if (await server.AcceptsAsync("A1", code))
                {
                    Interlocked.Increment(ref accepted);
                }
            }));
            Assert.Equal(1, accepted);
            using var unlocked = await (await server.Client(Roles.HelpDesk)).PostAsync("/v1/tokens/A1/unlock", null, Cancel);
            Assert.Equal(HttpStatusCode.OK, unlocked.StatusCode);
        }
    }

    // LinOTP: resynchronisation took codes from before the last accepted one. devise-two-factor: lower steps of the window.
    [Theory]
    [Trait("Advisory", "CVE-2019-12887")]
    [Trait("Advisory", "CVE-2021-43177")]
    [InlineData(0)]
    [InlineData(30)]
    public async Task Nothing_at_or_below_the_last_accepted_place_comes_back_by_any_path(int timeStep)
    {
        var clock = new Clock(Start);
        await using var server = await ServerUnderTest.StartAsync(new Dictionary<string, string?> { ["Interop:PrivacyIdea"] = "true", ["Validation:ResyncTriesPerHour"] = "60" }, time: clock);
        await server.AddTokenAsync("A1", Codes.Secret, user: "alice", timeStep: timeStep);
        string At(int place) => timeStep == 0 ? Codes.Hotp(Codes.Secret, place) : Codes.Totp(Codes.Secret, Start.AddSeconds(30 * (place - 5)));
        Assert.True(await server.AcceptsAsync("A1", At(5)));
        var counter = (await server.CounterAsync("A1")).Counter;
        var client = await server.Client(Roles.RelyingParty);
        var helpDesk = await server.Client(Roles.HelpDesk);
        for (var place = 1; place <= 5; place++)
        {
            Assert.False(await server.AcceptsAsync("A1", At(place)));
            using var facade = await client.PostAsJsonAsync("/validate/check", new { user = "alice", pass = At(place) }, Cancel);
            Assert.DoesNotContain("\"value\":true", await facade.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
            using var manual = await helpDesk.PostAsJsonAsync("/v1/tokens/A1/resync", new { codes = (string[])[At(place - 1), At(place)] }, Cancel);
            Assert.Equal(HttpStatusCode.UnprocessableEntity, manual.StatusCode);
            using var automatic = await client.PostAsJsonAsync("/token/resync", new { serial = "A1", otp1 = At(place - 1), otp2 = At(place) }, Cancel);
            Assert.DoesNotContain("\"value\":true", await automatic.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
            using var unlocked = await helpDesk.PostAsync("/v1/tokens/A1/unlock", null, Cancel);
        }

        Assert.Equal(counter, (await server.CounterAsync("A1")).Counter);
    }

    // OATH Toolkit: the code was OK although the counter was not written.
    [Theory]
    [Trait("Advisory", "CVE-2013-7322")]
    [InlineData("SELECT RAISE(IGNORE)")]
    [InlineData("SELECT RAISE(ABORT, 'disk')")]
    public async Task A_code_whose_counter_is_not_written_is_not_accepted_and_works_once_it_can_be(string fault)
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret);
        var client = await server.Client(Roles.RelyingParty);
        await ExecuteAsync(server, $"CREATE TRIGGER no_write BEFORE UPDATE ON token_counters BEGIN {fault}; END");
        using var refused = await client.PostAsJsonAsync("/v1/validate", new { serial = "A1", code = Codes.Hotp(Codes.Secret, 0) }, Cancel);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.NotNull(refused.Headers.RetryAfter);
        Assert.DoesNotContain("\"accepted\"", await refused.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
        await ExecuteAsync(server, "DROP TRIGGER no_write");
        Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 0)));
    }

    // Dovecot: a cache in front of the check let a code in again.
    [Fact]
    [Trait("Advisory", "CVE-2026-27855")]
    public async Task A_verdict_may_not_be_kept_and_a_suspension_holds_from_the_next_request()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret);
        var client = await server.Client(Roles.RelyingParty);
        using var first = await client.PostAsJsonAsync("/v1/validate", new { serial = "A1", code = Codes.Hotp(Codes.Secret, 0) }, Cancel);
        Assert.True(first.Headers.CacheControl!.NoStore);

        using var suspended = await (await server.Client(Roles.HelpDesk)).PostAsync("/v1/tokens/A1/suspend", null, Cancel);
        Assert.Equal(HttpStatusCode.OK, suspended.StatusCode);
        Assert.False(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 1)));
    }

    // pam-u2f: a fault on the way counted as "ignore", which let in.
    [Fact]
    [Trait("Advisory", "CVE-2025-23013")]
    public async Task A_result_that_nobody_set_is_a_refusal_and_a_damaged_secret_lets_nobody_in()
    {
        Assert.Equal(Outcome.Refused, default);
        Assert.Equal(TokenState.None, default);
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret);
        await server.WithDatabase(db => db.Tokens.ExecuteUpdateAsync(
            t => t.SetProperty(x => x.SealedSecret, server.Services.GetRequiredService<Sealer>().Seal(Codes.Secret, SealedPlace.TokenSecret("B2", generation: 1))), Cancel));
        using var reply = await (await server.Client(Roles.RelyingParty)).PostAsJsonAsync("/v1/validate", new { serial = "A1", code = Codes.Hotp(Codes.Secret, 0) }, Cancel);

        Assert.False(reply.IsSuccessStatusCode);
        Assert.Equal(0, (await server.CounterAsync("A1")).Counter);
    }

    private static Task<int> ExecuteAsync(ServerUnderTest server, string sql) => server.WithDatabase(db => db.Database.ExecuteSqlRawAsync(sql, Cancel));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
