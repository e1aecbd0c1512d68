using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Access;
using OathServer.Storage;

namespace OathServer.Tests.Validation;

public class GuessingTests
{
    private static readonly DateTimeOffset Start = new(2026, 11, 25, 9, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task One_code_tried_on_ten_users_raises_an_alarm_and_is_then_refused_unseen_until_the_alarm_is_over()
    {
        var clock = new Clock(Start);
        await using var server = await ServerUnderTest.StartAsync(time: clock);
        var code = Codes.Hotp(Codes.Secret, 0);
        for (var i = 0; i < 10; i++)
        {
            await server.AddTokenAsync($"B{i}", [.. Codes.Secret, (byte)(i + 1)], user: $"user{i}");
            Assert.False(await server.AcceptsAsync($"B{i}", code));
        }

        // The one token that this code would open.
        await server.AddTokenAsync("A1", Codes.Secret);
        Assert.False(await server.AcceptsAsync("A1", code));
        Assert.Equal((0L, 0), await PlaceAsync(server, "A1"));
        Assert.Single(await server.WithDatabase(db => db.Audit.Where(e => e.Action == "validation.guessing").ToListAsync(Cancel)));

        Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 1)));
        clock.Now += TimeSpan.FromMinutes(11);
        Assert.False(await server.AcceptsAsync("A1", code));
        Assert.Equal((2L, 1), await PlaceAsync(server, "A1"));
    }

    [Fact]
    public async Task Many_users_failing_through_one_relying_party_raise_one_alarm()
    {
        var settings = new Dictionary<string, string?> { ["Validation:FailingSubjectsPerMinute"] = "20", ["Validation:GuessingDelay"] = "00:00:00.001" };
        await using var server = await ServerUnderTest.StartAsync(settings, time: new Clock(Start));
        for (var i = 0; i < 40; i++)
        {
            Assert.False(await server.AcceptsAsync($"none{i}", $"{i:D6}"));
        }

        var alarm = Assert.Single(await server.WithDatabase(db => db.Audit.Where(e => e.Action == "validation.guessing").ToListAsync(Cancel)));
        Assert.Contains("20 users or tokens", alarm.Detail, StringComparison.Ordinal);
    }

    // GHSA-74r7-3mjm-jc5v: an unknown user raised the failures of every token of a realm.
    [Theory]
    [InlineData("nobody")]
    [InlineData("*")]
    [InlineData("%")]
    [InlineData("_lice")]
    [InlineData("alice\0")]
    [InlineData("alice' OR '1'='1")]
    public async Task An_unknown_or_wildcard_user_changes_no_row(string user)
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, user: "alice");
        await server.AddTokenAsync("A2", [.. Codes.Secret, 1], user: "bob");
        var before = await DumpAsync(server);
        var client = await server.Client(Roles.RelyingParty);

        using var reply = await client.PostAsJsonAsync("/v1/validate", new { user, code = "000000" }, Cancel);

        Assert.True(reply.StatusCode is HttpStatusCode.OK or HttpStatusCode.BadRequest);
        Assert.Equal(before, await DumpAsync(server));
    }

    [Fact]
    public async Task Nobody_without_a_relying_partys_key_can_raise_a_tokens_failures()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, user: "alice");
        var before = await DumpAsync(server);
        foreach (var role in (string?[])[null, Roles.HelpDesk, Roles.Auditor, Roles.Provisioner])
        {
            using var reply = await (await server.Client(role)).PostAsJsonAsync("/v1/validate", new { user = "alice", code = "000000" }, Cancel);
            Assert.True(reply.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden);
        }

        Assert.Equal(before, await DumpAsync(server));
    }

    [Fact]
    public async Task A_users_wrong_code_is_counted_once_however_many_keys_they_have()
    {
        await using var server = await ServerUnderTest.StartAsync();
        for (var i = 0; i < 3; i++)
        {
            await server.AddTokenAsync($"A{i}", [.. Codes.Secret, (byte)(i + 1)], user: "alice");
        }

        using var reply = await (await server.Client(Roles.RelyingParty)).PostAsJsonAsync("/v1/validate", new { user = "alice", code = "000000" }, Cancel);

        Assert.Equal(1, await server.WithDatabase(db => db.Counters.SumAsync(c => c.Failures, Cancel)));
    }

    [Fact]
    public async Task A_token_has_six_resynchronisations_an_hour_even_for_help_desk()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret);
        var helpDesk = await server.Client(Roles.HelpDesk);
        var reasons = new List<string>();
        for (var i = 0; i < 7; i++)
        {
            using var reply = await helpDesk.PostAsJsonAsync("/v1/tokens/A1/resync", new { codes = (string[])["000000", "000000"] }, Cancel);
            reasons.Add((await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("reason").GetString()!);
        }

        Assert.Equal([.. Enumerable.Repeat("first-code-not-found", 6), "throttled"], reasons);
    }

    [Fact]
    public async Task Unknown_user_wrong_code_throttled_locked_and_suspended_get_the_same_bytes_and_headers()
    {
        await using var server = await ServerUnderTest.StartAsync(time: new Clock(Start));
        await server.AddTokenAsync("wrong", Codes.Secret);
        await server.AddTokenAsync("suspended", Codes.Secret, state: TokenState.Suspended);
        await server.AddTokenAsync("throttled", Codes.Secret);
        for (var i = 0; i < 5; i++)
        {
            await server.AcceptsAsync("throttled", "000000");
        }

        await server.AddTokenAsync("locked", Codes.Secret);
        await server.WithDatabase(db => db.Counters.Where(c => c.TokenId == db.Tokens.Single(t => t.Serial == "locked").Id)
            .ExecuteUpdateAsync(c => c.SetProperty(x => x.Flags, CounterFlags.Locked), Cancel));
        await server.AddTokenAsync("replayed", Codes.Secret);
        Assert.True(await server.AcceptsAsync("replayed", Codes.Hotp(Codes.Secret, 0)));

        var answers = new List<string>();
        foreach (var serial in (string[])["wrong", "suspended", "throttled", "locked", "replayed", "unknown"])
        {
            var client = await server.Client(Roles.RelyingParty);
            using var reply = await client.PostAsJsonAsync("/v1/validate", new { serial, code = Codes.Hotp(Codes.Secret, serial == "wrong" ? 999 : 0) }, Cancel);
            reply.Headers.Date = null;
            answers.Add($"{(int)reply.StatusCode}\n{reply.Headers}\n{reply.Content.Headers}\n{await reply.Content.ReadAsStringAsync(Cancel)}");
        }

        Assert.Single(answers.Distinct());
    }

    private static async Task<(long, int)> PlaceAsync(ServerUnderTest server, string serial)
    {
        var row = await server.CounterAsync(serial);
        return (row.Counter, row.Failures);
    }

    private static Task<string> DumpAsync(ServerUnderTest server) => server.WithDatabase(async db => JsonSerializer.Serialize(new
    {
        Counters = await db.Counters.AsNoTracking().OrderBy(c => c.TokenId).ToListAsync(Cancel),
        Tokens = await db.Tokens.AsNoTracking().CountAsync(Cancel),
        People = await db.People.AsNoTracking().CountAsync(Cancel),
    }));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
