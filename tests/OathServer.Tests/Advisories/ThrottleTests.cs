using System.Net;
using System.Net.Http.Json;
using OathServer.Access;
using OathServer.Storage;

namespace OathServer.Tests.Advisories;

/// <summary>Where peers' limits on guessing could be walked around.</summary>
public class ThrottleTests
{
    private static readonly DateTimeOffset Start = new(2026, 11, 25, 9, 0, 0, TimeSpan.Zero);

    // Vault, OpenBao: the limit was counted by the text of the request, so other writing started it again.
    [Fact]
    [Trait("Advisory", "CVE-2025-6015")]
    [Trait("Advisory", "CVE-2025-55003")]
    [Trait("Advisory", "CVE-2025-6014")]
    [Trait("Advisory", "CVE-2025-55000")]
    public async Task A_code_in_other_writing_is_neither_looked_at_nor_a_way_around_the_throttle()
    {
        await using var server = await ServerUnderTest.StartAsync(time: new Clock(Start));
        await server.AddTokenAsync("A1", Codes.Secret);
        var client = await server.Client(Roles.RelyingParty);
        var code = Codes.Hotp(Codes.Secret, 0);
        for (var i = 0; i < 5; i++)
        {
            Assert.False(await server.AcceptsAsync("A1", "000000"));
        }

        foreach (var variant in (string[])[" " + code, code + " ", code.Insert(3, " "), code + "\t", code + "\u00a0", "+" + code, code + "\n", "0" + code, Wide(code), Arabic(code)])
        {
            using var reply = await client.PostAsJsonAsync("/v1/validate", new { serial = "A1", code = variant }, Cancel);
            Assert.DoesNotContain("true", await reply.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
        }

        Assert.Equal((0L, 5), await PlaceAsync(server, "A1"));
    }

    // Vault: aliases and case variants of a user each had failures of their own.
    [Fact]
    [Trait("Advisory", "CVE-2025-6004")]
    [Trait("Advisory", "CVE-2025-6010")]
    public async Task Case_variants_of_a_user_share_one_count_and_another_composition_is_nobody()
    {
        await using var server = await ServerUnderTest.StartAsync(time: new Clock(Start));
        await server.AddTokenAsync("A1", Codes.Secret, user: "René");
        var client = await server.Client(Roles.RelyingParty);
        foreach (var user in (string[])["René", "RENÉ", "Rene\u0301", "RENE\u0301", "rené", "reNé", "RenÉ"])
        {
            using var reply = await client.PostAsJsonAsync("/v1/validate", new { user, code = "000000" }, Cancel);
            Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        }

        Assert.Equal(5, (await PlaceAsync(server, "A1")).Failures);
        using var composed = await client.PostAsJsonAsync("/v1/validate", new { user = "Rene\u0301", code = Codes.Hotp(Codes.Secret, 0) }, Cancel);
        Assert.Contains("false", await composed.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
        using var late = await client.PostAsJsonAsync("/v1/validate", new { user = "rEnÉ", code = Codes.Hotp(Codes.Secret, 0) }, Cancel);
        Assert.Contains("false", await late.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
    }

    // Keycloak: failures were counted after the check, so a burst got through.
    [Fact]
    [Trait("Advisory", "CVE-2024-4629")]
    public async Task The_right_code_within_a_burst_after_the_limit_is_refused()
    {
        await using var server = await ServerUnderTest.StartAsync(time: new Clock(Start));
        for (var repeat = 0; repeat < 10; repeat++)
        {
            var serial = $"A{repeat}";
            await server.AddTokenAsync(serial, Codes.Secret);
            await Task.WhenAll(Enumerable.Range(0, 200).Select(i => server.AcceptsAsync(serial, $"{(repeat * 200) + i:D6}")));
            Assert.False(await server.AcceptsAsync(serial, Codes.Hotp(Codes.Secret, 0)));
            Assert.Equal((0L, 5), await PlaceAsync(server, serial));
        }
    }

    // Keycloak 46164: a temporary lock alone let a code be guessed over weeks.
    [Fact]
    [Trait("Advisory", "keycloak/46164")]
    public async Task A_patient_guesser_gets_a_hundred_tries_and_then_only_help_desk_opens()
    {
        var clock = new Clock(Start);
        await using var server = await ServerUnderTest.StartAsync(time: clock);
        await server.AddTokenAsync("A1", Codes.Secret);
        for (var i = 0; i < 110; i++)
        {
            await server.AcceptsAsync("A1", "000000");
            clock.Now += TimeSpan.FromMinutes(16);
        }

        var row = await server.CounterAsync("A1");
        Assert.Equal((100, CounterFlags.Locked), (row.Failures, row.Flags & CounterFlags.Locked));
        clock.Now += TimeSpan.FromDays(365);
        Assert.False(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 0)));
        using var unlocked = await (await server.Client(Roles.HelpDesk)).PostAsync("/v1/tokens/A1/unlock", null, Cancel);
        Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 0)));
    }

    private static string Wide(string code) => string.Concat(code.Select(c => (char)('０' + (c - '0'))));

    private static string Arabic(string code) => string.Concat(code.Select(c => (char)('٠' + (c - '0'))));

    private static async Task<(long Counter, int Failures)> PlaceAsync(ServerUnderTest server, string serial)
    {
        var row = await server.CounterAsync(serial);
        return (row.Counter, row.Failures);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
