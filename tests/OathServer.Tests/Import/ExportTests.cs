using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.EntityFrameworkCore;
using OathServer.Access;
using OathServer.Import;
using OathServer.Storage;
using Pskc;

namespace OathServer.Tests.Import;

public class ExportTests
{
    private const string Passphrase = "correct horse battery staple";

    private static readonly byte[] shipment = Uploads.Sample("pskc/shipment.pskcxml");

    [Fact]
    public async Task Another_server_takes_over_with_the_counters_as_they_stand_and_no_used_code_gets_in()
    {
        await using var from = await ServerUnderTest.StartAsync();
        await using var to = await ServerUnderTest.StartAsync();
        await (await from.ImportAsync(shipment, key: Uploads.ShipmentKey)).ReportAsync(HttpStatusCode.Created);
        var secrets = Secrets(shipment, KeySource.PreSharedKey(Convert.FromHexString(Uploads.ShipmentKey)));
        var (serial, secret, counter) = secrets[3];
        var used = Codes.Hotp(secret, counter + 2);
        Assert.True(await from.AcceptsAsync(serial, used));

        var reply = await ExportAsync(from, new { reason = "moving to the new data centre", all = true, passphrase = Passphrase });

        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        var file = await reply.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
        Assert.Equal("30", reply.Headers.GetValues("X-Export-Keys").Single());
        Assert.Equal(Convert.ToHexString(SHA256.HashData(file)), reply.Headers.GetValues("X-Export-SHA-256").Single());
        Assert.True(reply.Headers.CacheControl!.NoStore);
        var report = await (await to.ImportAsync(file, passphrase: Passphrase)).ReportAsync(HttpStatusCode.Created);
        Assert.Equal(new ImportTotals(30, 30, 0, 0, 0, 0), report.Totals);
        Assert.False(await to.AcceptsAsync(serial, used));
        Assert.True(await to.AcceptsAsync(serial, Codes.Hotp(secret, counter + 3)));
        Assert.Equal(
            secrets.Select(s => (s.Serial, Convert.ToHexString(s.Secret), s.Serial == serial ? counter + 3 : s.Counter)),
            Secrets(file, KeySource.Passphrase(Passphrase)).Select(s => (s.Serial, Convert.ToHexString(s.Secret), s.Counter)));
    }

    [Fact]
    public async Task Owners_time_steps_and_hashes_go_with_the_credential()
    {
        await using var from = await ServerUnderTest.StartAsync();
        await using var to = await ServerUnderTest.StartAsync();
        await (await from.ImportAsync(Uploads.Sample("pskc/totp.pskcxml"), key: Uploads.ShipmentKey)).ReportAsync(HttpStatusCode.Created);
        await (await from.ImportAsync(Uploads.Sample("import/entra.csv"))).ReportAsync(HttpStatusCode.Created);
        await (await from.ImportAsync(Uploads.Sample("import/users.oath"))).ReportAsync(HttpStatusCode.Created);
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=New system", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));

        var reply = await ExportAsync(from, new { reason = "test", realm = "default", certificate = certificate.ExportCertificatePem() });

        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllBytesAsync(file, await reply.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken), TestContext.Current.CancellationToken);
            await File.WriteAllTextAsync(file + ".pem", key.ExportPkcs8PrivateKeyPem(), TestContext.Current.CancellationToken);
            var imported = await CommandLine.OathServerInAsync(to.Folder + "-cli", "import", file, "--private-key-file", file + ".pem", "--json");
            Assert.True(imported.Exit == 0, imported.Errors);
            Assert.Contains("\"user\": \"alice@example.org\"", imported.Output, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
            File.Delete(file + ".pem");
            Directory.Delete(to.Folder + "-cli", recursive: true);
        }

        var inside = Read(await reply.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken), KeySource.PrivateKey(certificate));
        Assert.Equal(
            [(OtpHash.Sha1, 30), (OtpHash.Sha256, 30), (OtpHash.Sha512, 60)],
            inside.Where(k => k.SerialNo!.StartsWith("OST", StringComparison.Ordinal)).Select(k => (k.Keys[0].Hash!.Value, k.Keys[0].TimeInterval!.Value)).DistinctBy(k => k.Item1));
    }

    [Fact]
    public async Task Suspended_first_no_code_is_accepted_here_any_more()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("X1", Codes.Secret, counter: 5);
        await server.AddTokenAsync("X2", Codes.Secret, counter: 5);

        var reply = await ExportAsync(server, new { reason = "moved", serials = new[] { "X1" }, key = new string('7', 64), suspend = true });

        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        Assert.False(await server.AcceptsAsync("X1", Codes.Hotp(Codes.Secret, 5)));
        Assert.True(await server.AcceptsAsync("X2", Codes.Hotp(Codes.Secret, 5)));
    }

    [Fact]
    public async Task Every_export_is_in_the_trail_for_each_credential_with_its_reason_and_no_secret_is()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("X1", Codes.Secret);

        var reply = await ExportAsync(server, new { reason = "handed to Example Ltd", serials = new[] { "X1" }, passphrase = Passphrase });

        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        var trail = await server.WithDatabase(db => db.Audit.AsNoTracking().Where(e => e.Action.Contains("export")).ToListAsync());
        Assert.Equal(["export", "token.export"], trail.Select(e => e.Action));
        Assert.Equal("X1", trail[1].Serial);
        Assert.All(trail, e => Assert.Contains("handed to Example Ltd", e.Detail, StringComparison.Ordinal));
        Assert.All(trail, e => Assert.Contains(reply.Headers.GetValues("X-Export-SHA-256").Single(), e.Detail, StringComparison.Ordinal));
        Assert.All(trail, e => Assert.DoesNotContain(Passphrase, e.Detail, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(Roles.Provisioner)]
    [InlineData(Roles.HelpDesk)]
    [InlineData(Roles.Auditor)]
    [InlineData(Roles.RelyingParty)]
    public async Task Only_an_administrator_exports(string role)
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("X1", Codes.Secret);

        Assert.Equal(HttpStatusCode.Forbidden, (await ExportAsync(server, new { reason = "r", all = true, passphrase = Passphrase }, role)).StatusCode);
        Assert.Equal(0, await server.WithDatabase(db => db.Audit.CountAsync(e => e.Action.Contains("export"))));
    }

    [Fact]
    public async Task A_key_of_one_realm_takes_nothing_out_of_another()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, realm: "a");
        await server.AddTokenAsync("B1", Codes.Secret, realm: "b");

        var all = await ExportAsync(server, new { reason = "r", all = true, passphrase = Passphrase }, Roles.Administrator, "a");
        var named = await ExportAsync(server, new { reason = "r", serials = new[] { "B1" }, passphrase = Passphrase }, Roles.Administrator, "a");

        Assert.True(all.StatusCode == HttpStatusCode.OK, await all.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal(["A1"], Read(await all.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken), KeySource.Passphrase(Passphrase)).Select(p => p.SerialNo));
        Assert.Contains("There is no token B1", (await named.ProblemAsync(HttpStatusCode.Conflict)).GetProperty("title").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_leave_is_named_and_nothing_does()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("X1", Codes.Secret, state: TokenState.Pending);
        await server.AddTokenAsync("X2", Codes.Secret, state: TokenState.Disabled);
        await server.AddTokenAsync("X3", Codes.Secret);
        async Task<string> Title(object body, HttpStatusCode status) =>
            (await (await ExportAsync(server, body)).ProblemAsync(status)).GetProperty("title").GetString()!;

        Assert.Contains("X1 is being provisioned", await Title(new { reason = "r", all = true, passphrase = Passphrase }, HttpStatusCode.Conflict), StringComparison.Ordinal);
        Assert.Contains("X2 is disabled", await Title(new { reason = "r", serials = new[] { "X2", "X3" }, passphrase = Passphrase }, HttpStatusCode.Conflict), StringComparison.Ordinal);
        Assert.Contains("no token X9", await Title(new { reason = "r", serials = new[] { "X9" }, passphrase = Passphrase }, HttpStatusCode.Conflict), StringComparison.Ordinal);
        Assert.Contains("who may open", await Title(new { reason = "r", serials = new[] { "X3" } }, HttpStatusCode.BadRequest), StringComparison.Ordinal);
        Assert.Contains("12 or more", await Title(new { reason = "r", serials = new[] { "X3" }, passphrase = "short" }, HttpStatusCode.BadRequest), StringComparison.Ordinal);
        Assert.Contains("octets", await Title(new { reason = "r", serials = new[] { "X3" }, key = "1234" }, HttpStatusCode.BadRequest), StringComparison.Ordinal);
        Assert.Contains("which credentials", await Title(new { reason = "r", passphrase = Passphrase }, HttpStatusCode.BadRequest), StringComparison.Ordinal);
        Assert.Contains("say why", await Title(new { reason = " ", all = true, passphrase = Passphrase }, HttpStatusCode.BadRequest), StringComparison.Ordinal);
        Assert.Equal(0, await server.WithDatabase(db => db.Audit.CountAsync(e => e.Action.Contains("export"))));
    }

    [Fact]
    public async Task The_command_writes_what_the_endpoint_does_and_overwrites_nothing()
    {
        var folder = Directory.CreateTempSubdirectory("export-cli-").FullName;
        try
        {
            string At(string name) => Path.Combine(folder, name);
            var imported = await CommandLine.OathServerInAsync(At("data"), "import", Path.Combine(Uploads.Samples, "import", "reseed.csv"), "--batch", "b1");
            Assert.True(imported.Exit == 0, imported.Errors);

            var exported = await CommandLine.OathServerInAsync(At("data"), "export", At("out.pskcxml"), "--batch", "b1", "--reason", "test", "--for-new-key-file", At("out.key"));
            var again = await CommandLine.OathServerInAsync(At("data"), "export", At("out.pskcxml"), "--all", "--reason", "test", "--for-new-key-file", At("two.key"));
            var nothing = await CommandLine.OathServerInAsync(At("data"), "export", At("none.pskcxml"), "--batch", "b2", "--reason", "test", "--for-new-key-file", At("two.key"));

            var nowhere = await CommandLine.OathServerInAsync(At("data"), "export", At("nowhere/out.pskcxml"), "--all", "--reason", "test", "--for-new-key-file", At("three.key"));

            Assert.True(exported.Exit == 0, exported.Errors);
            Assert.Equal((2, 2, 2), (again.Exit, nothing.Exit, nowhere.Exit));
            Assert.Contains(At("nowhere"), nowhere.Errors, StringComparison.Ordinal);
            Assert.Contains("not overwritten", again.Errors, StringComparison.Ordinal);
            Assert.Contains("No credential fits", nothing.Errors, StringComparison.Ordinal);
            Assert.Equal(["out.key", "out.pskcxml"], Directory.GetFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
            var inside = await CommandLine.OathServerAsync("pskc", "inspect", At("out.pskcxml"), "--key-file", At("out.key"), "--show-secrets");
            Assert.Contains("4352353CE547011E1CC9135B20849295F04118F0A4BAA3A7CF", inside.Output, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<HttpResponseMessage> ExportAsync(ServerUnderTest server, object body, string role = Roles.Administrator, params string[] realms) =>
        await (await server.Client(role, realms)).PostAsJsonAsync("/v1/exports", body, TestContext.Current.CancellationToken);

    private static List<KeyPackage> Read(byte[] file, KeySource key)
    {
        using (key)
        {
            using var reader = PskcReader.Open(new MemoryStream(file), new PskcReadOptions { Key = key });
            return [.. reader.ReadKeyPackages()];
        }
    }

    private static List<(string Serial, byte[] Secret, long Counter)> Secrets(byte[] file, KeySource key) =>
        Read(file, key).ConvertAll(p => (p.SerialNo!, p.Keys[0].Secret!, p.Keys[0].Counter!.Value));
}
