using SecurityKeys.Cards;
using SecurityKeys.OathApplet;
using SecurityKeys.Piv;
using SecurityKeys.Virtual;

namespace SecurityKeys.Tests.Cards;

public sealed class IdentityAndTraceTests
{
    [Theory]
    [InlineData("00BC614E", "00BC614E")]
    [InlineData("00bc614e", "00BC614E")]
    [InlineData("00:bc:61:4e", "00BC614E")]
    [InlineData("4790 A1B2-C3D4", "4790A1B2C3D4")]
    public void A_CUID_is_read_in_any_usual_spelling_and_kept_in_one(string given, string canonical) =>
        Assert.Equal(canonical, Cuid.Parse(given).Text);

    [Theory]
    [InlineData("")]
    [InlineData("AB")]
    [InlineData("ABC")]
    [InlineData("00BC614G")]
    [InlineData("٠٠BC614E")]
    [InlineData("00BC614E\n")]
    public void What_is_no_hexadecimal_identity_is_refused(string given) => Assert.False(Cuid.TryParse(given, out _));

    [Fact]
    public void The_identity_of_a_YubiKey_is_its_serial_and_outlives_CHUID_and_reset()
    {
        var key = new VirtualKey(new VirtualKeyOptions { Serial = 12345678 });
        using var connection = key.Connect();
        var before = CuidReading.Read(connection);
        key.Fuzzable();

        Assert.Equal("00BC614E", before!.Value.Text);
        Assert.Equal(CuidSource.DeviceSerial, before.Value.Source);
        Assert.Equal(before, CuidReading.Read(connection));
        Assert.NotNull(SecurityKeyReport.Read(connection).Piv!.ChuidGuid);
    }

    [Fact]
    public void The_identity_of_a_plain_PIV_card_is_its_chip_and_its_PIN_state_is_honestly_unknown()
    {
        using var connection = new VirtualKey(new VirtualKeyOptions { Serial = 7, IsPlainPivCard = true }).Connect();

        var report = SecurityKeyReport.Read(connection);

        Assert.Equal("47900000000100000007", report.Cuid!.Value.Text);
        Assert.Equal(CuidSource.Cplc, report.Cuid.Value.Source);
        Assert.Equal(["PIV"], report.Applications);
        Assert.Null(report.Piv!.Pin);
        Assert.Equal(3, report.Piv.PinTriesLeft);
    }

    [Theory]
    [InlineData("3.4.0")]
    [InlineData("4.3.7")]
    public void Before_firmware_5_the_serial_is_read_from_the_OTP_application(string firmware)
    {
        using var connection =
            new VirtualKey(new VirtualKeyOptions { Serial = 12345678, Firmware = Version.Parse(firmware) }).Connect();

        var report = SecurityKeyReport.Read(connection);

        Assert.Null(report.Device!.Serial);
        Assert.Equal(12345678u, report.Serial);
        Assert.Equal(Cuid.FromSerial(12345678), report.Cuid);
    }

    [Fact]
    public void A_card_offers_its_identities_in_the_stated_order()
    {
        using var connection = new VirtualKey(new VirtualKeyOptions { Serial = 7, IsPlainPivCard = true }).Connect();

        var offered = CuidReading.Offered(connection).Select(c => c.Source);

        Assert.Equal([CuidSource.Cplc, CuidSource.ChuidGuid, CuidSource.CccCardId], offered);
    }

    [Fact]
    public void Below_firmware_5_3_the_key_cannot_tell_whether_its_PIN_is_default()
    {
        using var connection = new VirtualKey(new VirtualKeyOptions { Firmware = new Version(5, 2, 7) }).Connect();
        var piv = PivApplication.Select(connection);

        Assert.Null(piv.ReadPinMetadata());
        Assert.Null(piv.ReadManagementKeyMetadata());
        Assert.Equal(3, piv.ReadPinTriesLeft());
    }

    [Fact]
    public void A_trace_shows_what_was_done_and_no_secret()
    {
        var lines = new List<string>();
        using var connection = new TracedConnection(new VirtualKey().Connect(), lines.Add);
        var piv = PivApplication.Select(connection);
        piv.ChangePuk("12345678"u8, "87654321"u8);
        piv.ChangePin("123456"u8, "271828"u8);
        piv.VerifyPin("271828"u8);
        piv.AuthenticateManagementKey(PivApplication.FactoryManagementKey, ManagementKeyAlgorithm.TripleDes);
        piv.SetManagementKey("ABCDEFGHIJKLMNOPQRSTUVWX"u8, ManagementKeyAlgorithm.TripleDes);
        piv.StoreProtectedManagementKey("ABCDEFGHIJKLMNOPQRSTUVWX"u8);
        piv.ReadProtectedManagementKey();
        var oath = OathApplication.Select(connection);
        oath.Put(new NewOathCredential("bank:alice", OathType.Hotp, OathAlgorithm.Sha1, 6), "abcdefghijabcdefghij"u8);
        oath.CalculateHotp("bank:alice");

        var trace = string.Join('\n', lines);
        Assert.Contains("> 00240081[17 bytes]", trace);
        Assert.Contains("> 00A4040005A000000308", trace);
        foreach (var secret in new[] { "12345678", "87654321", "271828", "ABCDEFGH", "abcdefghij" })
            Assert.DoesNotContain(Convert.ToHexString(System.Text.Encoding.ASCII.GetBytes(secret)), trace);
    }

    [Fact]
    public void A_long_object_is_chained_out_and_collected_in()
    {
        using var connection = new VirtualKey().Connect();
        var piv = PivApplication.Select(connection);
        piv.AuthenticateManagementKey(PivApplication.FactoryManagementKey, ManagementKeyAlgorithm.TripleDes);
        var value = Enumerable.Range(0, 3000).Select(i => (byte)i).ToArray();

        piv.PutObject(0x5FC10A, value);

        Assert.Equal(value, piv.GetObject(0x5FC10A)!.Value.ToArray());
    }

    [Fact]
    public void Extended_length_carries_the_same()
    {
        var key = new VirtualKey();
        var channel = new AppletChannel(key.Connect()) { ExtendedLength = true };
        Assert.NotNull(channel.TrySelect(PivApplication.Aid));

        // VERIFY with 300 bytes: taken whole, and refused by the application rather than by the transport.
        Assert.Equal(StatusWord.WrongData,
            channel.Transmit(new CommandApdu(0x00, 0x20, 0x00, 0x80, new byte[300])).Status);
    }

    [Fact]
    public void A_wrong_Le_is_asked_again_with_the_right_one()
    {
        var card = new RecordingConnection(sent => sent[^1] == 0x07 ? [1, 2, 3, 4, 5, 6, 7, 0x90, 0x00] : [0x6C, 0x07]);

        var answer = new AppletChannel(card).Transmit(new CommandApdu(0x00, 0xCA, 0x9F, 0x7F, Le: 0));

        Assert.Equal(7, answer.Data.Length);
        Assert.Equal(2, card.Sent.Count);
    }

    [Fact]
    public void An_attestation_tells_the_serial_and_is_signed_by_the_keys_own_key()
    {
        using var connection = new VirtualKey(new VirtualKeyOptions { Serial = 3_000_000_000 }).Connect();
        var piv = PivApplication.Select(connection);
        Assert.Null(piv.Attest(0x9A));
        piv.AuthenticateManagementKey(PivApplication.FactoryManagementKey, ManagementKeyAlgorithm.TripleDes);
        piv.GenerateP256(0x9A);

        using var attestation = piv.Attest(0x9A)!;
        using var signer = piv.GetAttestationCertificate()!;
        using var stranger = PivApplication.Select(new VirtualKey().Connect()).GetAttestationCertificate()!;

        Assert.Equal(3_000_000_000, attestation.Serial);
        Assert.Equal(new Version(5, 4, 3), attestation.Firmware);
        Assert.True(attestation.IsSignedBy(signer));
        Assert.False(attestation.IsSignedBy(stranger));
    }

    [Fact]
    public void A_reset_is_refused_until_PIN_and_PUK_are_both_blocked()
    {
        var key = new VirtualKey();
        using var connection = key.Connect();
        var piv = PivApplication.Select(connection);
        Assert.Equal(StatusWord.ConditionsNotSatisfied, Assert.Throws<CardStatusException>(piv.Reset).Status);

        for (var i = 0; i < 3; i++) piv.VerifyPin("000000"u8);
        for (var i = 0; i < 3; i++) piv.ChangePuk("00000000"u8, "87654321"u8);
        piv.Reset();

        Assert.Equal(new PinMetadata(true, 3, 3), piv.ReadPinMetadata());
        Assert.Equal(new PinMetadata(true, 3, 3), piv.ReadPukMetadata());
    }
}
