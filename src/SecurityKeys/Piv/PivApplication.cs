using System.Security.Cryptography;
using SecurityKeys.Cards;

namespace SecurityKeys.Piv;

/// <summary>
/// The PIV application: SP 800-73-4 for every card, and Yubico's additions (GET VERSION, GET METADATA, SET PIN
/// RETRIES, SET MANAGEMENT KEY, RESET, ATTEST) where the card has them, as yubikit's piv.py writes them.
/// </summary>
public sealed partial class PivApplication
{
    /// <summary>The PIN's key reference (SP 800-73-4 part 1, table 4b).</summary>
    public const byte PinReference = 0x80;

    /// <summary>The PUK's key reference.</summary>
    public const byte PukReference = 0x81;

    /// <summary>The management key's key reference.</summary>
    public const byte ManagementKeyReference = 0x9B;

    /// <summary>PIN and PUK are always sent as this many bytes, padded with FF (part 2, 3.2.1).</summary>
    public const int PaddedLength = 8;

    private static readonly Version MetadataFirmware = new(5, 3, 0);
    private static readonly Version AesFirmware = new(5, 4, 0);
    private static readonly Version AttestationFirmware = new(4, 3, 0);

    private readonly AppletChannel channel;

    private PivApplication(AppletChannel channel, Version? firmware) => (this.channel, Firmware) = (channel, firmware);

    /// <summary>The application identifier without version, as yubikit selects it (SP 800-73-4 part 1, 2.2).</summary>
    public static ReadOnlySpan<byte> Aid => [0xA0, 0x00, 0x00, 0x03, 0x08];

    /// <summary>The factory PIN of a YubiKey, <c>123456</c>.</summary>
    public static ReadOnlySpan<byte> FactoryPin => "123456"u8;

    /// <summary>The factory PUK of a YubiKey, <c>12345678</c>.</summary>
    public static ReadOnlySpan<byte> FactoryPuk => "12345678"u8;

    /// <summary>The tries a YubiKey's PIN and PUK have from the factory (YubiKey 5 technical manual, PIV).</summary>
    public const int FactoryTries = 3;

    /// <summary>The factory management key, as triple DES or (firmware 5.7) as AES-192.</summary>
    public static ReadOnlySpan<byte> FactoryManagementKey =>
        [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8];

    /// <summary>The firmware of a card that answers Yubico's GET VERSION; null on any other PIV card.</summary>
    public Version? Firmware { get; }

    /// <summary>Whether PIN, PUK and management key can be told to be factory values without trying them.</summary>
    public bool HasMetadata => Firmware >= MetadataFirmware;

    /// <summary>Selects the application; <see cref="AppletNotFoundException"/> when there is none.</summary>
    public static PivApplication Select(ISmartCardConnection connection) =>
        TrySelect(connection) ?? throw new AppletNotFoundException("PIV");

    /// <summary>Selects the application; null when there is none.</summary>
    public static PivApplication? TrySelect(ISmartCardConnection connection)
    {
        var channel = new AppletChannel(connection);
        if (channel.TrySelect(Aid) is null) return null;

        var version = channel.Transmit(new CommandApdu(0x00, 0xFD, 0x00, 0x00));
        return new PivApplication(channel, version.Status == StatusWord.Ok && version.Data.Length == 3
            ? new Version(version.Data.Span[0], version.Data.Span[1], version.Data.Span[2])
            : null);
    }

    /// <summary>What the key says of its PIN; null when it cannot tell (below firmware 5.3, or another make).</summary>
    public PinMetadata? ReadPinMetadata() => ReadPinMetadata(PinReference);

    /// <summary>What the key says of its PUK; null when it cannot tell.</summary>
    public PinMetadata? ReadPukMetadata() => ReadPinMetadata(PukReference);

    /// <summary>What the key says of its management key; null when it cannot tell.</summary>
    public ManagementKeyMetadata? ReadManagementKeyMetadata()
    {
        if (ReadMetadata(ManagementKeyReference) is not { } data) return null;
        var policy = Tlv.Require(data, 0x02).Span;
        var isDefault = Tlv.Require(data, 0x05).Span;
        if (policy.Length < 2 || isDefault.Length < 1) throw new BadCardAnswerException("The metadata is cut short.");
        var algorithm = Tlv.Find(data, 0x01) is { Length: > 0 } told
            ? (ManagementKeyAlgorithm)told.Span[0]
            : ManagementKeyAlgorithm.TripleDes;
        return new ManagementKeyMetadata(algorithm, isDefault[0] != 0, TouchNeeded: policy[1] is 0x02 or 0x03);
    }

    /// <summary>
    /// Tries left for the PIN without spending one: VERIFY with no data (part 2, 3.2.1). Null when the PIN is
    /// already verified in this session, or the card does not answer that question.
    /// </summary>
    public int? ReadPinTriesLeft() =>
        ReadPinMetadata()?.TriesLeft
        ?? channel.Transmit(new CommandApdu(0x00, 0x20, 0x00, PinReference)).Status.TriesLeft;

    /// <summary>VERIFY (part 2, 3.2.1).</summary>
    public PinVerdict VerifyPin(ReadOnlySpan<byte> pin)
    {
        var data = new byte[PaddedLength];
        try
        {
            Pad(pin, data);
            return PinVerdict.From("verify the PIN",
                channel.Transmit(new CommandApdu(0x00, 0x20, 0x00, PinReference, data)).Status);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(data);
        }
    }

    /// <summary>CHANGE REFERENCE DATA for the PIN (part 2, 3.2.2).</summary>
    public PinVerdict ChangePin(ReadOnlySpan<byte> current, ReadOnlySpan<byte> next) =>
        SendPair("change the PIN", ins: 0x24, PinReference, current, next);

    /// <summary>CHANGE REFERENCE DATA for the PUK (part 2, 3.2.2).</summary>
    public PinVerdict ChangePuk(ReadOnlySpan<byte> current, ReadOnlySpan<byte> next) =>
        SendPair("change the PUK", ins: 0x24, PukReference, current, next);

    /// <summary>
    /// RESET RETRY COUNTER: a new PIN by means of the PUK (part 2, 3.2.3). The verdict is on the PUK.
    /// </summary>
    public PinVerdict UnblockPin(ReadOnlySpan<byte> puk, ReadOnlySpan<byte> nextPin) =>
        SendPair("unblock the PIN", ins: 0x2C, PinReference, puk, nextPin);

    /// <summary>
    /// SET PIN RETRIES (Yubico). Needs the management key and a verified PIN, and <b>puts PIN and PUK back to
    /// factory values</b>: it comes before PIN and PUK or not at all.
    /// </summary>
    public void SetPinRetries(int pinTries, int pukTries)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(pinTries, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(pinTries, 255);
        ArgumentOutOfRangeException.ThrowIfLessThan(pukTries, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(pukTries, 255);
        channel.Send("set the number of tries", new CommandApdu(0x00, 0xFA, (byte)pinTries, (byte)pukTries));
    }

    /// <summary>
    /// RESET (Yubico): erases PIV keys, certificates and objects and restores factory PIN, PUK and management key.
    /// The key allows it only when PIN and PUK are both blocked; this method never blocks them.
    /// </summary>
    public void Reset() => channel.Send("reset PIV", new CommandApdu(0x00, 0xFB, 0x00, 0x00));

    internal static void Pad(ReadOnlySpan<byte> value, Span<byte> padded)
    {
        if (value.Length is < 1 or > PaddedLength)
            throw new ArgumentException($"A PIN or PUK has 1 to {PaddedLength} bytes.");
        padded.Fill(0xFF);
        value.CopyTo(padded);
    }

    private PinVerdict SendPair(
        string what, byte ins, byte reference, ReadOnlySpan<byte> current, ReadOnlySpan<byte> next)
    {
        var data = new byte[2 * PaddedLength];
        try
        {
            Pad(current, data.AsSpan(0, PaddedLength));
            Pad(next, data.AsSpan(PaddedLength));
            return PinVerdict.From(what, channel.Transmit(new CommandApdu(0x00, ins, 0x00, reference, data)).Status);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(data);
        }
    }

    private PinMetadata? ReadPinMetadata(byte reference)
    {
        if (ReadMetadata(reference) is not { } data) return null;
        var isDefault = Tlv.Require(data, 0x05).Span;
        var tries = Tlv.Require(data, 0x06).Span;
        if (isDefault.Length < 1 || tries.Length < 2) throw new BadCardAnswerException("The metadata is cut short.");
        return new PinMetadata(isDefault[0] != 0, tries[0], tries[1]);
    }

    // GET METADATA (Yubico, firmware 5.3).
    private ReadOnlyMemory<byte>? ReadMetadata(byte reference)
    {
        if (!HasMetadata) return null;
        return channel.Send("read metadata", new CommandApdu(0x00, 0xF7, 0x00, reference));
    }
}
