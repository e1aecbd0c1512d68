using SecurityKeys.Virtual;

namespace SecurityKeys.Tests.Judges;

/// <summary>What no command line reaches over a reader: OTP slots by yubikit, FIDO2 by python-fido2.</summary>
[Collection("readers")]
public sealed class LibraryTests(PrivatePcscd pcscd)
{
    [Fact]
    public async Task yubikit_programs_HOTP_slots_and_the_touch_types_the_expected_code()
    {
        var key = new VirtualKey(new VirtualKeyOptions { Serial = 99 });
        await using var inserted = Insert(key, PrivatePcscd.YubicoReader);

        Assert.Equal(["serial 99", "guarded", "configured True True"], Script("yubikit-slots.py", inserted.Reader));
        Assert.Equal(4096u, key.Peek().Slots[0].MovingFactor);
        // Counts 4096 and 16 of the RFC 4226 secret, by Otp.NET; the second after its OATH token identifier.
        Assert.Equal(new OtpNet.Hotp("12345678901234567890"u8.ToArray()).ComputeHOTP(4096), key.Touch(1));
        Assert.Equal("ubhe05174211" + new OtpNet.Hotp("12345678901234567890"u8.ToArray(), hotpSize: 8).ComputeHOTP(16), key.Touch(2));
    }

    [Fact]
    public async Task yubikit_empties_the_slots_again()
    {
        await using var inserted = Insert(new VirtualKey(), PrivatePcscd.YubicoReader);

        Assert.Equal("configured False False", Script("yubikit-slots.py", inserted.Reader, "delete")[^1]);
    }

    [Fact]
    public async Task python_fido2_sets_PIN_minimum_length_and_forced_change()
    {
        var key = new VirtualKey();
        await using var inserted = Insert(key, PrivatePcscd.PlainReader);

        Assert.Equal(
            [
                "versions U2F_V2,FIDO_2_0,FIDO_2_1 clientPin False", "tries 8", "wrong PIN_INVALID 7", "rules 6 True",
            ],
            Script("fido2-pin.py", inserted.Reader));
        Assert.Equal("271828"u8.ToArray(), key.Peek().Fido!.Pin);
    }

    private string[] Script(string name, params string[] arguments)
    {
        var run = pcscd.Run("/usr/bin/python3",
            [Path.Combine(AppContext.BaseDirectory, "Judges", name), .. arguments]);
        Assert.True(run.ExitCode == 0, run.Output);
        return run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }

    private InsertedKey Insert(VirtualKey key, string reader)
    {
        Assert.SkipWhen(pcscd.Missing is not null, pcscd.Missing ?? "");
        Assert.SkipUnless(Directory.Exists("/usr/lib/python3/dist-packages/yubikit"), "yubikit is not installed");
        return pcscd.Insert(key, reader);
    }
}
