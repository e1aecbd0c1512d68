using System.Net;
using System.Text;
using OathServer.Import;
using OathServer.Storage;
using OathServer.Tests.Interop;

namespace OathServer.Tests.Import;

/// <summary>Files as the old systems write them; the old system's next code, made by oathtool, decides whether the counter
/// was carried right.</summary>
public class MigrationTests
{
    // Columns as the systems name them in their own schemas.
    private const string PrivacyIdea = """
        id,description,serial,tokentype,otpkey,otplen,maxfail,active,revoked,locked,failcount,count,count_window,sync_window,rollout_state,hashlib,username,pin_hash
        1,,OATH0001,hotp,3132333435363738393031323334353637383930,6,10,1,0,0,0,17,10,1000,,sha1,alice,$argon2id$v=19$m=65536$xyz
        2,,OATH0002,HOTP,4142434445464748494a4b4c4d4e4f5051525354,8,10,1,0,0,0,3,25,1000,,sha256,bob,
        3,,OATH0003,hotp,5152535455565758595a5b5c5d5e5f6061626364,6,10,0,0,0,0,5,10,1000,,sha1,,
        4,,OATH0004,hotp,6162636465666768696a6b6c6d6e6f7071727374,6,10,1,1,0,0,5,10,1000,,sha1,,
        5,,OATH0005,hotp,7172737475767778797a7b7c7d7e7f8081828384,6,10,1,0,0,10,5,10,1000,,sha1,,
        6,,PISM0001,sms,NULL,6,10,1,0,0,0,0,10,1000,,,carol,
        7,,PIPW0001,pw,NULL,6,10,1,0,0,0,0,10,1000,,,carol,
        """;

    private const string LinOtp = """
        LinOtpTokenId,LinOtpTokenSerialnumber,LinOtpTokenType,LinOtpTokenInfo,LinOtpPinHash,LinOtpOtpLen,secret,LinOtpIsactive,LinOtpFailCount,LinOtpMaxFail,LinOtpCount,LinOtpCountWindow,username
        1,LSHO0001,HMAC,"{""hashlib"": ""sha1""}",@@41ab,6,3132333435363738393031323334353637383930,1,0,10,17,10,alice
        2,LSTO0001,TOTP,"{""hashlib"": ""sha1"", ""timeStep"": ""60""}",,6,4142434445464748494a4b4c4d4e4f5051525354,1,0,10,0,10,bob
        """;

    private const string MultiOtp = """
        algorithm;attributed_users;error_counter;last_event;locked;manufacturer;number_of_digits;time_interval;token_algo_suite;token_seed;token_serial
        HOTP;alice;0;16;0;multiOTP;6;0;HMAC-SHA1;3132333435363738393031323334353637383930;MO0001
        HOTP;bob,carol;0;-1;0;multiOTP;6;0;HMAC-SHA1;4142434445464748494a4b4c4d4e4f5051525354;MO0002
        TOTP;dave;0;-1;1;multiOTP;6;60;HMAC-SHA1;5152535455565758595a5b5c5d5e5f6061626364;MO0003
        mOTP;erin;0;-1;0;multiOTP;6;10;;6162636465666768696a6b6c6d6e6f7071727374;MO0004
        """;

    private const string FreeIpa = """
        version: 1

        dn: ipatokenuniqueid=5f1c,cn=otp,dc=example,dc=org
        objectClass: ipatoken
        objectClass: ipatokenHOTP
        ipatokenUniqueID: 5f1c
        ipatokenOwner: uid=alice,cn=users,cn=accounts,dc=example,dc=org
        ipatokenOTPkey:: MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=
        ipatokenOTPalgorithm: sha1
        ipatokenOTPdigits: 6
        ipatokenHOTPcounter: 17
        """;

    [Theory]
    [InlineData("privacyidea", PrivacyIdea)]
    [InlineData("linotp", LinOtp)]
    [InlineData("multiotp", MultiOtp)]
    [InlineData("freeipa", FreeIpa)]
    public async Task The_old_servers_next_code_is_the_next_one_here_and_its_last_one_is_refused(string from, string file)
    {
        await using var server = await ServerUnderTest.StartAsync();

        var report = await (await server.ImportAsync(Encoding.UTF8.GetBytes(file), $"?from={from}")).ReportAsync(HttpStatusCode.Created);

        // All of these stand behind counter 16, which the old server accepted last.
        var alice = Assert.Single(report.Keys, k => k.User == "alice");
        Assert.Equal(17, alice.Counter);
        Assert.False(await server.AcceptsAsync(alice.Serial, await OathtoolAsync(16)));
        Assert.True(await server.AcceptsAsync(alice.Serial, await OathtoolAsync(17)));
        Assert.Contains(report.Warnings, w => w.StartsWith("Not carried from ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_privacyIDEA_had_of_types_PINs_windows_and_states_is_carried_or_said()
    {
        await using var server = await ServerUnderTest.StartAsync();

        var report = await (await server.ImportAsync(Encoding.UTF8.GetBytes(PrivacyIdea), "?from=privacyidea")).ReportAsync(HttpStatusCode.Created);

        Assert.Equal((5, 2), (report.Totals.Imported, report.Totals.NotEnrolled));
        Assert.Contains("Not validated here: 1 PW, 1 SMS.", report.Warnings);
        Assert.Contains(report.Warnings, w => w.StartsWith("PINs not carried: 1 Argon2 that is damaged", StringComparison.Ordinal));
        Assert.Contains(report.Warnings, w => w.Contains("4 of 10, 1 of 25", StringComparison.Ordinal));
        Assert.DoesNotContain("xyz", string.Concat(report.Warnings), StringComparison.Ordinal);
        Assert.Equal(
            [TokenState.Imported, TokenState.Imported, TokenState.Suspended, TokenState.Disabled, TokenState.Suspended],
            [.. (await Task.WhenAll(Enumerable.Range(1, 5).Select(i => server.CounterAsync($"OATH000{i}")))).Select(c => c.State)]);
        var kept = await server.WithDatabase(db => Task.FromResult(db.Imports.Single().Report));
        Assert.Contains("Not validated here", kept, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_multiOTP_token_never_used_starts_at_its_first_code_and_a_shared_one_gets_no_holder()
    {
        await using var server = await ServerUnderTest.StartAsync();

        var report = await (await server.ImportAsync(Encoding.UTF8.GetBytes(MultiOtp), "?from=multiotp")).ReportAsync(HttpStatusCode.Created);

        var shared = report.Keys.Single(k => k.Serial == "MO0002");
        Assert.Equal((0L, null), (shared.Counter, shared.User));
        Assert.Contains("2 users shared it", shared.Why, StringComparison.Ordinal);
        Assert.Equal(TokenState.Suspended, (await server.CounterAsync("MO0003")).State);
        Assert.Equal(KeyOutcome.NotEnrolled, report.Keys.Single(k => k.Serial == "MO0004").What);
    }

    [Theory]
    [InlineData("privacyidea", "serial,tokentype,key_enc,key_iv,count\nOATH1,hotp,00ff,00ff,1\n", "encrypted under privacyIDEA's own key")]
    [InlineData("linotp", "LinOtpTokenSerialnumber,LinOtpKeyEnc,LinOtpCount\nL1,00ff,1\n", "encrypted under LinOTP's own key")]
    [InlineData("multiotp", "token_serial;last_event\nM1;1\n", "names no column with secrets")]
    public async Task A_table_whose_secrets_are_not_open_is_refused_with_the_way_out(string from, string file, string says)
    {
        await using var server = await ServerUnderTest.StartAsync();

        var problem = await (await server.ImportAsync(Encoding.UTF8.GetBytes(file), $"?from={from}")).ProblemAsync(HttpStatusCode.UnprocessableEntity);

        Assert.Contains(says, problem.ToString(), StringComparison.Ordinal);
        Assert.Equal((0, 0, 0, 0), await server.RowsAsync());
    }

    [Fact]
    public async Task A_file_that_pam_oath_itself_has_written_after_a_login_moves_in_without_reopening_the_code()
    {
        using var pam = Pam.With(
            "auth required pam_oath.so usersfile={0}/users.oath window=20 digits=6\naccount required pam_permit.so\n",
            ("users.oath", "HOTP alice - " + Convert.ToHexString(Codes.Secret) + " 0\n"));
        Assert.True(await pam.AcceptsAsync("alice", await OathtoolAsync(16)));
        await using var server = await ServerUnderTest.StartAsync();

        var report = await (await server.ImportAsync(await File.ReadAllBytesAsync(pam.PathOf("users.oath"), Cancel), "?from=pam-oath")).ReportAsync(HttpStatusCode.Created);

        var alice = Assert.Single(report.Keys);
        Assert.Equal(17, alice.Counter);
        Assert.False(await server.AcceptsAsync(alice.Serial, await OathtoolAsync(16)));
        Assert.True(await server.AcceptsAsync(alice.Serial, await OathtoolAsync(17)));
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static async Task<string> OathtoolAsync(int counter) =>
        (await CommandLine.PeerAsync("/usr/bin/oathtool", "-c", $"{counter}", Convert.ToHexString(Codes.Secret))).Trim();
}
