using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Audit;
using OathServer.Provisioning;
using OathServer.Provisioning.Proof;
using OathServer.Provisioning.Puk;
using OathServer.Storage;
using SecurityKeys.Cards;
using SecurityKeys.Piv;
using SecurityKeys.Virtual;

namespace OathServer.Tests.Provisioning;

public class ProofTests
{
    private const string Reader = "desk 1";

    [Fact]
    public async Task A_finished_keys_statement_is_verified_by_the_public_key_and_a_changed_one_is_not()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var client = await server.Client();
        var key = await ProvisionAsync(server, 74000, new RolloutProfile());

        var jws = await client.GetStringAsync($"/v1/records/{CuidOf(key)}/statement", Cancel);
        using var anybody = new HttpRequestMessage(HttpMethod.Get, "/v1/statements/key") { Headers = { { "Accept", "application/x-pem-file" } } };
        using var pem = await (await server.Client(role: null)).SendAsync(anybody, Cancel);
        using var publicKey = ECDsa.Create();
        publicKey.ImportFromPem(await pem.Content.ReadAsStringAsync(Cancel));

        var said = JsonDocument.Parse(Statements.Verify(publicKey, jws)!).RootElement;
        Assert.Equal(6, said.GetProperty("counter").GetInt64());
        Assert.Equal((CuidOf(key), "A1"), (said.GetProperty("cuid").GetString(), said.GetProperty("token").GetString()));
        var parts = jws.Split('.');
        var forged = Convert.ToBase64String(Encoding.UTF8.GetBytes("""{"counter":7}""")).TrimEnd('=');
        Assert.Null(Statements.Verify(publicKey, $"{parts[0]}.{forged}.{parts[2]}"));
    }

    [Fact]
    public async Task The_commands_drill_and_statement_verify_say_by_their_exit_whether_it_held()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var client = await server.Client();
        var key = await ProvisionAsync(server, 74000, new RolloutProfile());
        var jws = await client.GetStringAsync($"/v1/records/{CuidOf(key)}/statement", Cancel);
        using var ask = new HttpRequestMessage(HttpMethod.Get, "/v1/statements/key") { Headers = { { "Accept", "application/x-pem-file" } } };
        using var pem = await client.SendAsync(ask, Cancel);
        var (statements, publicKey, apiKey) = (server.Folder + "/statements", server.Folder + "/key.pem", server.Folder + "/api-key");
        await File.WriteAllTextAsync(publicKey, await pem.Content.ReadAsStringAsync(Cancel), Cancel);
        await File.WriteAllTextAsync(apiKey, await server.CreateKeyAsync("drill", OathServer.Access.Roles.Provisioner), Cancel);

        await File.WriteAllTextAsync(statements, jws + "\n", Cancel);
        var (held, said) = await RunAsync("statement", "verify", statements, "--key-file", publicKey);
        Assert.Contains(CuidOf(key), said, StringComparison.Ordinal);
        await File.WriteAllTextAsync(statements, $"{jws}\n{jws.Replace('.', 'A')}\n", Cancel);
        var (broken, what) = await RunAsync("statement", "verify", statements, "--key-file", publicKey);
        Assert.Contains("Line 2", what, StringComparison.Ordinal);
        var (unreadable, _) = await RunAsync("statement", "verify", statements, "--key-file", apiKey);
        Assert.Equal((0, 1, 2), (held, broken, unreadable));

        var (worked, line) = await RunAsync("drill", "--server", server.Address.AbsoluteUri, "--api-key-file", apiKey, "--reader", Reader);
        Assert.StartsWith($"worked\t{CuidOf(key)}\t{Reader}", line, StringComparison.Ordinal);
        Assert.True(PivApplication.Select(key.Connect()).ChangePuk(key.Peek().Piv.Puk, "87651234"u8).Accepted);
        var (refused, _) = await RunAsync("drill", "--server", server.Address.AbsoluteUri, "--api-key-file", apiKey, "--reader", Reader);
        var (stranger, _) = await RunAsync("drill", "--server", server.Address.AbsoluteUri, "--api-key-file", publicKey);
        Assert.Equal((0, 1, 2), (worked, refused, stranger));
    }

    private static async Task<(int Exit, string Said)> RunAsync(params string[] arguments)
    {
        var start = new System.Diagnostics.ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "OathServer.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = System.Diagnostics.Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync(Cancel);
        var said = await process.StandardOutput.ReadToEndAsync(Cancel) + await errors;
        await process.WaitForExitAsync(Cancel);
        return (process.ExitCode, said);
    }

    [Fact]
    public async Task A_drill_unblocks_with_the_escrowed_puk_leaves_the_key_as_it_was_and_is_recorded()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var client = await server.Client();
        var key = await ProvisionAsync(server, 74000, new RolloutProfile());
        var before = key.Peek().Piv;

        using var reply = await client.PostAsJsonAsync("/v1/drills", new { readers = (string[])[Reader] }, Cancel);
        var lines = await reply.Content.ReadFromJsonAsync<DrillLine[]>(Cancel);

        Assert.Equal("worked", Assert.Single(lines!).Outcome);
        Assert.Equal(before.Pin, key.Peek().Piv.Pin);
        Assert.Equal(before.PukTriesLeft, key.Peek().Piv.PukTriesLeft);
        Assert.NotNull((await RecordAsync(server, key)).PukDrilledAt);
        Assert.Equal("worked", await server.WithDatabase(db => db.Audit.Where(e => e.Action == "puk.drill").Select(e => e.Outcome).SingleAsync(Cancel)));
    }

    [Fact]
    public async Task A_key_whose_puk_was_changed_by_somebody_else_fails_the_drill_and_is_on_the_red_list()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var client = await server.Client();
        var key = await ProvisionAsync(server, 74000, new RolloutProfile());
        Assert.True(PivApplication.Select(key.Connect()).ChangePuk(key.Peek().Piv.Puk, "87651234"u8).Accepted);

        using var reply = await client.PostAsJsonAsync("/v1/drills", new { readers = (string[])[Reader] }, Cancel);
        Assert.Equal("refused", Assert.Single((await reply.Content.ReadFromJsonAsync<DrillLine[]>(Cancel))!).Outcome);

        Assert.Equal(KeyStatus.InDoubt, (await RecordAsync(server, key)).Status);
        Assert.Equal(4, key.Peek().Piv.PukTriesLeft);
        await server.WithDatabase(async db => await db.Records.ExecuteUpdateAsync(r => r.SetProperty(x => x.Batch, "box"), Cancel)
            + await db.Tokens.ExecuteUpdateAsync(t => t.SetProperty(x => x.Batch, "box"), Cancel));
        var report = await client.GetFromJsonAsync<BatchReport>("/v1/shipments/box/report", Cancel);
        Assert.Equal((1, 0, 0), (report!.Tokens, report.Ready, report.Statements.Count));
        Assert.Equal((CuidOf(key), "A1", "alice"), (Assert.Single(report.Red).Cuid, report.Red[0].Serial, report.Red[0].User));
        Assert.Contains("in doubt", report.Red[0].Why, StringComparison.Ordinal);
        using var handout = await client.PostAsJsonAsync("/v1/handouts", new { cuids = (string[])[CuidOf(key)] }, Cancel);
        Assert.Equal(HttpStatusCode.Conflict, handout.StatusCode);
    }

    [Theory]
    [InlineData(HandoutLanguage.En, "Your security key")]
    [InlineData(HandoutLanguage.De, "Ihr Sicherheitsschlüssel")]
    public async Task A_handout_speaks_the_profiles_language_shows_the_pin_once_and_never_the_puk(HandoutLanguage language, string title)
    {
        await using var server = await ServerUnderTest.StartAsync();
        var client = await server.Client();
        var key = await ProvisionAsync(server, 74000, new RolloutProfile
        {
            Pin = new PinDecision(OnHandout: true, Digits: 8),
            Fido = new FidoDecision(FidoScope.HolderRegisters, MinPinLength: 9),
            Handout = new HandoutDecision("Example <Corp>", "+49 30 1234", language),
        });
        var (pin, puk) = (Encoding.ASCII.GetString(key.Peek().Piv.Pin), Encoding.ASCII.GetString(key.Peek().Piv.Puk));

        using var first = await client.PostAsJsonAsync("/v1/handouts", new { cuids = (string[])[CuidOf(key)] }, Cancel);
        var page = WebUtility.HtmlDecode(await first.Content.ReadAsStringAsync(Cancel));
        using var second = await client.PostAsJsonAsync("/v1/handouts", new { cuids = (string[])[CuidOf(key)] }, Cancel);
        var again = WebUtility.HtmlDecode(await second.Content.ReadAsStringAsync(Cancel));

        Assert.Contains(title, page, StringComparison.Ordinal);
        Assert.Contains("+49 30 1234", page, StringComparison.Ordinal);
        Assert.Contains(pin, page, StringComparison.Ordinal);
        Assert.DoesNotContain(pin, again, StringComparison.Ordinal);
        Assert.DoesNotContain(puk, page + again, StringComparison.Ordinal);
        Assert.Contains("9", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<Corp>", await first.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
        Assert.Equal(1, await server.WithDatabase(db => db.Audit.CountAsync(e => e.Action == "pin.reveal", Cancel)));
    }

    [Fact]
    public async Task After_a_rotation_old_puks_are_recoverable_and_a_key_seen_again_gets_one_of_the_new_version()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var client = await server.Client();
        var key = await ProvisionAsync(server, 74000, new RolloutProfile { Puk = new PukDecision(PukStrategy.Derived) });
        var before = key.Peek().Piv;

        using var rotated = await client.PostAsync("/v1/puk-master/rotate", content: null, Cancel);
        Assert.Equal(2, (await rotated.Content.ReadFromJsonAsync<RotatedReply>(Cancel))!.Version);
        using var revealed = await client.PostAsJsonAsync($"/v1/records/{CuidOf(key)}/puk/reveal", new { reason = "rotation test" }, Cancel);
        Assert.Equal(Encoding.ASCII.GetString(before.Puk), (await revealed.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("puk").GetString());
        var due = await client.GetFromJsonAsync<DuePuk[]>("/v1/puks/due", Cancel);
        Assert.Equal(CuidOf(key), Assert.Single(due!).Cuid);
        var readiness = await client.GetFromJsonAsync<JsonElement>("/v1/readiness", Cancel);
        Assert.Equal((CuidOf(key), "known-to-person"), readiness.GetProperty("puksDue").EnumerateArray()
            .Select(d => (d.GetProperty("cuid").GetString(), d.GetProperty("why").GetString())).Single());
        await server.WithDatabase(db => db.Records.ExecuteUpdateAsync(r => r.SetProperty(x => x.PukKnownToPerson, false), Cancel));
        readiness = await client.GetFromJsonAsync<JsonElement>("/v1/readiness", Cancel);
        Assert.Equal("old-master", readiness.GetProperty("puksDue").EnumerateArray().Single().GetProperty("why").GetString());

        key.PullAfter(12);
        using var cut = await client.PostAsJsonAsync("/v1/puks/renew", new { reader = Reader }, Cancel);
        var job = await cut.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        if (cut.StatusCode == HttpStatusCode.Created && job.GetProperty("state").GetString() != "confirmed")
        {
            using var resumed = await client.PostAsJsonAsync($"/v1/provisioning/{job.GetProperty("id").GetGuid()}/resume", new { reader = Reader }, Cancel);
            job = await resumed.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        }
        else if (cut.StatusCode != HttpStatusCode.Created)
        {
            using var again = await client.PostAsJsonAsync("/v1/puks/renew", new { reader = Reader }, Cancel);
            job = await again.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        }

        Assert.True(job.GetProperty("state").GetString() == "confirmed", job.ToString());
        var after = key.Peek().Piv;
        Assert.NotEqual(before.Puk, after.Puk);
        Assert.Equal(before.Pin, after.Pin);
        var record = await RecordAsync(server, key);
        Assert.Equal((2, false, KeyStatus.ReadyForHandout), (record.PukMasterVersion, record.PukKnownToPerson, record.Status));
        Assert.Equal(after.Puk, await server.WithDatabase(db => server.Services.GetRequiredService<OathServer.Provisioning.Steps.KeySecrets>().PukOfAsync(db, record, Cancel)));
        Assert.Empty((await client.GetFromJsonAsync<DuePuk[]>("/v1/puks/due", Cancel))!);
    }

    [Fact]
    public async Task Exported_puk_masters_open_on_another_server_with_the_passphrase_only()
    {
        var actor = new AuditEvent("test", "", "");
        await using var server = await ServerUnderTest.StartAsync();
        await using var other = await ServerUnderTest.StartAsync();
        var file = await server.WithDatabase(async db =>
        {
            await server.Services.GetRequiredService<PukMasters>().RotateAsync(db, actor, Cancel);
            return await server.Services.GetRequiredService<PukMasters>().ExportAsync(db, "correct horse battery", actor, Cancel);
        });
        var there = other.Services.GetRequiredService<PukMasters>();

        await Assert.ThrowsAsync<InvalidOperationException>(() => other.WithDatabase(db => there.ImportAsync(db, file, "wrong horse battery", actor, Cancel)));
        Assert.Equal(1, await other.WithDatabase(db => there.ImportAsync(db, file, "correct horse battery", actor, Cancel)));
        Assert.Equal(0, await other.WithDatabase(db => there.ImportAsync(db, file, "correct horse battery", actor, Cancel)));
    }

    private static async Task<VirtualKey> ProvisionAsync(ServerUnderTest server, uint serial, RolloutProfile profile)
    {
        await server.WithDatabase(async db => await server.Services.GetRequiredService<RolloutProfiles>()
            .AddAsync(db, "proof", 0, profile, new AuditEvent("test", "", ""), Cancel));
        await server.AddTokenAsync("A1", Codes.Secret, counter: 5, state: TokenState.Imported);
        var key = new VirtualKey(new VirtualKeyOptions { Serial = serial });
        server.Services.GetRequiredService<KeyReaders>().Plug(Reader, KeyReaders.VirtualKind, key.Connect);
        using var reply = await (await server.Client()).PostAsJsonAsync(
            "/v1/provisioning", new { reader = Reader, profile = "proof", serial = "A1", user = "alice" }, Cancel);
        Assert.Equal(HttpStatusCode.Created, reply.StatusCode);
        return key;
    }

    private static Task<KeyRecord> RecordAsync(ServerUnderTest server, VirtualKey key) =>
        server.WithDatabase(db => db.Records.AsNoTracking().SingleAsync(r => r.Cuid == CuidOf(key), Cancel));

    private static string CuidOf(VirtualKey key) => Cuid.FromSerial(key.Options.Serial).Text;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
