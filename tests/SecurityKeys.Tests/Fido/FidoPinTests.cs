using SecurityKeys.Fido;
using SecurityKeys.Virtual;

namespace SecurityKeys.Tests.Fido;

public sealed class FidoPinTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_PIN_is_set_and_changed_and_wrong_ones_are_counted(int protocol)
    {
        var key = new VirtualKey();
        using var connection = key.Connect();
        var fido = FidoApplication.TrySelect(connection)!;
        Assert.False(fido.GetInfo()!.PinIsSet);

        fido.SetPin("1234"u8, protocol);
        Assert.True(Assert.Throws<FidoStatusException>(() => fido.ChangePin("0000"u8, "271828"u8, protocol)).IsWrongPin);
        Assert.Equal(7, fido.GetPinTriesLeft());
        fido.ChangePin("1234"u8, "271828"u8, protocol);

        Assert.True(fido.GetInfo()!.PinIsSet);
        Assert.Equal(8, fido.GetPinTriesLeft());
        Assert.Equal("271828"u8.ToArray(), key.Peek().Fido!.Pin);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Minimum_length_and_forced_change_are_set_with_the_PIN_and_end_with_a_new_one(int protocol)
    {
        using var connection = new VirtualKey().Connect();
        var fido = FidoApplication.TrySelect(connection)!;
        fido.SetPin("123456"u8);

        fido.SetMinPinLength(6, forceChange: true, "123456"u8, protocol);
        Assert.True(fido.GetInfo() is { MinPinLength: 6, ForcePinChange: true });

        Assert.Equal(0x37, Assert.Throws<FidoStatusException>(() => fido.ChangePin("123456"u8, "2718"u8)).Status);
        fido.ChangePin("123456"u8, "314159"u8);
        Assert.False(fido.GetInfo()!.ForcePinChange);
        Assert.Equal(0x37, Assert.Throws<FidoStatusException>(
            () => fido.SetMinPinLength(4, forceChange: false, "314159"u8)).Status);
    }

    [Fact]
    public void Three_wrong_PINs_ask_for_a_new_power_up_and_eight_block()
    {
        var key = new VirtualKey();
        FidoApplication.TrySelect(key.Connect())!.SetPin("1234"u8);
        byte last = 0;
        for (var i = 0; i < 8; i++)
        {
            if (i % 3 == 0) key.PowerCycle();
            last = Assert.Throws<FidoStatusException>(
                () => FidoApplication.TrySelect(key.Connect())!.ChangePin("0000"u8, "2718"u8)).Status;
            if (i == 2) Assert.Equal(0x34, last);
        }
        Assert.Equal(0x32, last);
        Assert.Equal(0, key.Peek().Fido!.TriesLeft);
    }

    [Fact]
    public void A_reset_must_be_confirmed_in_code_and_comes_within_ten_seconds_of_power_up()
    {
        var clock = new HandClock();
        var key = new VirtualKey(new VirtualKeyOptions { Clock = clock });
        var fido = FidoApplication.TrySelect(key.Connect())!;
        fido.SetPin("1234"u8);
        Assert.Throws<ArgumentException>(() => fido.Reset(FidoReset.NotConfirmed));

        clock.Now += TimeSpan.FromSeconds(11);
        Assert.Equal(0x30, Assert.Throws<FidoStatusException>(() => fido.Reset(FidoReset.DestroyEveryRegistration)).Status);
        key.PowerCycle();
        FidoApplication.TrySelect(key.Connect())!.Reset(FidoReset.DestroyEveryRegistration);

        Assert.Null(key.Peek().Fido!.Pin);
    }

    private sealed class HandClock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = DateTimeOffset.UnixEpoch;

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
