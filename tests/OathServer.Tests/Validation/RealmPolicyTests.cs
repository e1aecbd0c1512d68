using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Access;
using OathServer.Backup;
using OathServer.Storage;

namespace OathServer.Tests.Validation;

public class RealmPolicyTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_realms_own_window_holds_at_once_in_that_realm_alone_and_after_a_restart()
    {
        var folder = Directory.CreateTempSubdirectory("oathserver-test-").FullName;
        await using (var server = await ServerUnderTest.StartAsync(folder: folder))
        {
            await server.AddTokenAsync("W1", Codes.Secret, realm: "works");
            await server.AddTokenAsync("D1", Codes.Secret);
            Assert.False(await server.AcceptsAsync("W1", Codes.Hotp(Codes.Secret, 20)));

            var set = await PutAsync(server, "works", new { lookAhead = 25 });

            Assert.Equal((25, 100, 1), (set.GetProperty("lookAhead").GetInt32(), set.GetProperty("resyncWindow").GetInt32(), set.GetProperty("version").GetInt32()));
            Assert.Equal(0.0026, set.GetProperty("chanceOfAGuess").GetDouble(), precision: 9);
            Assert.Contains("above the 0.11 %", set.GetProperty("warning").GetString(), StringComparison.Ordinal);
            Assert.True(await server.AcceptsAsync("W1", Codes.Hotp(Codes.Secret, 20)));
            Assert.False(await server.AcceptsAsync("D1", Codes.Hotp(Codes.Secret, 20)));
        }

        await using (var again = await ServerUnderTest.StartAsync(folder: folder))
        {
            Assert.True(await again.AcceptsAsync("W1", Codes.Hotp(Codes.Secret, 46)));
            Assert.False(await again.AcceptsAsync("D1", Codes.Hotp(Codes.Secret, 11)));
        }

        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_realms_throttle_and_resync_window_are_its_own()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("W1", Codes.Secret, realm: "works");
        await PutAsync(server, "works", new { resyncWindow = 300, fastFailures = 2, hardCap = 2 });
        var staff = await server.Client(Roles.HelpDesk);

        using (var two = await staff.PostAsJsonAsync("/v1/tokens/W1/resync", new { codes = CodesFrom(250, 2) }, Cancel))
        {
            Assert.Equal(HttpStatusCode.BadRequest, two.StatusCode);
            Assert.Contains("send 3 codes", await two.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
        }

        using (var three = await staff.PostAsJsonAsync("/v1/tokens/W1/resync", new { codes = CodesFrom(250, 3) }, Cancel))
        {
            three.EnsureSuccessStatusCode();
        }

        Assert.False(await server.AcceptsAsync("W1", "000000"));
        Assert.False(await server.AcceptsAsync("W1", "000001"));
        Assert.True((await server.CounterAsync("W1")).Flags.HasFlag(CounterFlags.Locked));
    }

    [Theory]
    [InlineData("{\"lookAhead\":51}", "lookAhead", "0 to 50")]
    [InlineData("{\"resyncWindow\":1001}", "resyncWindow", "2 to 1000")]
    [InlineData("{\"hardCap\":101}", "hardCap", "1 to 100")]
    [InlineData("{\"fastFailures\":10,\"hardCap\":9}", "fastFailures", "1 to the hard cap (9)")]
    [InlineData("{\"firstDelaySeconds\":0}", "firstDelaySeconds", "above zero")]
    public async Task What_is_out_of_bounds_is_refused_with_its_field_and_changes_nothing(string body, string field, string rule)
    {
        await using var server = await ServerUnderTest.StartAsync();
        var admin = await server.Client();

        using var reply = await admin.PutAsync("/v1/realms/works/policy", new StringContent(body, System.Text.Encoding.UTF8, "application/json"), Cancel);

        Assert.Equal(HttpStatusCode.BadRequest, reply.StatusCode);
        var problem = await reply.Content.ReadAsStringAsync(Cancel);
        Assert.Contains(field, problem, StringComparison.Ordinal);
        Assert.Contains(rule, problem, StringComparison.Ordinal);
        Assert.Equal(0, await server.WithDatabase(db => db.RealmPolicies.CountAsync(Cancel)));
    }

    [Fact]
    public async Task Each_change_is_in_the_trail_with_what_it_moved_and_of_two_editors_the_second_is_told()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var admin = await server.Client();
        await PutAsync(server, "works", new { version = 0, lookAhead = 5 });

        using (var late = await admin.PutAsJsonAsync("/v1/realms/works/policy", new { version = 0, lookAhead = 50 }, Cancel))
        {
            Assert.Equal(HttpStatusCode.Conflict, late.StatusCode);
        }

        Assert.Equal(2, (await PutAsync(server, "works", new { version = 1, lookAhead = 7 })).GetProperty("version").GetInt32());
        using (var gone = await admin.DeleteAsync("/v1/realms/works/policy", Cancel))
        {
            Assert.Equal(HttpStatusCode.NoContent, gone.StatusCode);
        }

        using (var none = await admin.DeleteAsync("/v1/realms/works/policy", Cancel))
        {
            Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);
        }

        var told = await server.WithDatabase(db => db.Audit.Where(e => e.Action.StartsWith("policy.")).OrderBy(e => e.Sequence).Select(e => e.Detail!).ToListAsync(Cancel));
        Assert.Equal(
            [
                "realm works: look-ahead 10 to 5; a guess hits with 1 in 1,667",
                "realm works: look-ahead 5 to 7; a guess hits with 1 in 1,250",
                "realm works follows the settings: look-ahead 7 to 10; a guess hits with 1 in 909",
            ],
            told);
        var holds = await admin.GetFromJsonAsync<JsonElement>("/v1/realms/works/policy", Cancel);
        Assert.Equal((10, 0), (holds.GetProperty("lookAhead").GetInt32(), holds.GetProperty("version").GetInt32()));
    }

    [Fact]
    public async Task A_restore_lets_no_time_step_back_in_that_the_widest_realm_would_accept()
    {
        var clock = new Clock(new DateTimeOffset(2026, 11, 25, 12, 0, 0, TimeSpan.Zero));
        await using var server = await ServerUnderTest.StartAsync(time: clock);
        await server.AddTokenAsync("T1", Codes.Secret, realm: "works", timeStep: 30);
        await PutAsync(server, "works", new { timeStepTolerance = 4 });

        await server.WithDatabase(db => server.Services.GetRequiredService<SafeState>().EnterAsync(db, Cancel));

        Assert.Equal((clock.Now.ToUnixTimeSeconds() / 30) + 5, (await server.CounterAsync("T1")).Counter);
    }

    private static string[] CodesFrom(int counter, int count) => [.. Enumerable.Range(counter, count).Select(c => Codes.Hotp(Codes.Secret, c))];

    private static async Task<JsonElement> PutAsync(ServerUnderTest server, string realm, object policy)
    {
        var admin = await server.Client();
        using var reply = await admin.PutAsJsonAsync($"/v1/realms/{realm}/policy", policy, Cancel);
        reply.EnsureSuccessStatusCode();
        return await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel);
    }
}
