using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using SecurityKeys.Cards;

namespace SecurityKeys.Piv;

/// <summary>
/// The card holder unique identifier (SP 800-73-4 part 1, 3.1.2): a GUID other tools show as the card's serial.
/// </summary>
public sealed class Chuid
{
    // A FASC-N of no federal issuer, 9999-9999-999999-0-1-0000000000300001, as Yubico's tools write it.
    private static ReadOnlySpan<byte> NonFederalFascN =>
    [
        0xD4, 0xE7, 0x39, 0xDA, 0x73, 0x9C, 0xED, 0x39, 0xCE, 0x73, 0x9D, 0x83, 0x68,
        0x58, 0x21, 0x08, 0x42, 0x10, 0x84, 0x21, 0xC8, 0x42, 0x10, 0xC3, 0xEB,
    ];

    /// <summary>With a GUID of 16 bytes.</summary>
    public Chuid(ReadOnlySpan<byte> cardId, DateOnly expires)
    {
        if (cardId.Length != 16) throw new ArgumentException("A CHUID holds a GUID of 16 bytes.", nameof(cardId));
        CardId = cardId.ToArray();
        Expires = expires;
    }

    /// <summary>The GUID: the 16 bytes of element 34.</summary>
    public ReadOnlyMemory<byte> CardId { get; }

    /// <summary>Element 35; null when the card holds something that is no date.</summary>
    public DateOnly? Expires { get; private init; }

    /// <summary>With a random GUID.</summary>
    public static Chuid Create(DateOnly expires) => new(RandomNumberGenerator.GetBytes(16), expires);

    /// <summary>The object's value, inside tag 53.</summary>
    public byte[] Encode()
    {
        using var writer = new TlvWriter();
        var expires = (Expires ?? DateOnly.MaxValue).ToString("yyyyMMdd", CultureInfo.InvariantCulture);
        return writer.Add(0x30, NonFederalFascN).Add(0x34, CardId.Span).Add(0x35, Encoding.ASCII.GetBytes(expires))
            .Add(0x3E, []).Add(0xFE, []).ToArray();
    }

    internal static Chuid? Read(ReadOnlyMemory<byte> data)
    {
        if (Tlv.Find(data, 0x34) is not { Length: 16 } guid) return null;
        var expires = Tlv.Find(data, 0x35) is { } text && DateOnly.TryParseExact(Encoding.ASCII.GetString(text.Span),
            "yyyyMMdd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date) ? date : (DateOnly?)null;
        return new Chuid(guid.Span, default) { Expires = expires };
    }
}
