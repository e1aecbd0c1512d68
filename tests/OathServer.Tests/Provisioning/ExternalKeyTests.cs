using System.Net;
using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Provisioning.Steps;
using OathServer.Secrets;
using OathServer.Storage;

namespace OathServer.Tests.Provisioning;

/// <summary>A key of another make, driven by the sample script, as a key of the workflow.</summary>
public sealed partial class ExternalKeyTests : IDisposable
{
    private const string Reader = "acme: Sample Enterprise Key 0";
    private readonly string folder = Directory.CreateTempSubdirectory("external-key-").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task One_request_gives_it_a_PUK_of_16_digits_a_forced_PIN_change_and_a_credential_that_agrees()
    {
        await using var server = await StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, counter: 5_000_000_000, state: TokenState.Imported);
        var client = await ClientAsync(server);

        var readers = await client.GetFromJsonAsync<JsonElement>("/v1/readers", Cancel);
        var job = await ProvisionAsync(client, "A1");

        Assert.Contains(readers.EnumerateArray(), r => r.GetProperty("name").GetString() == Reader && r.GetProperty("kind").GetString() == "driver");
        Assert.Equal("confirmed", StateOf(job));
        Assert.Equal(5_000_000_001, (await server.CounterAsync("A1")).Counter);
        Assert.Equal(TokenState.Active, (await server.CounterAsync("A1")).State);
        await AssertKnownAsync(server, isForced: true);
        Assert.Equal(16, Key().GetProperty("puk").GetString()!.Length);
        var gaps = await client.GetFromJsonAsync<JsonElement>("/v1/readiness", Cancel);
        Assert.True(gaps.GetProperty("readyForHandout").GetBoolean(), gaps.ToString());
        Assert.Equal(("4790A1B2C3D4E5F60718", "External"), await server.WithDatabase(async db =>
        {
            var record = await db.Records.SingleAsync(Cancel);
            return (record.Cuid, record.CuidSource);
        }));
    }

    [Fact]
    public async Task A_dry_run_shows_the_plan_and_asks_the_key_for_nothing_but_its_properties()
    {
        await using var server = await StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, state: TokenState.Imported);
        var client = await ClientAsync(server);

        using var reply = await client.PostAsJsonAsync("/v1/provisioning", new { reader = Reader, profile = "acme", serial = "A1", dryRun = true }, Cancel);

        var plan = await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        Assert.True(plan.GetProperty("possible").GetBoolean(), plan.ToString());
        Assert.Equal(["puk", "oath", "fido", "pin", "first-code", "force-pin-change", "earlier-credential", "record"],
            plan.GetProperty("steps").EnumerateArray().Select(s => s.GetProperty("name").GetString()));
        Assert.False(File.Exists(State), "the sample writes its state when something changes");
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public async Task A_driver_that_ends_at_any_command_is_made_up_for_by_resuming(bool answerLost, bool canUnblock)
    {
        var without = canUnblock ? Array.Empty<string>() : ["pin-unblock"];
        Faults(new { without });
        await using var server = await StartAsync();
        var client = await ClientAsync(server);
        var cuts = 0;
        for (var n = 3; ; n++) // 1 and 2: the look before anything is written
        {
            await server.WithDatabase(db => db.Tokens.ExecuteDeleteAsync(Cancel));
            await server.WithDatabase(async db => await db.Jobs.ExecuteDeleteAsync(Cancel) + await db.Records.ExecuteDeleteAsync(Cancel));
            await server.AddTokenAsync($"A{n}", Codes.Secret, counter: 5, state: TokenState.Imported);
            File.Delete(State);
            File.Delete(State + ".count");
            Faults(new { without, dieAt = n, after = answerLost });

            var job = await ProvisionAsync(client, $"A{n}");
            if (StateOf(job) == "confirmed")
            {
                break;
            }

            cuts++;
            Assert.False(await server.AcceptsAsync($"A{n}", Codes.Hotp(Codes.Secret, 5)), "a token being provisioned is refused");
            using var resumed = await client.PostAsJsonAsync($"/v1/provisioning/{job.GetProperty("id").GetGuid()}/resume", new { }, Cancel);
            job = await resumed.Content.ReadFromJsonAsync<JsonElement>(Cancel);
            Assert.True(job.TryGetProperty("state", out _) && StateOf(job) == "confirmed", $"cut at command {n}: {job}");
            await AssertKnownAsync(server, isForced: true);
        }

        Assert.True(cuts >= 10, $"only {cuts} cut points were walked");
    }

    [Fact]
    public async Task A_driver_that_cannot_write_credentials_leaves_the_maker_s_and_the_operator_types_the_first_code()
    {
        Faults(new { without = new[] { "oath-put", "oath-code", "pin-unblock", "force-pin-change" } });
        await using var server = await StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, counter: 7, state: TokenState.Imported);
        var client = await ClientAsync(server);

        var job = await ProvisionAsync(client, "A1");
        Assert.Contains("Let the key show a code", job.GetProperty("trouble").GetString(), StringComparison.Ordinal);
        var id = job.GetProperty("id").GetGuid();
        using var wrong = await client.PostAsJsonAsync($"/v1/provisioning/{id}/resume", new { code = "000000" }, Cancel);
        var stopped = await wrong.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        using var right = await client.PostAsJsonAsync($"/v1/provisioning/{id}/resume", new { code = Codes.Hotp(Codes.Secret, 7) }, Cancel);

        Assert.Equal("open", StateOf(stopped));
        Assert.Equal("confirmed", StateOf(await right.Content.ReadFromJsonAsync<JsonElement>(Cancel)));
        Assert.Equal(8, (await server.CounterAsync("A1")).Counter);
        await AssertKnownAsync(server, isForced: false);
    }

    [Fact]
    public async Task A_key_in_use_is_provisioned_again_by_the_PUK_of_its_record_whatever_PIN_its_holder_chose()
    {
        await using var server = await StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, state: TokenState.Imported);
        var client = await ClientAsync(server);
        Assert.Equal("confirmed", StateOf(await ProvisionAsync(client, "A1")));
        var first = Key().GetProperty("puk").GetString();
        File.WriteAllText(State, File.ReadAllText(State).Replace(Key().GetProperty("pin").GetString()!, "918273", StringComparison.Ordinal));

        var job = await ProvisionAsync(client, "A1");

        Assert.True(StateOf(job) == "confirmed", job.ToString());
        await AssertKnownAsync(server, isForced: true);
        Assert.NotEqual(first, Key().GetProperty("puk").GetString());
        Assert.Equal(5, Key().GetProperty("pinTries").GetInt32());
    }

    [Fact]
    public async Task A_PUK_of_other_characters_is_derived_and_revealed_as_the_key_has_it()
    {
        Faults(new { rules = new { puk = new { min = 8, max = 20, alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789" } } });
        await using var server = await StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, state: TokenState.Imported);
        var client = await ClientAsync(server, new { puk = new { strategy = "derived" } });

        Assert.Equal("confirmed", StateOf(await ProvisionAsync(client, "A1")));

        var puk = Key().GetProperty("puk").GetString()!;
        Assert.Matches("^[A-HJ-NP-Z2-9]{20}$", puk);
        using var reveal = await client.PostAsJsonAsync("/v1/records/4790A1B2C3D4E5F60718/puk/reveal", new { reason = "the holder forgot the PIN" }, Cancel);
        Assert.Equal(puk, (await reveal.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("puk").GetString());
    }

    [Fact]
    public async Task A_foreign_PIN_costs_one_try_once_and_a_foreign_PUK_none()
    {
        await using var server = await StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, state: TokenState.Imported);
        var client = await ClientAsync(server);
        File.WriteAllText(State, """{"pin":"271828"}""");

        var job = await ProvisionAsync(client, "A1");
        using var again = await client.PostAsJsonAsync($"/v1/provisioning/{job.GetProperty("id").GetGuid()}/resume", new { }, Cancel);

        Assert.Contains("is not the one the key came with", job.GetProperty("trouble").GetString(), StringComparison.Ordinal);
        Assert.NotEqual("confirmed", StateOf(await again.Content.ReadFromJsonAsync<JsonElement>(Cancel)));
        Assert.Equal(4, Key().GetProperty("pinTries").GetInt32());
    }

    [Fact]
    public async Task What_the_make_does_not_take_is_refused_before_anything_is_written()
    {
        await using var server = await StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, state: TokenState.Imported);
        var client = await ClientAsync(server, new { puk = new { digits = 8 }, pin = new { digits = 4 } });

        using var reply = await client.PostAsJsonAsync("/v1/provisioning", new { reader = Reader, profile = "acme", serial = "A1" }, Cancel);

        Assert.Equal(HttpStatusCode.UnprocessableEntity, reply.StatusCode);
        var problem = await reply.Content.ReadAsStringAsync(Cancel);
        Assert.Contains("a PUK of 8 characters; this key takes 16", problem, StringComparison.Ordinal);
        Assert.Contains("a PIN of 4 characters; this key takes 6 to 8", problem, StringComparison.Ordinal);
        Assert.False(File.Exists(State));
    }

    private string State => Path.Combine(folder, "key.json");

    private void Faults(object faults) => File.WriteAllText(State + ".faults", JsonSerializer.Serialize(faults));

    private JsonElement Key() => JsonDocument.Parse(File.ReadAllText(State)).RootElement;

    private Task<ServerUnderTest> StartAsync() => ServerUnderTest.StartAsync(new Dictionary<string, string?>
    {
        ["KeyDrivers:0:Name"] = "acme",
        ["KeyDrivers:0:Program"] = "python3",
        ["KeyDrivers:0:Arguments:0"] = Beside("cut-driver.py"),
        ["KeyDrivers:0:Arguments:1"] = Beside("../../../samples/external-driver/enterprise-key.py"),
        ["KeyDrivers:0:Arguments:2"] = State,
    });

    private static string Beside(string name, [CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, name));

    private static async Task<HttpClient> ClientAsync(ServerUnderTest server, object? decisions = null)
    {
        var client = await server.Client();
        using var made = await client.PutAsJsonAsync("/v1/profiles/acme", new { version = 0, decisions = decisions ?? new { pin = new { strategy = "forced-change" } } }, Cancel);
        Assert.True(made.IsSuccessStatusCode, await made.Content.ReadAsStringAsync(Cancel));
        return client;
    }

    private static async Task<JsonElement> ProvisionAsync(HttpClient client, string serial)
    {
        using var reply = await client.PostAsJsonAsync("/v1/provisioning", new { reader = Reader, profile = "acme", serial, user = "alice" }, Cancel);
        var job = await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        Assert.True(reply.IsSuccessStatusCode, job.ToString());
        return job;
    }

    private static string? StateOf(JsonElement job) => job.GetProperty("state").GetString();

    /// <summary>What is on the key is what the record says.</summary>
    private async Task AssertKnownAsync(ServerUnderTest server, bool isForced)
    {
        var (record, puk) = await server.WithDatabase(async db =>
        {
            var found = await db.Records.SingleAsync(Cancel);
            return (found, await server.Services.GetRequiredService<KeySecrets>().PukOfAsync(db, found, Cancel));
        });
        var pin = server.Services.GetRequiredService<Sealer>().Open(record.SealedPin!, SealedPlace.RecordPin(record.Cuid));
        Assert.Equal(KeyStatus.ReadyForHandout, record.Status);
        Assert.Equal(Encoding.ASCII.GetString(puk!), Key().GetProperty("puk").GetString());
        Assert.Equal(Encoding.ASCII.GetString(pin), Key().GetProperty("pin").GetString());
        Assert.Equal(isForced, Key().GetProperty("forcePinChange").GetBoolean());
        Assert.Equal(isForced ? PinMethod.ForcedChange : PinMethod.UniqueInitial, record.PinMethod);
        Assert.Equal(5, Key().GetProperty("pinTries").GetInt32());
    }
}
