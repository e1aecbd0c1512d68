using SecurityKeys.Cards;

namespace SecurityKeys.GlobalPlatform;

/// <summary>
/// Card production life cycle data (GlobalPlatform card specification 2.3.1, 11.3; layout after Visa/EMVCo as every
/// tool prints it): who made the chip, and its serial number within a batch.
/// </summary>
public sealed record Cplc
{
    private const int Length = 42;
    private readonly byte[] data;

    private Cplc(byte[] data) => this.data = data;

    /// <summary>The issuer security domain.</summary>
    public static ReadOnlySpan<byte> Aid => [0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00, 0x00];

    /// <summary>The chip's maker.</summary>
    public ReadOnlyMemory<byte> Fabricator => data.AsMemory(0, 2);

    /// <summary>The chip's type.</summary>
    public ReadOnlyMemory<byte> ChipType => data.AsMemory(2, 2);

    /// <summary>The chip's serial number within its batch.</summary>
    public ReadOnlyMemory<byte> ChipSerial => data.AsMemory(12, 4);

    /// <summary>The chip's batch.</summary>
    public ReadOnlyMemory<byte> ChipBatch => data.AsMemory(16, 2);

    /// <summary>GET DATA 9F7F in the issuer domain; null when the card does not answer it or says only zeros.</summary>
    public static Cplc? TryRead(ISmartCardConnection connection)
    {
        var channel = new AppletChannel(connection);
        if (channel.TrySelect(Aid) is null) return null;
        var answer = channel.Transmit(new CommandApdu(0x80, 0xCA, 0x9F, 0x7F, Le: 0));
        if (answer.Status != StatusWord.Ok) return null;

        var body = answer.Data;
        if (body.Length == Length + 3) body = Tlv.Find(body, 0x9F7F) ?? default;
        if (body.Length != Length || body.Span[12..16].IndexOfAnyExcept((byte)0) < 0) return null;
        return new Cplc(body.ToArray());
    }

    /// <summary>Fabricator, type, batch and serial, in that order: what card tools call the CUID.</summary>
    public Cuid ToCuid() =>
        Cuid.FromBytes([.. data[0..4], .. data[16..18], .. data[12..16]], CuidSource.Cplc);
}
