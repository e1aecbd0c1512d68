using System.Buffers.Binary;
using System.Security.Cryptography;
using SecurityKeys.Cards;

namespace SecurityKeys.OtpSlots;

/// <summary>The key took no notice of a slot's new configuration, which is its only way of refusing one.</summary>
public sealed class SlotWriteRejectedException(int slot)
    : SmartCardException($"The key did not accept the configuration of slot {slot}: is it guarded by an access code?");

/// <summary>
/// The two slots a YubiKey types from when it is touched (yubikit yubiotp.py). A HOTP slot takes SHA-1, 20 bytes of
/// secret, 6 or 8 digits, and a counter that is a multiple of 16.
/// </summary>
public sealed class OtpSlotsApplication
{
    /// <summary>Bytes of an access code.</summary>
    public const int AccessCodeLength = 6;

    /// <summary>The largest counter a slot can start from.</summary>
    public const uint MovingFactorMax = 0xFFFF0;

    /// <summary>The most bytes of secret a slot holds.</summary>
    public const int SecretBytesMax = 20;

    /// <summary>Bytes of the OATH token identifier a slot types before a code.</summary>
    public const int TokenIdentifierBytesMax = 6;

    private const int FrameLength = 52;
    private readonly AppletChannel channel;

    private OtpSlotsApplication(AppletChannel channel, ReadOnlySpan<byte> status)
    {
        this.channel = channel;
        TakeStatus(status);
    }

    /// <summary>The application identifier.</summary>
    public static ReadOnlySpan<byte> Aid => [0xA0, 0x00, 0x00, 0x05, 0x27, 0x20, 0x01];

    /// <summary>The firmware.</summary>
    public Version Firmware { get; private set; } = new(0, 0, 0);

    /// <summary>Goes up by one with each configuration written; 0 when both slots are empty.</summary>
    public byte ProgrammingSequence { get; private set; }

    /// <summary>Slot 1 holds a configuration.</summary>
    public bool IsSlot1Configured { get; private set; }

    /// <summary>Slot 2 holds a configuration.</summary>
    public bool IsSlot2Configured { get; private set; }

    /// <summary>Whether a slot can start from exactly this counter.</summary>
    public static bool CanStartFrom(ulong counter) => counter % 16 == 0 && counter <= MovingFactorMax;

    /// <summary>
    /// The next counter a slot can start from; null past the largest. Who writes it must record it on the server
    /// too, or the key's first codes lie outside the window.
    /// </summary>
    public static uint? RoundUp(ulong counter) => counter > MovingFactorMax ? null : (uint)((counter + 15) / 16 * 16);

    /// <summary>Selects the application; null when there is none.</summary>
    public static OtpSlotsApplication? TrySelect(ISmartCardConnection connection)
    {
        var channel = new AppletChannel(connection);
        return channel.TrySelect(Aid) is { } status ? new OtpSlotsApplication(channel, status.Span) : null;
    }

    /// <summary>The serial number as this application tells it (command 10).</summary>
    public uint ReadSerial()
    {
        var answer = channel.Send("read the serial", new CommandApdu(0x00, 0x01, 0x10, 0x00));
        return answer.Length == 4
            ? BinaryPrimitives.ReadUInt32BigEndian(answer.Span)
            : throw new BadCardAnswerException("The serial has the wrong length.");
    }

    /// <summary>
    /// Makes a slot type HOTP codes from the given counter, which must be one the slot can hold
    /// (<see cref="CanStartFrom"/>). An access code guards the slot against being rewritten. With a token identifier
    /// (OATH: OMP, TT and MUI; up to 6 bytes) the slot types it before each code, its first two bytes in modhex.
    /// </summary>
    public void PutHotp(
        int slot, ReadOnlySpan<byte> secret, int digits, uint movingFactor,
        ReadOnlySpan<byte> nextAccessCode = default, ReadOnlySpan<byte> currentAccessCode = default,
        ReadOnlySpan<byte> tokenIdentifier = default)
    {
        if (tokenIdentifier.Length > TokenIdentifierBytesMax)
            throw new ArgumentException($"A token identifier has at most {TokenIdentifierBytesMax} bytes.", nameof(tokenIdentifier));
        if (secret.Length is 0 or > SecretBytesMax)
            throw new ArgumentException($"A slot holds 1 to {SecretBytesMax} bytes of secret.", nameof(secret));
        if (digits is not (6 or 8)) throw new ArgumentException("A slot makes 6 or 8 digits.", nameof(digits));
        if (!CanStartFrom(movingFactor))
            throw new ArgumentException("A slot's counter is a multiple of 16, at most 1048560.", nameof(movingFactor));

        var frame = new byte[FrameLength];
        try
        {
            // fixed 0..15 (the token identifier), uid 16..21, key 22..37, access code 38..43, length, EXT, TKT, CFG, two unused, CRC.
            secret[..Math.Min(16, secret.Length)].CopyTo(frame.AsSpan(22));
            if (secret.Length > 16) secret[16..].CopyTo(frame.AsSpan(16));
            BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(20), (ushort)(movingFactor >> 4));
            CopyAccessCode(nextAccessCode, frame.AsSpan(38));
            tokenIdentifier.CopyTo(frame);
            frame[44] = (byte)tokenIdentifier.Length;
            frame[45] = 0x34; // serial visible to software, may be updated, fast trigger
            frame[46] = 0x60; // OATH HOTP, press Enter after the code
            frame[47] = (byte)(0x40 | (digits == 8 ? 0x02 : 0x00));
            BinaryPrimitives.WriteUInt16LittleEndian(frame.AsSpan(50), (ushort)~SlotCrc.Compute(frame.AsSpan(0, 50)));
            Write(slot, frame, currentAccessCode);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(frame);
        }
    }

    /// <summary>Empties a slot.</summary>
    public void Delete(int slot, ReadOnlySpan<byte> currentAccessCode = default) =>
        Write(slot, new byte[FrameLength], currentAccessCode);

    private void Write(int slot, ReadOnlySpan<byte> frame, ReadOnlySpan<byte> currentAccessCode)
    {
        var command = slot switch
        {
            1 => (byte)0x01,
            2 => (byte)0x03,
            _ => throw new ArgumentOutOfRangeException(nameof(slot), "There are slots 1 and 2."),
        };
        var data = new byte[FrameLength + AccessCodeLength];
        try
        {
            frame.CopyTo(data);
            CopyAccessCode(currentAccessCode, data.AsSpan(FrameLength));
            var before = ProgrammingSequence;
            TakeStatus(channel.Send("write a slot", new CommandApdu(0x00, 0x01, command, 0x00, data)).Span);
            // A refusal has no status of its own: the sequence just does not move (yubikit, write_update).
            var emptied = ProgrammingSequence == 0 && before > 0 && !IsSlot1Configured && !IsSlot2Configured;
            if (ProgrammingSequence != (byte)(before + 1) && !emptied) throw new SlotWriteRejectedException(slot);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(data);
        }
    }

    private static void CopyAccessCode(ReadOnlySpan<byte> code, Span<byte> into)
    {
        if (code.IsEmpty) return;
        if (code.Length != AccessCodeLength)
            throw new ArgumentException($"An access code has {AccessCodeLength} bytes.", nameof(code));
        code.CopyTo(into);
    }

    // Version (3), programming sequence, touch level (2, little-endian): bits 0 and 1 say which slot is configured.
    private void TakeStatus(ReadOnlySpan<byte> status)
    {
        if (status.Length < 6) throw new BadCardAnswerException("The OTP status is cut short.");
        Firmware = new Version(status[0], status[1], status[2]);
        ProgrammingSequence = status[3];
        IsSlot1Configured = (status[4] & 0x01) != 0;
        IsSlot2Configured = (status[4] & 0x02) != 0;
    }
}

/// <summary>CRC-16 of ISO 13239 as the slots use it.</summary>
internal static class SlotCrc
{
    public static ushort Compute(ReadOnlySpan<byte> bytes)
    {
        var crc = 0xFFFF;
        foreach (var b in bytes)
        {
            crc ^= b;
            for (var i = 0; i < 8; i++) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x8408 : crc >> 1;
        }
        return (ushort)crc;
    }
}
