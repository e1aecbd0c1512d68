using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Provisioning;
using OathServer.Storage;
using SecurityKeys.Cards;
using SecurityKeys.OathApplet;
using SecurityKeys.Piv;
using SecurityKeys.Virtual;

namespace OathServer.Tests.Provisioning;

/// <summary>A key that was somebody's, or is: seen again, given to somebody else, or refused.</summary>
public class ChangeOfHolderTests
{
    private const string Reader = "desk 1";
    private static readonly byte[] NextSecret = [.. "another secret, of 20"u8[..20]];

    [Fact]
    public async Task A_key_given_to_somebody_else_loses_the_earlier_credential_and_its_token_and_keeps_its_history()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var client = await server.Client();
        var key = await ProvisionAsync(server, "A1", "alice");
        await server.AddTokenAsync("B1", NextSecret, counter: 9, state: TokenState.Imported);

        var plan = await PostAsync(client, HttpStatusCode.OK, new { reader = Reader, serial = "B1", user = "bob", dryRun = true });
        Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 6)));
        var job = await PostAsync(client, HttpStatusCode.Created, new { reader = Reader, serial = "B1", user = "bob" });

        var step = plan.GetProperty("steps").EnumerateArray().Single(s => s.GetProperty("name").GetString() == "earlier-credential");
        Assert.Equal("Remove earlier credentials: delete OathServer:A1, retire token A1 of alice", step.GetProperty("what").GetString());
        Assert.Contains("The key passes from alice to bob.", plan.GetProperty("warnings").ToString(), StringComparison.Ordinal);
        Assert.Equal("confirmed", job.GetProperty("state").GetString());
        Assert.Equal(NextSecret, Assert.Single(key.Peek().Oath).Secret);
        Assert.False(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 7)));
        Assert.True(await server.AcceptsAsync("B1", Codes.Hotp(NextSecret, 10)));
        var record = await client.GetFromJsonAsync<JsonElement>($"/v1/records/{CuidOf(key)}", Cancel);
        Assert.Equal("bob", record.GetProperty("user").GetString());
        Assert.Equal(2, (await client.GetFromJsonAsync<JsonElement>($"/v1/provisioning?cuid={CuidOf(key)}", Cancel)).GetArrayLength());
        Assert.Equal(
            [("A1", "alice", TokenState.Disabled), ("B1", "bob", TokenState.Active)],
            await server.WithDatabase(async db => (await db.Tokens.Where(t => t.Cuid == CuidOf(key)).OrderBy(t => t.Serial)
                .Select(t => new { t.Serial, t.Person!.Name, t.Counter!.State }).ToListAsync(Cancel)).ConvertAll(t => (t.Serial, t.Name, t.State))));
        Assert.Equal("A1", await server.WithDatabase(db => db.Audit.Where(e => e.Action == "token.retire").Select(e => e.Serial).SingleAsync(Cancel)));
    }

    [Fact]
    public async Task A_key_that_is_handed_out_is_taken_from_its_holder_only_when_told()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var client = await server.Client();
        var key = await ProvisionAsync(server, "A1", "alice");
        await server.AddTokenAsync("B1", NextSecret, state: TokenState.Imported);
        using var handedOut = await client.PatchAsJsonAsync($"/v1/records/{CuidOf(key)}", new { status = "handed-out" }, Cancel);
        Assert.True(handedOut.IsSuccessStatusCode, await handedOut.Content.ReadAsStringAsync(Cancel));

        var refusal = await PostAsync(client, HttpStatusCode.UnprocessableEntity, new { reader = Reader, serial = "B1", user = "bob" });
        Assert.Contains("handed out to alice", refusal.GetProperty("title").GetString() + refusal.GetProperty("detail").GetString(), StringComparison.Ordinal);
        var same = await PostAsync(client, HttpStatusCode.UnprocessableEntity, new { reader = Reader, serial = "A1", user = "bob", force = true });
        Assert.Contains("may have kept codes", same.ToString(), StringComparison.Ordinal);
        Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 6)));

        await PostAsync(client, HttpStatusCode.Created, new { reader = Reader, serial = "B1", user = "bob", force = true });
        Assert.Equal(TokenState.Disabled, (await server.CounterAsync("A1")).State);
    }

    [Fact]
    public async Task A_job_given_up_before_it_wrote_leaves_key_and_token_with_the_earlier_holder()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var client = await server.Client();
        var key = await ProvisionAsync(server, "A1", "alice");
        await server.AddTokenAsync("B1", NextSecret, state: TokenState.Imported);
        foreach (var (serial, user) in ((string, string)[])[("B1", "bob"), ("A1", "alice")])
        {
            // After the job was opened and before its first secret: the look at the key takes some thirty commands.
            JsonElement job = default;
            for (var n = 20; job.ValueKind == JsonValueKind.Undefined; n++)
            {
                key.PullBefore(n);
                using var reply = await client.PostAsJsonAsync("/v1/provisioning", new { reader = Reader, serial, user }, Cancel);
                job = reply.StatusCode == HttpStatusCode.Created ? await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel) : default;
                _ = key.Connect();
            }

            using var abandoned = await client.PostAsJsonAsync($"/v1/provisioning/{job.GetProperty("id").GetGuid()}/abandon", new { }, Cancel);
            Assert.True(abandoned.IsSuccessStatusCode, await abandoned.Content.ReadAsStringAsync(Cancel));
            var record = await client.GetFromJsonAsync<JsonElement>($"/v1/records/{CuidOf(key)}", Cancel);
            Assert.Equal(("alice", "ready-for-handout"), (record.GetProperty("user").GetString(), record.GetProperty("status").GetString()));
        }

        Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 6)));
        Assert.Equal(TokenState.Imported, (await server.CounterAsync("B1")).State);
    }

    [Fact]
    public async Task A_key_with_foreign_credentials_is_refused_unless_told_and_then_keeps_them()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var client = await server.Client();
        await server.AddTokenAsync("A1", Codes.Secret, state: TokenState.Imported);
        var key = Plug(server, 71001);
        OathApplication.Select(key.Connect()).Put(new NewOathCredential("Other:me", OathType.Totp, OathAlgorithm.Sha1, 6, 0, false), NextSecret);

        var refusal = await PostAsync(client, HttpStatusCode.UnprocessableEntity, new { reader = Reader, serial = "A1", user = "alice" });
        Assert.Contains("Other:me", refusal.ToString(), StringComparison.Ordinal);
        Assert.Empty(await server.WithDatabase(db => db.Jobs.ToListAsync(Cancel)));

        await PostAsync(client, HttpStatusCode.Created, new { reader = Reader, serial = "A1", user = "alice", force = true });
        Assert.Equal(["OathServer:A1", "Other:me"], key.Peek().Oath.Select(c => c.Name).Order());
    }

    [Theory]
    [InlineData("5.4.3", true, true)]
    [InlineData("5.4.3", false, false)]
    [InlineData("5.2.7", true, true)]
    public async Task An_unknown_pin_or_puk_is_refused_and_no_guess_is_spent_on_it(string firmware, bool ownPuk, bool force)
    {
        await using var server = await ServerUnderTest.StartAsync();
        var client = await server.Client();
        await server.AddTokenAsync("A1", Codes.Secret, state: TokenState.Imported);
        var key = Plug(server, 71001, firmware);
        Assert.True(PivApplication.Select(key.Connect()).ChangePin(PivApplication.FactoryPin, "739164"u8).Accepted);
        if (ownPuk)
        {
            Assert.True(PivApplication.Select(key.Connect()).ChangePuk(PivApplication.FactoryPuk, "73916482"u8).Accepted);
        }

        using var reply = await client.PostAsJsonAsync("/v1/provisioning", new { reader = Reader, serial = "A1", user = "alice", force }, Cancel);
        var said = await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel);

        var piv = key.Peek().Piv;
        // What a key says of itself is believed; one that cannot tell costs at most one try, and its job waits in words.
        var spent = piv.PinTriesTotal - piv.PinTriesLeft + piv.PukTriesTotal - piv.PukTriesLeft;
        Assert.True(spent <= (firmware == "5.2.7" ? 1 : 0), $"{spent} tries were spent: {said}");
        Assert.True(reply.StatusCode == HttpStatusCode.UnprocessableEntity
            || (firmware == "5.2.7" && said.GetProperty("trouble").GetString()!.Contains("No further try", StringComparison.Ordinal)), said.ToString());
        Assert.Equal("739164"u8.ToArray(), piv.Pin);
    }

    [Fact]
    public async Task A_seed_that_was_staged_is_forgotten_when_the_key_is_provisioned_anew()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var client = await server.Client();
        var key = await ProvisionAsync(server, "A1", "alice");
        // The new seed is on the key; its first code is not seen by the server.
        key.PullAfter(CommandsToPutASeed(key.Options));
        using var cut = await client.PostAsJsonAsync("/v1/tokens/A1/reseed", new { reader = Reader }, Cancel);
        Assert.Single(await server.WithDatabase(db => db.PendingSeeds.ToListAsync(Cancel)));
        _ = key.Connect();
        var staged = key.Peek().Oath.Single();

        await PostAsync(client, HttpStatusCode.Created, new { reader = Reader, serial = "A1", user = "alice" });

        Assert.Empty(await server.WithDatabase(db => db.PendingSeeds.ToListAsync(Cancel)));
        Assert.False(await server.AcceptsAsync("A1", Codes.Hotp(staged.Secret, staged.MovingFactor)));
        Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, key.Peek().Oath.Single().MovingFactor)));
    }

    /// <summary>Commands of a reseed up to and with the one that puts the new seed, counted on a key of the same kind.</summary>
    private static int CommandsToPutASeed(VirtualKeyOptions options)
    {
        var key = new VirtualKey(options);
        _ = CuidReading.Offered(key.Connect());
        _ = OathApplication.Select(key.Connect()).List();
        _ = OathApplication.Select(key.Connect());
        return key.ApduCount + 1;
    }

    private static async Task<VirtualKey> ProvisionAsync(ServerUnderTest server, string serial, string user)
    {
        await server.AddTokenAsync(serial, Codes.Secret, counter: 5, state: TokenState.Imported);
        var key = Plug(server, 71001);
        await PostAsync(await server.Client(), HttpStatusCode.Created, new { reader = Reader, serial, user });
        return key;
    }

    private static async Task<JsonElement> PostAsync(HttpClient client, HttpStatusCode expected, object request)
    {
        using var reply = await client.PostAsJsonAsync("/v1/provisioning", request, Cancel);
        var body = await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        Assert.True(reply.StatusCode == expected, $"{reply.StatusCode}: {body}");
        return body;
    }

    private static VirtualKey Plug(ServerUnderTest server, uint serial, string firmware = "5.4.3")
    {
        var key = new VirtualKey(new VirtualKeyOptions { Serial = serial, Firmware = Version.Parse(firmware) });
        server.Services.GetRequiredService<KeyReaders>().Plug(Reader, KeyReaders.VirtualKind, key.Connect);
        return key;
    }

    private static string CuidOf(VirtualKey key) => Cuid.FromSerial(key.Options.Serial).Text;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
