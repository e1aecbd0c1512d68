using OtpNet;
using SecurityKeys.Cards;
using SecurityKeys.OathApplet;
using SecurityKeys.Piv;
using SecurityKeys.Virtual;

namespace SecurityKeys.Tests.Virtual;

public sealed class ProvisioningByDriverTests
{
    private static readonly byte[] Secret = "12345678901234567890"u8.ToArray();

    [Fact]
    public void A_fresh_key_says_that_PIN_PUK_and_management_key_are_factory_values()
    {
        using var connection = new VirtualKey().Connect();
        var piv = PivApplication.Select(connection);

        Assert.Equal(new PinMetadata(IsDefault: true, TriesTotal: 3, TriesLeft: 3), piv.ReadPinMetadata());
        Assert.Equal(new PinMetadata(IsDefault: true, TriesTotal: 3, TriesLeft: 3), piv.ReadPukMetadata());
        Assert.Equal(new ManagementKeyMetadata(ManagementKeyAlgorithm.TripleDes, IsDefault: true, TouchNeeded: false),
            piv.ReadManagementKeyMetadata());
    }

    [Fact]
    public void PUK_and_PIN_are_changed_and_no_longer_default()
    {
        var key = new VirtualKey();
        using var connection = key.Connect();
        var piv = PivApplication.Select(connection);

        Assert.True(piv.ChangePuk(PivApplication.FactoryPuk, "87654321"u8).Accepted);
        Assert.True(piv.ChangePin(PivApplication.FactoryPin, "271828"u8).Accepted);

        Assert.False(piv.ReadPukMetadata()!.IsDefault);
        Assert.False(piv.ReadPinMetadata()!.IsDefault);
        Assert.Equal("87654321"u8.ToArray(), key.Peek().Piv.Puk);
        Assert.Equal("271828"u8.ToArray(), key.Peek().Piv.Pin);
    }

    [Fact]
    public void Wrong_PINs_are_counted_until_blocked_and_the_PUK_unblocks()
    {
        using var connection = new VirtualKey().Connect();
        var piv = PivApplication.Select(connection);

        Assert.Equal(new PinVerdict(PinOutcome.Wrong, 2), piv.VerifyPin("000000"u8));
        Assert.Equal(new PinVerdict(PinOutcome.Wrong, 1), piv.VerifyPin("000000"u8));
        Assert.Equal(new PinVerdict(PinOutcome.Blocked, 0), piv.VerifyPin("000000"u8));
        Assert.Equal(new PinVerdict(PinOutcome.Blocked, 0), piv.VerifyPin(PivApplication.FactoryPin));
        Assert.Equal(new PinVerdict(PinOutcome.Wrong, 2), piv.UnblockPin("00000000"u8, "314159"u8));
        Assert.True(piv.UnblockPin(PivApplication.FactoryPuk, "314159"u8).Accepted);
        Assert.True(piv.VerifyPin("314159"u8).Accepted);
    }

    [Theory]
    [InlineData(ManagementKeyAlgorithm.TripleDes, 24)]
    [InlineData(ManagementKeyAlgorithm.Aes128, 16)]
    [InlineData(ManagementKeyAlgorithm.Aes192, 24)]
    [InlineData(ManagementKeyAlgorithm.Aes256, 32)]
    public void A_management_key_is_set_and_from_then_on_the_only_one(ManagementKeyAlgorithm algorithm, int length)
    {
        var next = Enumerable.Range(0x21, length).Select(i => (byte)i).ToArray();
        using var connection = new VirtualKey().Connect();
        var piv = PivApplication.Select(connection);

        Assert.True(piv.AuthenticateManagementKey(PivApplication.FactoryManagementKey, ManagementKeyAlgorithm.TripleDes));
        piv.SetManagementKey(next, algorithm);

        piv = PivApplication.Select(connection);
        Assert.Equal(new ManagementKeyMetadata(algorithm, IsDefault: false, TouchNeeded: false),
            piv.ReadManagementKeyMetadata());
        if (length == 24) Assert.False(piv.AuthenticateManagementKey(PivApplication.FactoryManagementKey, algorithm));
        Assert.True(piv.AuthenticateManagementKey(next, algorithm));
    }

    [Fact]
    public void Setting_the_number_of_tries_puts_PIN_and_PUK_back_to_factory_values()
    {
        using var connection = new VirtualKey().Connect();
        var piv = PivApplication.Select(connection);
        piv.ChangePuk(PivApplication.FactoryPuk, "87654321"u8).ThrowIfRefused("change the PUK");

        Assert.Equal(StatusWord.SecurityNotSatisfied,
            Assert.Throws<CardStatusException>(() => piv.SetPinRetries(8, 5)).Status);
        piv.AuthenticateManagementKey(PivApplication.FactoryManagementKey, ManagementKeyAlgorithm.TripleDes);
        piv.VerifyPin(PivApplication.FactoryPin).ThrowIfRefused("verify the PIN");
        piv.SetPinRetries(8, 5);

        Assert.Equal(new PinMetadata(IsDefault: true, TriesTotal: 8, TriesLeft: 8), piv.ReadPinMetadata());
        Assert.Equal(new PinMetadata(IsDefault: true, TriesTotal: 5, TriesLeft: 5), piv.ReadPukMetadata());
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(1u)]
    [InlineData(483_920u)]
    [InlineData(uint.MaxValue)]
    public void The_first_code_is_that_of_the_counter_written_and_asking_moves_it_on(uint counter)
    {
        var key = new VirtualKey();
        using var connection = key.Connect();
        var oath = OathApplication.Select(connection);

        oath.Put(new NewOathCredential("bank:alice", OathType.Hotp, OathAlgorithm.Sha1, 6, counter), Secret);

        Assert.Equal(new Hotp(Secret).ComputeHOTP(counter), oath.CalculateHotp("bank:alice"));
        Assert.Equal(unchecked(counter + 1), Assert.Single(key.Peek().Oath).MovingFactor);
        Assert.Equal([new OathCredential("bank:alice", OathType.Hotp, OathAlgorithm.Sha1)], oath.List());
    }

    [Fact]
    public void A_command_whose_answer_was_lost_was_carried_out_all_the_same()
    {
        var key = new VirtualKey();
        var piv = PivApplication.Select(key.Connect());
        key.PullAfter(1);
        Assert.Throws<CardRemovedException>(() => piv.ChangePuk(PivApplication.FactoryPuk, "87654321"u8));
        Assert.Throws<CardRemovedException>(() => piv.ReadPukMetadata());

        var again = PivApplication.Select(key.Connect());
        key.PullBefore(1);
        Assert.Throws<CardRemovedException>(() => again.ChangePin(PivApplication.FactoryPin, "271828"u8));

        Assert.Equal("87654321"u8.ToArray(), key.Peek().Piv.Puk);
        Assert.Equal("123456"u8.ToArray(), key.Peek().Piv.Pin);
    }
}
