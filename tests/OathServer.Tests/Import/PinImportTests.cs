using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using OathServer.Storage;
using OathServer.Tests.Tidy;

namespace OathServer.Tests.Import;

/// <summary>PINs come along with the tokens of the server being replaced, and go on being asked for.</summary>
public class PinImportTests
{
    private const string Seed = "3132333435363738393031323334353637383930";

    public static TheoryData<string, string, string, string, string> Files => new()
    {
        { "privacyidea", $"serial,tokentype,otpkey,otplen,count,username,pin_hash\nT1,hotp,{Seed},6,5,alice,\"{Hash("passlib argon2i")}\"\n", "1234", "1 Argon2", "privacyIDEA" },
        { "privacyidea", $"serial,tokentype,otpkey,otplen,count,username,pin_hash\nT1,hotp,{Seed},6,5,alice,{Hash("passlib pbkdf2_sha512")}\n", "1234", "1 Pbkdf2", "privacyIDEA" },
        { "privacyidea", $"serial,tokentype,otpkey,otplen,count,username,pin_hash,pin_seed\nT1,hotp,{Seed},6,5,alice,{Hash("privacyIDEA before 3.0 SHA-256")},{Hash("privacyIDEA before 3.0 SHA-256", 3)}\n", "4711", "1 SHA-256", "privacyIDEA" },
        { "linotp", $"LinOtpTokenSerialnumber,LinOtpTokenType,LinOtpOtpLen,secret,LinOtpCount,username,LinOtpPinHash,LinOtpSeed\nT1,HMAC,6,{Seed},5,alice,{Hash("LinOTP SHA-256")},{Hash("LinOTP SHA-256", 3)}\n", "4711", "1 SHA-256", "LinOTP" },
        { "multiotp", $"token_serial;algorithm;number_of_digits;last_event;token_seed;attributed_users;user_pin\nT1;HOTP;6;4;{Seed};alice;98 76\n", "98 76", "1 in the open", "multiOTP" },
        { "pam-oath", $"HOTP alice geheim {Seed} 5\n", "geheim", "1 in the open", "pam_oath" },
    };

    [Theory]
    [MemberData(nameof(Files))]
    public async Task The_PIN_of_the_old_server_opens_with_its_next_code_and_no_other_PIN_does(string from, string file, string pin, string counted, string source)
    {
        await using var server = await ServerUnderTest.StartAsync(new Dictionary<string, string?> { ["Interop:PrivacyIdea"] = "true", ["Validation:Pin"] = "BeforeCode" });

        var report = await (await server.ImportAsync(Encoding.UTF8.GetBytes(file), $"?from={from}")).ReportAsync(HttpStatusCode.Created);

        var serial = Assert.Single(report.Keys).Serial;
        Assert.Contains(report.Warnings, w => w.StartsWith($"PINs of new tokens are carried: {counted}.", StringComparison.Ordinal));
        Assert.Equal("wrong otp pin", await CheckAsync(server, pin + "0" + Code(5)));
        Assert.Equal("wrong otp pin", await CheckAsync(server, Code(5)));
        var row = await server.CounterAsync(serial);
        Assert.Equal((5, 2), (row.Counter, row.Failures));
        Assert.Equal("matching 1 tokens", await CheckAsync(server, pin + Code(5)));
        var kept = await server.WithDatabase(db => db.TokenPins.AsNoTracking().SingleAsync(Cancel));
        Assert.Equal((PinScheme.Own, source), (kept.Scheme, kept.Source));
        Assert.Equal("matching 1 tokens", await CheckAsync(server, pin + Code(6)));
    }

    [Fact]
    public async Task What_cannot_be_carried_is_counted_by_its_kind_and_the_token_comes_without_a_PIN()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var file = $"""
            LinOtpTokenSerialnumber,LinOtpTokenType,LinOtpOtpLen,secret,LinOtpCount,username,LinOtpPinHash,LinOtpSeed
            T1,HMAC,6,{Seed},5,alice,@@41ab42,00ff
            T2,HMAC,6,{Seed[..^2]}31,5,bob,{Hash("LinOTP SHA-256")},
            T3,HMAC,6,{Seed[..^2]}32,5,carol,,
            """;

        var report = await (await server.ImportAsync(Encoding.UTF8.GetBytes(file), "?from=linotp")).ReportAsync(HttpStatusCode.Created);

        Assert.Contains("PINs not carried: 1 SHA-256 without its seed, 1 encrypted under the old server's own key. Set them anew at the token, or take the codes alone.", report.Warnings);
        Assert.DoesNotContain("41ab42", string.Concat(report.Warnings), StringComparison.Ordinal);
        Assert.Equal(0, await server.WithDatabase(db => db.TokenPins.CountAsync(Cancel)));
        Assert.Equal(CounterFlags.None, (await server.CounterAsync("T1")).Flags);
    }

    [Fact]
    public async Task An_import_that_is_taken_back_takes_its_PINs_along()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var report = await (await server.ImportAsync(Encoding.UTF8.GetBytes($"HOTP alice geheim {Seed} 5\nHOTP bob + {Seed[..^2]}31 0\n"), "?from=pam-oath")).ReportAsync(HttpStatusCode.Created);
        Assert.Contains(report.Warnings, w => w.StartsWith("PINs not carried: 1 looked at elsewhere.", StringComparison.Ordinal));
        Assert.Equal(1, await server.WithDatabase(db => db.TokenPins.CountAsync(Cancel)));

        using var undone = await (await server.Client()).DeleteAsync($"/v1/imports/{report.Id}", Cancel);

        Assert.Equal(HttpStatusCode.NoContent, undone.StatusCode);
        Assert.Equal(0, await server.WithDatabase(db => db.TokenPins.CountAsync(Cancel)));
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static string Code(int counter) => Codes.Hotp(Codes.Secret, counter);

    /// <summary>Of the vectors that the old servers' own libraries made.</summary>
    private static string Hash(string what, int column = 2) =>
        File.ReadLines(Path.Combine(SourceTree.Root, "tests/OathServer.Tests/Validation/Pins/pin-hashes.tsv")).Select(l => l.Split('\t')).Single(c => c[0] == what)[column];

    private static async Task<string?> CheckAsync(ServerUnderTest server, string pass)
    {
        using var reply = await (await server.Client(role: null)).PostAsync(
            "/validate/check", new FormUrlEncodedContent([new("user", "alice"), new("pass", pass)]), Cancel);
        return (await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("detail").GetProperty("message").GetString();
    }
}
