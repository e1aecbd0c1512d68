using OtpNet;
using SecurityKeys.Virtual;

namespace SecurityKeys.Tests.Judges;

/// <summary>Yubico's own command line, which knows nothing of us, drives the virtual key through pcscd.</summary>
[Collection("readers")]
public sealed class YkmanTests(PrivatePcscd pcscd) : IAsyncLifetime
{
    private const string NewKey = "a1a2a3a4a5a6a7a8b1b2b3b4b5b6b7b8c1c2c3c4c5c6c7c8";
    private readonly VirtualKey key = new(new VirtualKeyOptions { Serial = 7654321 });
    private InsertedKey? inserted;

    public ValueTask InitializeAsync()
    {
        if (pcscd.Missing is null) inserted = pcscd.Insert(key);
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => inserted?.DisposeAsync() ?? ValueTask.CompletedTask;

    [Fact]
    public void It_sees_a_YubiKey_with_serial_firmware_and_applications()
    {
        var info = Accepted("info");

        Assert.Contains("Serial number: 7654321", info);
        Assert.Contains("Firmware version: 5.4.3", info);
        Assert.Contains("Form factor: Keychain (USB-A)", info);
        foreach (var application in new[] { "OTP", "FIDO U2F", "FIDO2", "OATH", "PIV" })
            Assert.Matches($@"(?m)^{application}\s+Enabled", info);
    }

    [Fact]
    public void It_adds_lists_uses_renames_and_deletes_HOTP_credentials()
    {
        var secret = Base32Encoding.ToString("12345678901234567890"u8.ToArray());
        Accepted("oath", "accounts", "add", "-o", "HOTP", "-c", "5", "-i", "bank", "alice", secret);
        Accepted("oath", "accounts", "add", "-o", "TOTP", "-d", "8", "-a", "SHA256", "clock", secret);

        Assert.Equal(["bank:alice", "clock"], Lines(Accepted("oath", "accounts", "list")));
        // RFC 4226 appendix D: counts 5 and 6.
        Assert.Contains("254676", Accepted("oath", "accounts", "code", "bank:alice"));
        Assert.Contains("287922", Accepted("oath", "accounts", "code", "bank:alice"));
        Assert.Matches(@"clock\s+\d{8}", Accepted("oath", "accounts", "code", "clock"));
        Accepted("oath", "accounts", "rename", "-f", "bank:alice", "bank:bob");
        Assert.Contains("162583", Accepted("oath", "accounts", "code", "bank:bob"));
        Accepted("oath", "accounts", "delete", "-f", "bank:bob");
        Assert.Equal(["clock"], Lines(Accepted("oath", "accounts", "list")));
        Accepted("oath", "reset", "-f");
        Assert.Empty(Lines(Accepted("oath", "accounts", "list")));
    }

    [Fact]
    public void It_sets_an_access_code_and_is_asked_for_it()
    {
        Accepted("oath", "access", "change", "-n", "let me in");

        Refused("oath", "accounts", "list", "-p", "wrong");
        Accepted("oath", "accounts", "list", "-p", "let me in");
        Accepted("oath", "access", "change", "-c", "-p", "let me in");
        Accepted("oath", "accounts", "list");
    }

    [Fact]
    public void It_is_told_when_the_OATH_application_is_full()
    {
        for (var i = 0; i < key.Options.OathCapacity; i++) key.Fill($"name {i}");

        Assert.Contains("No space", Refused("oath", "accounts", "add", "-o", "HOTP", "-f", "one too many", "JBSWY3DPEHPK3PXP"));
    }

    [Fact]
    public void It_reads_PIV_state_and_changes_PIN_PUK_and_management_key()
    {
        var info = Accepted("piv", "info");
        Assert.Contains("PIN tries remaining: 3/3", info);
        Assert.Contains("WARNING: Using default PIN!", info);
        Assert.Contains("WARNING: Using default Management key!", info);

        Assert.Contains("2 tries left", Refused("piv", "access", "change-pin", "-P", "000000", "-n", "271828"));
        Accepted("piv", "access", "change-pin", "-P", "123456", "-n", "271828");
        Accepted("piv", "access", "change-puk", "-p", "12345678", "-n", "87654321");
        Accepted("piv", "access", "change-management-key", "-m", DefaultKey, "-n", NewKey, "-f");
        Accepted("piv", "access", "change-management-key", "-m", NewKey, "-n", NewKey, "-a", "AES192", "-f");

        info = Accepted("piv", "info");
        Assert.DoesNotContain("WARNING", info);
        Assert.Contains("Management key algorithm: AES192", info);
        Assert.Equal("271828"u8.ToArray(), key.Peek().Piv.Pin);
        Assert.Equal("87654321"u8.ToArray(), key.Peek().Piv.Puk);
        Assert.Equal(NewKey, Convert.ToHexStringLower(key.Peek().Piv.ManagementKey));
    }

    [Fact]
    public void It_protects_the_management_key_by_the_PIN_and_uses_it_so()
    {
        Accepted("piv", "access", "change-management-key", "-m", DefaultKey, "-p", "-P", "123456", "-f");

        Assert.Contains("protected by PIN", Accepted("piv", "info"));
        Accepted("piv", "objects", "generate", "-P", "123456", "CHUID");
        Accepted("piv", "objects", "generate", "-P", "123456", "CCC");
        Assert.Contains("CHUID:", Accepted("piv", "info"));
    }

    [Fact]
    public void It_blocks_and_unblocks_the_PIN_sets_tries_and_resets()
    {
        for (var i = 0; i < 3; i++) Refused("piv", "access", "change-pin", "-P", "000000", "-n", "271828");
        Assert.Contains("PIN tries remaining: 0/3", Accepted("piv", "info"));
        Assert.Contains("blocked", Refused("piv", "access", "change-pin", "-P", "123456", "-n", "271828"));
        Accepted("piv", "access", "unblock-pin", "-p", "12345678", "-n", "314159");

        Accepted("piv", "access", "set-retries", "-m", DefaultKey, "-P", "314159", "-f", "8", "5");
        var info = Accepted("piv", "info");
        Assert.Contains("PIN tries remaining: 8/8", info);
        Assert.Contains("WARNING: Using default PIN!", info); // setting the tries put it back

        Accepted("piv", "access", "change-puk", "-p", "12345678", "-n", "87654321");
        Accepted("piv", "reset", "-f");
        Assert.Contains("PIN tries remaining: 3/3", Accepted("piv", "info"));
        Assert.Equal("12345678"u8.ToArray(), key.Peek().Piv.Puk);
    }

    [Fact]
    public void It_generates_a_key_and_reads_an_attestation_that_names_the_serial()
    {
        Accepted("piv", "keys", "generate", "-m", DefaultKey, "-a", "ECCP256", "9a", "-");

        Assert.Contains("BEGIN CERTIFICATE", Accepted("piv", "keys", "attest", "9a", "-"));
    }

    private const string DefaultKey = "010203040506070801020304050607080102030405060708";

    private string Accepted(params string[] arguments)
    {
        var run = Run(arguments);
        Assert.True(run.ExitCode == 0, run.Output);
        return run.Output;
    }

    private string Refused(params string[] arguments)
    {
        var run = Run(arguments);
        Assert.True(run.ExitCode != 0, run.Output);
        return run.Output;
    }

    private ToolRun Run(string[] arguments)
    {
        Assert.SkipWhen(pcscd.Missing is not null, pcscd.Missing ?? "");
        Assert.SkipUnless(File.Exists("/usr/bin/ykman"), "ykman is not installed");
        // vpcd shows two slots of one name, so the serial says which is meant.
        return pcscd.Run("/usr/bin/ykman", ["--device", "7654321", .. arguments]);
    }

    private static string[] Lines(string text) =>
        text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
