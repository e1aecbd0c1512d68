using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.EntityFrameworkCore;
using OathServer.Storage;

namespace OathServer.Tests.Provisioning;

/// <summary>What happens to a key of another make after it was provisioned: reseeded, drilled, refused in words.</summary>
public sealed partial class ExternalKeyTests
{
    [Fact]
    public async Task It_is_reseeded_by_its_initial_PIN_before_handout_and_by_its_holder_s_after_it()
    {
        await using var server = await StartAsync();
        var client = await ProvisionedAsync(server);
        var first = Seed();

        var (before, done) = await ReseedAsync(client);
        Assert.Equal((HttpStatusCode.OK, "switched"), (before, done.GetProperty("state").GetString()));
        var second = Seed();
        await server.WithDatabase(db => db.Records.ExecuteUpdateAsync(
            r => r.SetProperty(x => x.SealedPin, (byte[]?)null).SetProperty(x => x.Status, KeyStatus.HandedOut), Cancel));
        Change(k => (k["pin"], k["forcePinChange"]) = ("918273", false));

        var (without, asked) = await ReseedAsync(client);
        var (wrong, left) = await ReseedAsync(client, "111111");
        var unwritten = Seed();
        var (right, switched) = await ReseedAsync(client, "918273");

        Assert.Equal(HttpStatusCode.UnprocessableEntity, without);
        Assert.Contains("its initial PIN was handed out", asked.ToString(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, wrong);
        Assert.Contains("refused the PIN; 4 tries are left", left.ToString(), StringComparison.Ordinal);
        Assert.Equal(second, unwritten);
        Assert.Equal((HttpStatusCode.OK, "switched"), (right, switched.GetProperty("state").GetString()));
        Assert.Equal(3, new[] { first, second, Seed() }.Distinct().Count());
        Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Convert.FromHexString(Seed()), 1)));
        Assert.False(await server.AcceptsAsync("A1", Codes.Hotp(Convert.FromHexString(second), 1)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_reseed_whose_driver_ends_in_the_middle_leaves_a_pair_that_works_and_is_sent_again(bool answerLost)
    {
        await using var server = await StartAsync();
        var client = await ProvisionedAsync(server);

        var cuts = 0;
        for (var n = 1; ; n++)
        {
            File.Delete(State + ".count");
            Faults(new { dieAt = n, after = answerLost });
            var (_, reply) = await ReseedAsync(client);
            Faults(new { });
            if (reply.TryGetProperty("state", out var state) && state.GetString() == "switched")
            {
                break;
            }

            cuts++;
            var counter = (long)Key().GetProperty("oath").EnumerateObject().Single().Value.GetProperty("counter").GetInt32();
            Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Convert.FromHexString(Seed()), counter)), $"cut at command {n}: the key's next code is refused");
            Change(k => k["oath"]!.AsObject().Single().Value!["counter"] = counter + 1);
        }

        Assert.True(cuts >= 4, $"only {cuts} cut points were walked");
    }

    [Fact]
    public async Task It_is_drilled_by_its_PUK_still_insists_on_a_new_PIN_and_a_PUK_that_is_refused_puts_it_in_doubt()
    {
        await using var server = await StartAsync();
        var client = await ProvisionedAsync(server);

        var worked = await DrillAsync(client);

        Assert.Equal("worked", worked.GetProperty("outcome").GetString());
        Assert.NotNull(await server.WithDatabase(db => db.Records.Select(r => r.PukDrilledAt).SingleAsync(Cancel)));
        await AssertKnownAsync(server, isForced: true);

        Change(k => k["puk"] = "9999999999999999");
        var refused = await DrillAsync(client);

        Assert.Equal("refused", refused.GetProperty("outcome").GetString());
        Assert.Equal(KeyStatus.InDoubt, await server.WithDatabase(db => db.Records.Select(r => r.Status).SingleAsync(Cancel)));
        Assert.Equal(4, Key().GetProperty("pukTries").GetInt32());
    }

    [Fact]
    public async Task What_its_driver_cannot_do_is_refused_with_the_reason_and_changes_nothing()
    {
        Faults(new { without = new[] { "oath-put", "oath-code", "pin-unblock", "force-pin-change" } });
        await using var server = await StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, counter: 7, state: TokenState.Imported);
        var client = await ClientAsync(server);
        var job = await ProvisionAsync(client, "A1");
        using var confirmed = await client.PostAsJsonAsync(
            $"/v1/provisioning/{job.GetProperty("id").GetGuid()}/resume", new { code = Codes.Hotp(Codes.Secret, 7) }, Cancel);
        var before = File.ReadAllText(State);

        var (status, reseed) = await ReseedAsync(client);
        var drill = await DrillAsync(client);

        Assert.Equal(HttpStatusCode.UnprocessableEntity, status);
        Assert.Contains("cannot write credentials (it has no oath-put)", reseed.ToString(), StringComparison.Ordinal);
        Assert.Equal("not-tried", drill.GetProperty("outcome").GetString());
        Assert.Contains("has no pin-unblock", drill.GetProperty("why").GetString(), StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllText(State));
    }

    private static async Task<HttpClient> ProvisionedAsync(ServerUnderTest server)
    {
        await server.AddTokenAsync("A1", Codes.Secret, state: TokenState.Imported);
        var client = await ClientAsync(server);
        Assert.Equal("confirmed", StateOf(await ProvisionAsync(client, "A1")));
        return client;
    }

    private string Seed() => Key().GetProperty("oath").EnumerateObject().Single().Value.GetProperty("secret").GetString()!;

    /// <summary>Somebody else does something to the key.</summary>
    private void Change(Action<JsonNode> change)
    {
        var key = JsonNode.Parse(File.ReadAllText(State))!;
        change(key);
        File.WriteAllText(State, key.ToJsonString());
    }

    private static async Task<(HttpStatusCode Status, JsonElement Reply)> ReseedAsync(HttpClient client, string? pin = null)
    {
        using var reply = await client.PostAsJsonAsync("/v1/tokens/A1/reseed", new { reader = Reader, pin }, Cancel);
        return (reply.StatusCode, await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel));
    }

    private static async Task<JsonElement> DrillAsync(HttpClient client)
    {
        using var reply = await client.PostAsJsonAsync("/v1/drills", new { readers = new[] { Reader } }, Cancel);
        return (await reply.Content.ReadFromJsonAsync<List<JsonElement>>(Cancel))!.Single();
    }
}
