using SecurityKeys.Virtual;

namespace SecurityKeys.Tests.Judges;

/// <summary>yubico-piv-tool (C) and OpenSC (C, another maker) against the virtual key.</summary>
[Collection("readers")]
public sealed class OtherToolsTests(PrivatePcscd pcscd)
{
    [Fact]
    public async Task yubico_piv_tool_reads_status_changes_PIN_and_PUK_and_unblocks()
    {
        var key = new VirtualKey();
        await using var inserted = Insert(key, PrivatePcscd.YubicoReader);

        Assert.Contains("PIN tries left:\t3", Tool(0, "-a", "status"));
        Tool(0, "-a", "verify-pin", "-P", "123456");
        Assert.Contains("2 tries left", Tool(1, "-a", "verify-pin", "-P", "000000"));
        Tool(0, "-a", "change-pin", "-P", "123456", "-N", "271828");
        Tool(0, "-a", "change-puk", "-P", "12345678", "-N", "87654321");
        for (var i = 0; i < 3; i++) Tool(1, "-a", "verify-pin", "-P", "000000");
        Assert.Contains("blocked", Tool(1, "-a", "verify-pin", "-P", "271828"));
        Tool(0, "-a", "unblock-pin", "-P", "87654321", "-N", "314159");
        Tool(0, "-a", "set-chuid");
        Tool(0, "-a", "set-ccc");
        Assert.Contains("3019d4e739da739ced39ce739d836858210842108421c84210c3eb3410",
            Tool(0, "-a", "read-object", "--id", "0x5fc102", "-f", "hex"));

        Assert.Equal("314159"u8.ToArray(), key.Peek().Piv.Pin);
        Assert.Equal("87654321"u8.ToArray(), key.Peek().Piv.Puk);

        string Tool(int expected, params string[] arguments)
        {
            var run = pcscd.Run("/usr/bin/yubico-piv-tool", ["-r", inserted.Reader, .. arguments]);
            Assert.True((run.ExitCode != 0) == (expected != 0), run.Output);
            return run.Output;
        }
    }

    [Fact]
    public async Task yubico_piv_tool_generates_signs_and_verifies_attestation()
    {
        await using var inserted = Insert(new VirtualKey(), PrivatePcscd.YubicoReader);

        var made = pcscd.Run("/usr/bin/yubico-piv-tool", "-r", inserted.Reader, "-a", "generate", "-s", "9a", "-A", "ECCP256");
        Assert.Contains("BEGIN PUBLIC KEY", made.Output);
        var attested = pcscd.Run("/usr/bin/yubico-piv-tool", "-r", inserted.Reader, "-a", "attest", "-s", "9a");
        Assert.Contains("BEGIN CERTIFICATE", attested.Output);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OpenSC_recognises_a_PIV_card_and_its_PIN(bool plain)
    {
        var key = new VirtualKey(new VirtualKeyOptions { IsPlainPivCard = plain });
        await using var inserted = Insert(key, PrivatePcscd.PlainReader);

        Assert.Contains(inserted.Reader, pcscd.Run("/usr/bin/opensc-tool", "-l").Output);
        var name = pcscd.Run("/usr/bin/opensc-tool", "-r", inserted.Reader, "-n");
        Assert.Contains("Personal Identity Verification Card", name.Output);
        var pins = pcscd.Run("/usr/bin/pkcs15-tool", "-r", inserted.Reader, "--list-pins");
        Assert.Contains("PIN", pins.Output);
        var verified = pcscd.Run("/usr/bin/pkcs15-tool", "-r", inserted.Reader, "--verify-pin", "--auth-id", "01", "--pin", "123456");
        Assert.True(verified.ExitCode == 0, verified.Output);
        var wrong = pcscd.Run("/usr/bin/pkcs15-tool", "-r", inserted.Reader, "--verify-pin", "--auth-id", "01", "--pin", "000000");
        Assert.True(wrong.ExitCode != 0, wrong.Output);
        var changed = pcscd.Run("/usr/bin/pkcs15-tool", "-r", inserted.Reader, "--change-pin", "--auth-id", "01",
            "--pin", "123456", "--new-pin", "271828");
        Assert.True(changed.ExitCode == 0, changed.Output);
        var unblocked = pcscd.Run("/usr/bin/pkcs15-tool", "-r", inserted.Reader, "--unblock-pin", "--auth-id", "01",
            "--puk", "12345678", "--new-pin", "314159");
        Assert.True(unblocked.ExitCode == 0, unblocked.Output);
        Assert.Equal("314159"u8.ToArray(), key.Peek().Piv.Pin);
    }

    private InsertedKey Insert(VirtualKey key, string reader)
    {
        Assert.SkipWhen(pcscd.Missing is not null, pcscd.Missing ?? "");
        Assert.SkipUnless(File.Exists("/usr/bin/yubico-piv-tool") && File.Exists("/usr/bin/pkcs15-tool"),
            "yubico-piv-tool or opensc is not installed");
        return pcscd.Insert(key, reader);
    }
}
