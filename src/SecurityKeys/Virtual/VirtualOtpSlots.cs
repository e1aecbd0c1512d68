using System.Buffers.Binary;
using System.Security.Cryptography;
using OtpNet;
using SecurityKeys.Cards;
using SecurityKeys.OtpSlots;

namespace SecurityKeys.Virtual;

/// <summary>
/// The OTP slots: configurations with CRC, access codes and programming sequence; HOTP and HMAC-SHA-1.
/// </summary>
internal sealed class VirtualOtpSlots(VirtualKeyOptions options) : IVirtualApplet
{
    private const int FrameLength = 52;
    private const byte HotpFlag = 0x40;
    private const string Modhex = "cbdefghijklnrtuv";

    private sealed record Slot(byte[] Frame, uint MovingFactor)
    {
        public ReadOnlySpan<byte> AccessCode => Frame.AsSpan(38, 6);
        public byte[] Secret => [.. Frame.AsSpan(22, 16), .. Frame.AsSpan(16, 4)];
        public bool IsHotp => (Frame[46] & HotpFlag) != 0 && (Frame[47] & 0x20) == 0;
        public int Digits => (Frame[47] & 0x02) != 0 ? 8 : 6;

        /// <summary>The OATH token identifier typed before each code: as many fixed bytes as byte 44 says, the first
        /// (CFG 10), the first two (40) or all (50) in modhex, the others in hexadecimal.</summary>
        public string Identifier
        {
            get
            {
                var text = Convert.ToHexStringLower(Frame, 0, Math.Min(Frame[44], (byte)16)).ToCharArray();
                var modhex = (Frame[47] & 0x50) switch { 0x50 => text.Length, 0x40 => 4, 0x10 => 2, _ => 0 };
                for (var i = 0; i < Math.Min(modhex, text.Length); i++) text[i] = Modhex[Convert.ToInt32(text[i].ToString(), 16)];
                return new string(text);
            }
        }
    }

    private readonly Slot?[] slots = new Slot?[2];
    private byte sequence;

    public bool Answers(ReadOnlySpan<byte> aid) => aid.Length >= 7 && aid.StartsWith(OtpSlotsApplication.Aid);

    public ResponseApdu Select() => new(Status(), StatusWord.Ok);

    public void PowerOff()
    {
    }

    public IVirtualApplet Clone()
    {
        var copy = new VirtualOtpSlots(options) { sequence = sequence };
        slots.CopyTo(copy.slots, 0);
        return copy;
    }

    public IReadOnlyList<VirtualSlotContents> Peek() =>
    [
        .. slots.Select((s, i) => (s, i)).Where(x => x.s is { IsHotp: true })
            .Select(x => new VirtualSlotContents(x.i + 1, x.s!.Secret, x.s.Digits, x.s.MovingFactor)),
    ];

    /// <summary>A touch: what a HOTP slot types; null when there is none.</summary>
    public string? Touch(int number)
    {
        if (slots[number - 1] is not { IsHotp: true } slot) return null;
        slots[number - 1] = slot with { MovingFactor = slot.MovingFactor + 1 };
        return slot.Identifier + new Hotp(slot.Secret, OtpHashMode.Sha1, slot.Digits).ComputeHOTP(slot.MovingFactor);
    }

    public ResponseApdu Process(CommandApdu command)
    {
        if (command.Ins == 0x03) return Select();
        if (command.Ins != 0x01) return new ResponseApdu(default, StatusWord.UnknownInstruction);
        switch (command.P1)
        {
            case 0x01:
            case 0x03:
                Configure(command.P1 == 0x01 ? 0 : 1, command.Data.Span);
                return Select();
            case 0x06:
                (slots[0], slots[1]) = (slots[1], slots[0]);
                sequence++;
                return Select();
            case 0x10:
                return new ResponseApdu(Cuid.FromSerial(options.Serial).ToBytes(), StatusWord.Ok);
            case 0x30:
            case 0x38:
                return Challenge(command.P1 == 0x30 ? 0 : 1, command.Data.Span);
            default:
                return new ResponseApdu(default, StatusWord.WrongP1P2);
        }
    }

    // A refusal changes nothing and has no status word: the sequence number tells.
    private void Configure(int index, ReadOnlySpan<byte> data)
    {
        if (data.Length != FrameLength + OtpSlotsApplication.AccessCodeLength) return;
        var frame = data[..FrameLength];
        if (slots[index] is { } present
            && !CryptographicOperations.FixedTimeEquals(present.AccessCode, data[FrameLength..]))
            return;

        if (frame.IndexOfAnyExcept((byte)0) < 0)
        {
            if (slots[index] is null) return;
            slots[index] = null;
            sequence = slots.All(s => s is null) ? (byte)0 : (byte)(sequence + 1);
            return;
        }
        if (BinaryPrimitives.ReadUInt16LittleEndian(frame[50..]) != (ushort)~SlotCrc.Compute(frame[..50])) return;
        slots[index] = new Slot(frame.ToArray(), (uint)BinaryPrimitives.ReadUInt16BigEndian(frame[20..]) << 4);
        sequence++;
    }

    private ResponseApdu Challenge(int index, ReadOnlySpan<byte> challenge)
    {
        if (slots[index] is not { } slot || (slot.Frame[47] & 0x22) != 0x22)
            return new ResponseApdu(default, StatusWord.ConditionsNotSatisfied);
        // Shorter messages are told from padding by its last byte (CFG flag 04).
        var message = (slot.Frame[47] & 0x04) != 0 ? challenge.TrimEnd(challenge[^1]) : challenge;
        return new ResponseApdu(HMACSHA1.HashData(slot.Secret, message), StatusWord.Ok);
    }

    private byte[] Status() =>
    [
        (byte)options.Firmware.Major, (byte)options.Firmware.Minor, (byte)options.Firmware.Build, sequence,
        (byte)((slots[0] is null ? 0 : 0x05) | (slots[1] is null ? 0 : 0x0A)), 0x00,
    ];
}
