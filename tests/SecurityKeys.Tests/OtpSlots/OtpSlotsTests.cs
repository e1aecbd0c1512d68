using OtpNet;
using SecurityKeys.OtpSlots;
using SecurityKeys.Virtual;

namespace SecurityKeys.Tests.OtpSlots;

public sealed class OtpSlotsTests
{
    private static readonly byte[] Secret = "12345678901234567890"u8.ToArray();

    [Theory]
    [InlineData(1, 6, 0u)]
    [InlineData(2, 8, 4096u)]
    [InlineData(1, 8, 0xFFFF0u)]
    public void A_slot_types_the_codes_of_the_secret_from_the_counter_on(int slot, int digits, uint counter)
    {
        var key = new VirtualKey();
        using var connection = key.Connect();
        OtpSlotsApplication.TrySelect(connection)!.PutHotp(slot, Secret, digits, counter);

        Assert.Equal(new Hotp(Secret, hotpSize: digits).ComputeHOTP(counter), key.Touch(slot));
        Assert.Equal(new Hotp(Secret, hotpSize: digits).ComputeHOTP(counter + 1), key.Touch(slot));
    }

    [Theory]
    [InlineData(0, 0u)]
    [InlineData(1, 16u)]
    [InlineData(16, 16u)]
    [InlineData(0xFFFF0, 0xFFFF0u)]
    public void A_counter_is_rounded_up_to_what_a_slot_can_hold(ulong counter, uint held)
    {
        Assert.Equal(held, OtpSlotsApplication.RoundUp(counter));
        Assert.Equal(counter == held, OtpSlotsApplication.CanStartFrom(counter));
    }

    [Theory]
    [InlineData(17u)]
    [InlineData(0x100000u)]
    public void A_counter_a_slot_cannot_hold_is_refused_before_anything_is_written(uint counter)
    {
        var key = new VirtualKey();
        using var connection = key.Connect();
        var slots = OtpSlotsApplication.TrySelect(connection)!;

        Assert.Throws<ArgumentException>(() => slots.PutHotp(1, Secret, 6, counter));
        Assert.Empty(key.Peek().Slots);
    }

    [Fact]
    public void A_slot_with_an_access_code_is_overwritten_only_with_it_and_the_refusal_is_noticed()
    {
        var key = new VirtualKey();
        using var connection = key.Connect();
        var slots = OtpSlotsApplication.TrySelect(connection)!;
        slots.PutHotp(1, Secret, 6, 16, nextAccessCode: "secret"u8);

        Assert.Throws<SlotWriteRejectedException>(() => slots.PutHotp(1, Secret, 6, 32));
        Assert.Throws<SlotWriteRejectedException>(() => slots.Delete(1, "wrong!"u8));
        Assert.Equal(16u, Assert.Single(key.Peek().Slots).MovingFactor);
        slots.PutHotp(1, Secret, 6, 32, nextAccessCode: "secret"u8, currentAccessCode: "secret"u8);
        slots.Delete(1, "secret"u8);

        Assert.False(slots.IsSlot1Configured);
        Assert.Equal(0, slots.ProgrammingSequence);
    }
}
