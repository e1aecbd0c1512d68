using System.Net;
using System.Text;

namespace OathServer.Tests.Import;

/// <summary>Each form of seed file means what others say it means: a code that oathtool makes of the secret, read from the
/// file by another program, is accepted, and it is the very next one.</summary>
public class SeedFileTests
{
    private const int ExpectedTokens = 37;

    private static readonly string Oathtool = "/usr/bin/oathtool";

    private static readonly ExpectedToken[] Expected =
    [
        .. File.ReadLines(Path.Combine(Path.GetDirectoryName(Here())!, "expected-tokens.tsv")).Where(l => !l.StartsWith('#')).Select(l => l.Split('\t'))
            .Select(f => new ExpectedToken(f[0], f[1], f[2], f[3], f[4] == "totp", f[5], f[6], f[7])),
    ];

    [Fact]
    public void No_expected_token_is_forgotten() => Assert.Equal(ExpectedTokens, Expected.Length);

    [Fact]
    public async Task A_code_of_oathtool_for_each_token_of_each_form_is_the_very_next_one()
    {
        await using var server = await ServerUnderTest.StartAsync();
        foreach (var file in Expected.GroupBy(e => e.File))
        {
            await (await server.ImportAsync(Uploads.Sample("import/" + file.Key), file.First().Query)).ReportAsync(HttpStatusCode.Created);
        }

        foreach (var token in Expected)
        {
            Assert.True(await server.AcceptsAsync(token.Serial, await CodeAsync(token)), $"{token.Serial} of {token.File}");
            if (!token.IsTotp)
            {
                Assert.Equal(long.Parse(token.Factor, null) + 1, (await server.CounterAsync(token.Serial)).Counter);
            }
        }
    }

    [Fact]
    public async Task One_secret_in_each_encoding_is_one_and_the_same_token()
    {
        await using var server = await ServerUnderTest.StartAsync();
        (string Encoding, string Secret)[] written =
        [
            ("hex", "4352353CE547011E1CC9135B20849295F04118F0A4BAA3A7CF"),
            ("base32", "INJDKPHFI4AR4HGJCNNSBBESSXYECGHQUS5KHJ6P"),
            ("base64", "Q1I1POVHAR4cyRNbIISSlfBBGPCkuqOnzw=="),
        ];
        foreach (var (encoding, secret) in written)
        {
            var rows = Encoding.ASCII.GetBytes($"{encoding}-1,{secret},7\n{encoding}-2,{secret},9\n");
            await (await server.ImportAsync(rows, "?encoding=" + encoding)).ReportAsync(HttpStatusCode.Created);

            var token = new ExpectedToken("", "", "", written[0].Secret, false, "SHA1", "6", "7");
            Assert.True(await server.AcceptsAsync(encoding + "-1", await CodeAsync(token)));
            Assert.True(await server.AcceptsAsync(encoding + "-2", await CodeAsync(token with { Factor = "9" })));
        }
    }

    /// <summary>Files that other servers test with, read where they stand: how many tokens each brings, how many keys that
    /// are none of ours, and how many rows that are broken.</summary>
    private static readonly (string File, string Format, string Counts, string Query)[] Theirs =
    [
        ("privacyidea/inline_OATHCSV.csv", "oath-csv", "6/0/1", ""), // a row with a serial and nothing else
        ("privacyidea/inline_OATHCSV_USER.csv", "oath-csv", "2/0/1", ""), // a row without a serial
        ("privacyidea/import.oath", "oath-csv", "3/0/0", ""),
        ("edumfa/import.oath", "oath-csv", "3/0/0", ""),
        ("linotp/oath_tokens.csv", "oath-csv", "4/0/0", ""),
        ("linotp/oath_tokens_bad_seed.csv", "oath-csv", "3/0/1", ""),
        ("linotp/oath_tokens_sha256.csv", "oath-csv", "8/0/0", ""),
        ("linotp/oath_tokens_sha512.csv", "oath-csv", "8/0/1", ""), // a line with nothing but a secret
        ("privacyidea/yubico.csv", "yubico-log", "3/4/0", ""),
        ("edumfa/yubico.csv", "yubico-log", "3/4/0", ""),
        ("edumfa/yubico-oath.csv", "yubico-log", "3/0/0", ""),
        ("privacyidea/yubico-oath.csv", "yubico-log", "3/0/0", ""),
        ("linotp/yubi_tokens.csv", "yubico-log", "0/11/3", ""), // without a serial, and one public id twice
        ("linotp/yubi_hmac.csv", "yubico-log", "0/0/2", ""), // no serial at all
        ("privacyidea/inline_ALADDINXML.xml", "safenet-xml", "1/0/4", ""),
        ("linotp/safenet_tokens.xml", "safenet-xml", "1/0/1", ""), // a seed of nine digits, which is no octets
        ("multiotp/test-tokens.csv", "columns", "2/1/0", "&columns=serial%3D1%2Cmanufacturer%3D2%2Ctype%3D3%2Csecret%3D4%2Cdigits%3D5%2Ccounter%3D6%2CtimeStep%3D6"),
    ];

    [Fact]
    public async Task The_files_other_servers_test_with_are_read_as_they_mean()
    {
        Assert.SkipWhen(Corpus is null, "the corpus is not here; set PSKC_CORPUS to its folder");
        await using var server = await ServerUnderTest.StartAsync();
        foreach (var (file, format, counts, query) in Theirs)
        {
            var octets = File.ReadAllBytes(Path.Combine(Corpus!, file));

            using var reply = await server.ImportAsync(octets, "?dryRun=true&encoding=hex" + query);
            using var named = await server.ImportAsync(octets, $"?dryRun=true&encoding=hex&format={format}" + query);

            var report = await reply.ReportAsync(HttpStatusCode.OK);
            Assert.Equal((file, counts), (file, $"{report.Totals.Imported}/{report.Totals.NotEnrolled}/{report.Totals.Refused}"));
            Assert.Equal(report.Format, (await named.ReportAsync(HttpStatusCode.OK)).Format);
        }
    }

    private static async Task<string> CodeAsync(ExpectedToken token)
    {
        string[] moving = token.IsTotp ? [$"--totp={token.Algorithm}", $"--time-step-size={token.Factor}s"] : ["--hotp", $"--counter={token.Factor}"];
        return (await CommandLine.PeerAsync(Oathtool, [.. moving, $"--digits={token.Digits}", token.SecretHex])).Trim();
    }

    private static string? Corpus
    {
        get
        {
            if (Environment.GetEnvironmentVariable("PSKC_CORPUS") is { Length: > 0 } named)
            {
                return named;
            }

            for (var folder = Path.GetDirectoryName(Here()); folder is not null; folder = Path.GetDirectoryName(folder))
            {
                if (Directory.Exists(Path.Combine(folder, "shared", "pskc-corpus")))
                {
                    return Path.Combine(folder, "shared", "pskc-corpus");
                }
            }

            return null;
        }
    }

    private static string Here([System.Runtime.CompilerServices.CallerFilePath] string here = "") => here;

    private sealed record ExpectedToken(string File, string Query, string Serial, string SecretHex, bool IsTotp, string Algorithm, string Digits, string Factor);
}
