using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Import;
using OathServer.Storage;
using Pskc;

namespace OathServer.Tests.Import;

public class PskcImportTests
{
    private static readonly byte[] shipment = Uploads.Sample("pskc/shipment.pskcxml");

    [Fact]
    public async Task Every_key_of_an_encrypted_shipment_is_accepted_at_the_counter_of_its_file()
    {
        await using var server = await ServerUnderTest.StartAsync();

        var reply = await server.ImportAsync(shipment, "?batch=spring&fileName=shipment.pskcxml", Uploads.ShipmentKey);

        var report = await reply.ReportAsync(HttpStatusCode.Created);
        Assert.Equal(new ImportTotals(30, 30, 0, 0, 0, 0), report.Totals);
        Assert.Equal($"/v1/imports/{report.Id}", reply.Headers.Location?.ToString());
        Assert.Equal(Convert.ToHexString(SHA256.HashData(shipment)), report.Digest);
        using var key = KeySource.PreSharedKey(Convert.FromHexString(Uploads.ShipmentKey));
        using var reader = PskcReader.Open(new MemoryStream(shipment), new PskcReadOptions { Key = key });
        foreach (var package in reader.ReadKeyPackages())
        {
            var counter = package.Keys[0].Counter!.Value;
            Assert.True(counter > 0);
            Assert.True(await server.AcceptsAsync(package.SerialNo!, Codes.Hotp(package.Keys[0].Secret!, counter)));
            Assert.Equal(counter + 1, (await server.CounterAsync(package.SerialNo!)).Counter);
        }
    }

    [Fact]
    public async Task Each_token_says_which_file_and_key_package_it_came_from()
    {
        await using var server = await ServerUnderTest.StartAsync();

        var report = await (await server.ImportAsync(shipment, "?batch=spring&fileName=shipment.pskcxml", Uploads.ShipmentKey)).ReportAsync(HttpStatusCode.Created);

        var client = await server.Client();
        var token = await client.GetStringAsync("/v1/tokens/OSK00000001", TestContext.Current.CancellationToken);
        Assert.Contains($"\"fileDigest\":\"{report.Digest}\"", token, StringComparison.Ordinal);
        Assert.Contains("\"file\":\"shipment.pskcxml\"", token, StringComparison.Ordinal);
        Assert.Contains("\"keyId\":\"OSK00000001\"", token, StringComparison.Ordinal);
        Assert.Contains("\"state\":\"imported\"", token, StringComparison.Ordinal);
        Assert.Contains("\"batch\":\"spring\"", token, StringComparison.Ordinal);
        var read = await (await client.GetAsync($"/v1/imports/{report.Id}", TestContext.Current.CancellationToken)).ReportAsync(HttpStatusCode.OK);
        Assert.Equal(30, read.Keys.Count);
        Assert.Equal(report.Totals, read.Totals);
        Assert.Contains(report.Digest, await client.GetStringAsync("/v1/imports", TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("wrong-mac.pskcxml", "not-authentic", "OSK00000002")]
    [InlineData("mac-stripped.pskcxml", "mac-missing", "OSK00000002")]
    [InlineData("truncated.pskcxml", "truncated", "OSK00000015")]
    [InlineData("duplicate-key.pskcxml", "duplicate-key", "OSP00000001")]
    [InlineData("negative-counter.pskcxml", "bad-value", "OSP00000001")]
    [InlineData("not-pskc.pskcxml", "wrong-kind", null)]
    [InlineData("dtd.pskcxml", "dtd-forbidden", null)]
    [InlineData("version-2.pskcxml", "unsupported-version", null)]
    public async Task A_bad_file_imports_nothing_and_one_message_names_the_key_package(string file, string fault, string? serial)
    {
        await using var server = await ServerUnderTest.StartAsync();
        var before = await server.RowsAsync();

        var reply = await server.ImportAsync(Uploads.Sample("pskc/invalid/" + file), key: Uploads.ShipmentKey);

        var problem = await reply.ProblemAsync(HttpStatusCode.UnprocessableEntity);
        Assert.Equal(fault, problem.GetProperty("fault").GetString());
        Assert.Equal(serial, problem.TryGetProperty("serial", out var named) ? named.GetString() : null);
        if (serial is not null)
        {
            Assert.Contains(serial, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
            Assert.True(problem.GetProperty("line").GetInt32() > 1);
        }

        Assert.Equal(before, await server.RowsAsync());
    }

    [Fact]
    public async Task A_wrong_key_imports_nothing_and_says_no_more_than_a_wrong_MAC_does()
    {
        await using var server = await ServerUnderTest.StartAsync();

        var problem = await (await server.ImportAsync(shipment, key: new string('0', 32))).ProblemAsync(HttpStatusCode.UnprocessableEntity);

        Assert.Equal("not-authentic", problem.GetProperty("fault").GetString());
        Assert.Equal((0, 0, 0, 0), await server.RowsAsync());
    }

    [Fact]
    public async Task A_shipment_cut_off_anywhere_imports_nothing()
    {
        await using var server = await ServerUnderTest.StartAsync();

        for (var length = 100; length < shipment.Length - 20; length += shipment.Length / 40)
        {
            await (await server.ImportAsync(shipment[..length], key: Uploads.ShipmentKey)).ProblemAsync(HttpStatusCode.UnprocessableEntity);
        }

        Assert.Equal((0, 0, 0, 0), await server.RowsAsync());
    }

    [Fact]
    public async Task Importing_the_same_file_again_changes_nothing()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await (await server.ImportAsync(shipment, key: Uploads.ShipmentKey)).ReportAsync(HttpStatusCode.Created);
        var before = await server.RowsAsync();

        var again = await (await server.ImportAsync(shipment, key: Uploads.ShipmentKey)).ReportAsync(HttpStatusCode.OK);

        Assert.Equal(new ImportTotals(30, 0, 30, 0, 0, 0), again.Totals);
        Assert.Contains("imported at", again.Warnings[0], StringComparison.Ordinal);
        Assert.Equal(before, await server.RowsAsync());
    }

    [Fact]
    public async Task A_dry_run_reports_everything_and_changes_nothing()
    {
        await using var server = await ServerUnderTest.StartAsync();

        var report = await (await server.ImportAsync(shipment, "?dryRun=true", Uploads.ShipmentKey)).ReportAsync(HttpStatusCode.OK);

        Assert.True(report.DryRun);
        Assert.Equal(30, report.Keys.Count);
        Assert.Equal(new ImportTotals(30, 30, 0, 0, 0, 0), report.Totals);
        Assert.Equal((0, 0, 0, 0), await server.RowsAsync());
    }

    [Fact]
    public async Task The_same_keys_in_another_file_change_nothing_and_a_changed_seed_or_counter_refuses_all()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var seed = RandomNumberGenerator.GetBytes(20);
        await (await server.ImportAsync(Container(("A1", seed, 500)))).ReportAsync(HttpStatusCode.Created);

        var same = await (await server.ImportAsync(Container(("A1", seed, 500), ("A2", seed, 1)))).ReportAsync(HttpStatusCode.Created);
        var lower = await (await server.ImportAsync(Container(("A3", seed, 1), ("A1", seed, 499)))).ProblemAsync(HttpStatusCode.UnprocessableEntity);
        var higher = await (await server.ImportAsync(Container(("A3", seed, 1), ("A1", seed, 501)))).ProblemAsync(HttpStatusCode.UnprocessableEntity);
        var changed = await (await server.ImportAsync(Container(("A3", seed, 1), ("A1", RandomNumberGenerator.GetBytes(20), 500)))).ProblemAsync(HttpStatusCode.UnprocessableEntity);

        Assert.Equal(new ImportTotals(2, 1, 1, 0, 0, 0), same.Totals);
        Assert.Equal("lower-counter", lower.GetProperty("fault").GetString());
        Assert.Equal("higher-counter", higher.GetProperty("fault").GetString());
        Assert.Equal("changed-seed", changed.GetProperty("fault").GetString());
        Assert.Equal("A1", changed.GetProperty("serial").GetString());
        Assert.Equal(2, (await server.RowsAsync()).Tokens);
        Assert.Equal(500, (await server.CounterAsync("A1")).Counter);
    }

    [Fact]
    public async Task Partial_imports_what_can_be_and_shows_what_cannot()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var seed = RandomNumberGenerator.GetBytes(20);
        await (await server.ImportAsync(Container(("A1", seed, 500)))).ReportAsync(HttpStatusCode.Created);

        var report = await (await server.ImportAsync(Container(("A1", seed, 499), ("A2", seed, 1)), "?partial=true")).ReportAsync(HttpStatusCode.Created);

        Assert.Equal(new ImportTotals(2, 1, 0, 0, 1, 0), report.Totals);
        Assert.Equal((KeyOutcome.Refused, "lower-counter"), (report.Keys[0].What, report.Keys[0].Fault));
        Assert.Equal(2, (await server.RowsAsync()).Tokens);
    }

    [Fact]
    public async Task Several_keys_of_one_device_become_tokens_of_their_own()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var (one, two) = (RandomNumberGenerator.GetBytes(20), RandomNumberGenerator.GetBytes(20));

        var report = await (await server.ImportAsync(Container(("D1", "slot1", one, 3), ("D1", "slot2", two, 7)))).ReportAsync(HttpStatusCode.Created);
        var again = await (await server.ImportAsync(Container(("D1", "slot2", two, 7)))).ReportAsync(HttpStatusCode.OK);

        Assert.Equal(["D1:slot1", "D1:slot2"], report.Keys.Select(k => k.Serial));
        Assert.True(await server.AcceptsAsync("D1:slot2", Codes.Hotp(two, 7)));
        Assert.Equal(1, again.Totals.Unchanged);
    }

    [Fact]
    public async Task A_policy_not_understood_disables_the_key_and_OCRA_and_PIN_are_reported_only()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var file = Container(("P1", RandomNumberGenerator.GetBytes(20), 1), ("O1", RandomNumberGenerator.GetBytes(20), 1), ("N1", RandomNumberGenerator.GetBytes(20), 1));
        var text = Encoding.UTF8.GetString(file);
        var at = text.IndexOf("</Data>", StringComparison.Ordinal) + "</Data>".Length;
        text = text.Insert(at, "<Policy><MoonPhase xmlns=\"urn:example:moon\">full</MoonPhase></Policy>");
        var (ocra, pin) = (text.IndexOf("pskc:hotp", at, StringComparison.Ordinal), text.LastIndexOf("pskc:hotp", StringComparison.Ordinal));
        text = text[..pin] + "pskc:pin" + text[(pin + 9)..];
        text = text[..ocra] + "pskc:ocra" + text[(ocra + 9)..];

        var report = await (await server.ImportAsync(Encoding.UTF8.GetBytes(text))).ReportAsync(HttpStatusCode.Created);

        Assert.Equal(new ImportTotals(3, 1, 0, 2, 0, 0), report.Totals);
        Assert.Equal("disabled", report.Keys[0].State);
        Assert.Contains("MoonPhase", report.Keys[0].Why, StringComparison.Ordinal);
        Assert.Contains("OCRA", report.Keys[1].Why, StringComparison.Ordinal);
        Assert.Contains("PIN", report.Keys[2].Why, StringComparison.Ordinal);
        Assert.Equal(1, (await server.RowsAsync()).Tokens);
    }

    [Fact]
    public async Task A_skipped_key_is_reported_and_no_check_is_warned_of()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var wrong = Uploads.Sample("pskc/invalid/wrong-mac.pskcxml");

        var skipped = await (await server.ImportAsync(wrong, "?mac=skip-key&dryRun=true", Uploads.ShipmentKey)).ReportAsync(HttpStatusCode.OK);
        var unchecked_ = await (await server.ImportAsync(shipment, "?mac=no-check&dryRun=true", Uploads.ShipmentKey)).ReportAsync(HttpStatusCode.OK);

        Assert.Equal(skipped.Totals.Keys - 1, skipped.Totals.Imported);
        Assert.Contains(skipped.Keys, k => k.What == KeyOutcome.NotEnrolled && k.Serial == "OSK00000002");
        Assert.Contains(unchecked_.Warnings, w => w.Contains("MACs were not checked", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_file_imported_under_a_wrong_key_without_checks_is_seen_when_it_comes_again_with_the_right_one()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var (file, right, wrong) = OpenToAWrongKey();
        var first = await (await server.ImportAsync(file, "?mac=no-check", wrong)).ReportAsync(HttpStatusCode.Created);

        var problem = await (await server.ImportAsync(file, "", right)).ProblemAsync(HttpStatusCode.UnprocessableEntity);
        Assert.Contains("with another seed, so one of the two keys given for it was wrong", problem.ToString(), StringComparison.Ordinal);

        using var undone = await (await server.Client(Roles.Administrator))
            .DeleteAsync($"/v1/imports/{first.Id}", TestContext.Current.CancellationToken);
        Assert.True(undone.IsSuccessStatusCode);
        var second = await (await server.ImportAsync(file, "", right)).ReportAsync(HttpStatusCode.Created);
        var third = await (await server.ImportAsync(file, "", right)).ReportAsync(HttpStatusCode.OK);
        Assert.Equal((1, 1), (second.Totals.Imported, third.Totals.Unchanged));
        Assert.True(await server.AcceptsAsync("WK1", Codes.Hotp(Codes.Secret, 0)));
    }

    /// <summary>A shipment that opens under a wrong key too: by chance its padding looks right, as under one key in 256.</summary>
    private static (byte[] File, string Right, string Wrong) OpenToAWrongKey()
    {
        var right = RandomNumberGenerator.GetBytes(16);
        using var protection = ContainerProtection.PreSharedKey(right);
        using var buffer = new MemoryStream();
        using (var writer = PskcWriter.Create(buffer, new() { Protection = protection }))
        {
            writer.Write(new KeyPackage
            {
                SerialNo = "WK1",
                Keys = [new Key { Id = "WK1", Algorithm = KeyAlgorithm.Hotp, ResponseFormat = new(ValueEncoding.Decimal, 6), Secret = Codes.Secret, Counter = 0 }],
            });
            writer.Complete();
        }

        var file = buffer.ToArray();
        for (var i = 0; ; i++)
        {
            var wrong = SHA256.HashData(Encoding.ASCII.GetBytes($"{i}"))[..16];
            using var key = KeySource.PreSharedKey(wrong);
            try
            {
                using var reader = PskcReader.Open(new MemoryStream(file), new() { Key = key, MacPolicy = MacPolicy.NoCheck, AllowUnauthenticated = true });
                if (reader.ReadKeyPackages().Single().Keys[0].Secret is { Length: >= 16 })
                {
                    return (file, Convert.ToHexString(right), Convert.ToHexString(wrong));
                }
            }
            catch (PskcException)
            {
                // Bad padding under this one.
            }
        }
    }

    [Fact]
    public async Task An_import_without_a_check_of_MACs_is_said_so_on_every_later_report()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var report = await (await server.ImportAsync(shipment, "?mac=no-check", Uploads.ShipmentKey)).ReportAsync(HttpStatusCode.Created);
        var again = await (await server.ImportAsync(shipment, "", Uploads.ShipmentKey)).ReportAsync(HttpStatusCode.OK);
        var client = await server.Client();
        var cuid = await server.WithDatabase(async db =>
        {
            var token = await db.Tokens.SingleAsync(t => t.Serial == "OSK00000001");
            db.Records.Add(new KeyRecord { Cuid = "00AA", CuidSource = "DeviceSerial" });
            token.Cuid = "00AA";
            await db.SaveChangesAsync();
            return token.Cuid;
        });

        foreach (var path in (string[])[$"/v1/imports/{report.Id}", "/v1/imports", "/v1/tokens/OSK00000002", $"/v1/records/{cuid}", "/v1/readiness"])
        {
            Assert.Contains("MACs were not checked", await client.GetStringAsync(path, TestContext.Current.CancellationToken), StringComparison.Ordinal);
        }

        Assert.Contains("MACs were not checked", again.Caution, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_checked_import_carries_no_caution_anywhere()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var report = await (await server.ImportAsync(shipment, "", Uploads.ShipmentKey)).ReportAsync(HttpStatusCode.Created);
        var client = await server.Client();

        Assert.Null(report.Caution);
        foreach (var path in (string[])[$"/v1/imports/{report.Id}", "/v1/imports", "/v1/tokens/OSK00000002", "/v1/readiness"])
        {
            Assert.DoesNotContain("not checked", await client.GetStringAsync(path, TestContext.Current.CancellationToken), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_short_secret_is_warned_of_and_policy_may_refuse_it()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var file = Container(("W1", RandomNumberGenerator.GetBytes(10), 1));

        var refused = await (await server.ImportAsync(file, "?weak=refuse")).ProblemAsync(HttpStatusCode.UnprocessableEntity);
        var report = await (await server.ImportAsync(file)).ReportAsync(HttpStatusCode.Created);

        Assert.Equal("weak-secret", refused.GetProperty("fault").GetString());
        Assert.Equal(1, report.Totals.Warned);
        Assert.Contains("80 bits", report.Keys[0].Why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_last_counter_there_is_cannot_start_a_token()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var seed = RandomNumberGenerator.GetBytes(20);

        var refused = await (await server.ImportAsync(Container(("C1", seed, long.MaxValue)))).ProblemAsync(HttpStatusCode.UnprocessableEntity);
        await (await server.ImportAsync(Container(("C1", seed, long.MaxValue - 1)))).ReportAsync(HttpStatusCode.Created);

        Assert.Equal("counter-out-of-range", refused.GetProperty("fault").GetString());
        Assert.Equal(long.MaxValue - 1, (await server.CounterAsync("C1")).Counter);
    }

    [Fact]
    public async Task Imports_and_refusals_are_in_the_trail()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var seed = RandomNumberGenerator.GetBytes(20);
        await (await server.ImportAsync(Container(("T1", seed, 1)))).ReportAsync(HttpStatusCode.Created);
        await (await server.ImportAsync(Uploads.Sample("pskc/invalid/truncated.pskcxml"), key: Uploads.ShipmentKey)).ProblemAsync(HttpStatusCode.UnprocessableEntity);

        var outcomes = await server.WithDatabase(db => db.Audit.Where(e => e.Action == "import").OrderBy(e => e.Sequence).Select(e => e.Outcome).ToListAsync());
        Assert.Equal(["done", "refused"], outcomes);
        Assert.Null(await server.WithDatabase(db => server.Services.GetRequiredService<AuditTrail>().VerifyAsync(db, TestContext.Current.CancellationToken)));
    }

    [Fact]
    public async Task A_relying_party_may_not_import_and_a_key_of_another_realm_neither()
    {
        await using var server = await ServerUnderTest.StartAsync();
        using var body = new ByteArrayContent(shipment);
        using var elsewhere = new ByteArrayContent(shipment);

        var relying = await (await server.Client(Roles.RelyingParty)).PostAsync("/v1/imports", body, TestContext.Current.CancellationToken);
        var foreign = await (await server.Client(Roles.Provisioner, "sales")).PostAsync("/v1/imports", elsewhere, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.Forbidden, relying.StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, foreign.StatusCode);
        Assert.Equal((0, 0, 0, 0), await server.RowsAsync());
    }

    private static byte[] Container(params (string Serial, byte[] Secret, long Counter)[] keys) =>
        Container([.. keys.Select(k => (k.Serial, k.Serial, k.Secret, k.Counter))]);

    internal static byte[] Container(params (string Serial, string KeyId, byte[] Secret, long Counter)[] keys)
    {
        var text = new StringBuilder("<KeyContainer Version=\"1.0\" xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\">\n");
        foreach (var (serial, id, secret, counter) in keys)
        {
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"""
                <KeyPackage><DeviceInfo><Manufacturer>Test</Manufacturer><SerialNo>{serial}</SerialNo></DeviceInfo>
                <Key Id="{id}" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:hotp"><AlgorithmParameters><ResponseFormat Encoding="DECIMAL" Length="6"/></AlgorithmParameters>
                <Data><Secret><PlainValue>{Convert.ToBase64String(secret)}</PlainValue></Secret><Counter><PlainValue>{counter}</PlainValue></Counter></Data></Key></KeyPackage>

                """);
        }

        return Encoding.UTF8.GetBytes(text.Append("</KeyContainer>\n").ToString());
    }
}
