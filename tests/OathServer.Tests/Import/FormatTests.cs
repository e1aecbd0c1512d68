using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using OathServer.Import;
using OathServer.Import.Formats;
using OathServer.Storage;

namespace OathServer.Tests.Import;

public sealed class FormatTests
{
    private const int SampleFiles = 18;

    private static readonly string folder = Path.Combine(Uploads.Samples, "import");

    public static TheoryData<string, string, string, string, string> Manifest()
    {
        var data = new TheoryData<string, string, string, string, string>();
        foreach (var line in File.ReadLines(Path.Combine(folder, "MANIFEST.txt")).Where(l => l.Length > 0 && l[0] != '#'))
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            data.Add(words[0], words[1], words[2], words.ElementAtOrDefault(3) ?? "", words.ElementAtOrDefault(4) ?? "");
        }

        return data;
    }

    [Fact]
    public void Every_sample_file_has_a_line_and_every_line_a_file()
    {
        var files = Directory.GetFiles(folder).Select(Path.GetFileName).Where(f => f != "MANIFEST.txt").Order(StringComparer.Ordinal);

        Assert.Equal(files, Manifest().Select(r => r.Data.Item1).Order(StringComparer.Ordinal));
        Assert.Equal(SampleFiles, Manifest().Count);
    }

    [Theory, MemberData(nameof(Manifest))]
    public async Task Each_format_is_recognised_by_its_content_or_refused(string file, string outcome, string format, string counts, string query)
    {
        await using var server = await ServerUnderTest.StartAsync();

        var reply = await server.ImportAsync(Uploads.Sample("import/" + file), query);

        if (outcome == "accept")
        {
            var report = await reply.ReportAsync(HttpStatusCode.Created);
            Assert.Equal(counts, $"{report.Totals.Imported}/{report.Totals.NotEnrolled}");
            Assert.Equal(report.Totals.Keys, report.Totals.Imported + report.Totals.NotEnrolled);
            // The name that was recognised opens it too.
            var named = query.Length > 0 ? query + "&format=" + format : "?format=" + format;
            await (await server.ImportAsync(Uploads.Sample("import/" + file), named)).ReportAsync(HttpStatusCode.OK);
        }
        else
        {
            Assert.Equal(format, (await reply.ProblemAsync(HttpStatusCode.UnprocessableEntity)).GetProperty("fault").GetString());
            Assert.Equal((0, 0, 0, 0), await server.RowsAsync());
        }
    }

    [Fact]
    public async Task A_code_is_accepted_at_the_counter_each_file_means()
    {
        await using var server = await ServerUnderTest.StartAsync();
        string[] Row(string file, int line) => File.ReadLines(Path.Combine(folder, file)).ElementAt(line).Split([',', '\t'], StringSplitOptions.TrimEntries);
        foreach (var file in (string[])["reseed.csv", "privacyidea.csv", "users.oath"])
        {
            await (await server.ImportAsync(Uploads.Sample("import/" + file))).ReportAsync(HttpStatusCode.Created);
        }

        var reseed = Row("reseed.csv", 0);
        Assert.True(await server.AcceptsAsync(reseed[0], Codes.Hotp(Convert.FromHexString(reseed[1]), long.Parse(reseed[2], CultureInfo.InvariantCulture))));
        var oath = Row("privacyidea.csv", 1);
        Assert.True(await server.AcceptsAsync("PI0001", Codes.Hotp(Convert.FromHexString(oath[1]), 17)));
        var pam = Row("users.oath", 1);
        Assert.False(await server.AcceptsAsync("carol:1", Codes.Hotp(Convert.FromHexString(pam[3]), 41)));
        Assert.True(await server.AcceptsAsync("carol:1", Codes.Hotp(Convert.FromHexString(pam[3]), 42)));
    }

    [Fact]
    public async Task A_token_of_FreeIPA_comes_with_its_owner_and_counter_and_a_disabled_one_stays_so()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await (await server.ImportAsync(Uploads.Sample("import/freeipa.ldif"))).ReportAsync(HttpStatusCode.Created);
        var secret = Enumerable.Range(0, 20).Select(i => (byte)i).ToArray();

        Assert.False(await server.AcceptsAsync("7d3f0c52-0001", Codes.Hotp(secret, 41)));
        Assert.True(await server.AcceptsAsync("7d3f0c52-0001", Codes.Hotp(secret, 42)));
        var (owners, counter) = await server.WithDatabase(async db => (
            await db.Tokens.OrderBy(t => t.Serial).Select(t => t.Person!.Name).ToListAsync(), await server.CounterAsync("7d3f0c52-0002")));
        Assert.Equal(["alice", "bob"], owners);
        Assert.Equal((TokenState.Disabled, -2), (counter.State, counter.Drift));
    }

    [Theory]
    [InlineData("dn: x\nobjectClass: ipatokenHOTP\nipatokenOTPkey:: ???\n", "line 3")]
    [InlineData("dn: x\nobjectClass: ipatokenHOTP\nwhat is this\n", "line 3")]
    [InlineData("dn: x\nobjectClass: ipatokenHOTP\nipatokenUniqueID: u\nipatokenHOTPcounter: 1\n", "directory manager")]
    public async Task A_damaged_export_of_FreeIPA_is_refused_with_its_line(string text, string word)
    {
        await using var server = await ServerUnderTest.StartAsync();

        var problem = await (await server.ImportAsync(Encoding.UTF8.GetBytes(text))).ProblemAsync(HttpStatusCode.UnprocessableEntity);

        Assert.Contains(word, problem.ToString(), StringComparison.Ordinal);
        Assert.Equal((0, 0, 0, 0), await server.RowsAsync());
    }

    [Fact]
    public async Task An_encrypted_record_of_SafeWord_is_refused_with_the_way_out_and_a_users_is_said_to_be_left_out()
    {
        await using var server = await ServerUnderTest.StartAsync();
        const string sealedKey = "dn: x\nobjectclass: SccDesAuthenticator\nsccAuthenticatorId: S1\nsccTokenData: sccKey=(aes:00112233);sccMode=E;sccPwLen=6;\n";
        const string withUser = "dn: y\nobjectclass: SccUser\nsccUserId: alice\nsccAuthenticator: 1:S2\n\ndn: x\nsccAuthenticatorId: S2\n"
            + "sccTokenData: sccKey=3132333435363738393031323334353637383930;sccMode=E;sccPwLen=6;\n";

        var problem = await (await server.ImportAsync(Encoding.UTF8.GetBytes(sealedKey))).ProblemAsync(HttpStatusCode.UnprocessableEntity);
        var report = await (await server.ImportAsync(Encoding.UTF8.GetBytes(withUser))).ReportAsync(HttpStatusCode.Created);

        Assert.Contains("export it opened", problem.ToString(), StringComparison.Ordinal);
        Assert.Contains(report.Warnings, w => w.Contains("1 entries are none of an authenticator", StringComparison.Ordinal));
        Assert.True(await server.AcceptsAsync("S2", Codes.Hotp(Codes.Secret, 0)));
    }

    [Theory]
    [InlineData(SecretEncoding.Hex, "3132333435363738393031323334353637383930")]
    [InlineData(SecretEncoding.Base32, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    [InlineData(SecretEncoding.Base64, "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=")]
    internal void One_secret_reads_the_same_in_every_encoding(SecretEncoding encoding, string text)
    {
        Assert.Equal(Codes.Secret, SecretText.TryDecode(Encoding.ASCII.GetBytes(text), encoding));
        // A character lost on the way is never another secret.
        Assert.Null(SecretText.TryDecode(Encoding.ASCII.GetBytes(text[..^1]), encoding == SecretEncoding.Base32 ? SecretEncoding.Hex : encoding));
    }

    [Fact]
    public void Base32_agrees_with_another_implementation_for_every_length()
    {
        for (var length = 1; length <= 64; length++)
        {
            var secret = RandomNumberGenerator.GetBytes(length);
            var text = OtpNet.Base32Encoding.ToString(secret);

            Assert.Equal(secret, SecretText.TryDecode(Encoding.ASCII.GetBytes(text.TrimEnd('=')), SecretEncoding.Base32));
            Assert.Equal(secret, SecretText.TryDecode(Encoding.ASCII.GetBytes(text), SecretEncoding.Base32));
        }
    }

    [Fact]
    public async Task A_bad_row_names_its_line_and_serial_and_partial_imports_the_others()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var file = Uploads.Sample("import/bad-secret.csv");

        var problem = await (await server.ImportAsync(file)).ProblemAsync(HttpStatusCode.UnprocessableEntity);
        var report = await (await server.ImportAsync(file, "?partial=true")).ReportAsync(HttpStatusCode.Created);

        Assert.Equal(("BS0002", 2), (problem.GetProperty("serial").GetString(), problem.GetProperty("line").GetInt32()));
        Assert.Equal(new ImportTotals(2, 1, 0, 0, 1, 0), report.Totals);
    }

    [Fact]
    public async Task An_ambiguous_file_is_imported_once_the_operator_says_what_it_is()
    {
        await using var server = await ServerUnderTest.StartAsync();

        await (await server.ImportAsync(Uploads.Sample("import/two-columns.csv"), "?format=serial-secret-counter")).ReportAsync(HttpStatusCode.Created);
        await (await server.ImportAsync(Uploads.Sample("import/hex-or-base32.csv"), "?encoding=base32")).ReportAsync(HttpStatusCode.Created);

        Assert.Equal(4, (await server.RowsAsync()).Tokens);
    }

    [Theory]
    [InlineData("PK\u0003\u0004rest", "zip")]
    [InlineData("-----BEGIN PGP MESSAGE-----", "PGP")]
    [InlineData("", "empty")]
    public async Task A_wrapped_file_is_told_by_its_name(string text, string word)
    {
        await using var server = await ServerUnderTest.StartAsync();

        var problem = await (await server.ImportAsync(Encoding.Latin1.GetBytes(text))).ProblemAsync(HttpStatusCode.UnprocessableEntity);

        Assert.Contains(word, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }
}
