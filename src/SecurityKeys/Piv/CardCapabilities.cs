using System.Security.Cryptography;
using SecurityKeys.Cards;

namespace SecurityKeys.Piv;

/// <summary>The card capability container (SP 800-73-4 part 1, 3.1.1): a card identifier of 21 bytes.</summary>
public sealed class CardCapabilities
{
    private const int IdentifierLength = 21;

    /// <summary>With a card identifier of 21 bytes.</summary>
    public CardCapabilities(ReadOnlySpan<byte> cardIdentifier)
    {
        if (cardIdentifier.Length != IdentifierLength)
            throw new ArgumentException($"A card identifier has {IdentifierLength} bytes.", nameof(cardIdentifier));
        CardIdentifier = cardIdentifier.ToArray();
    }

    /// <summary>Element F0.</summary>
    public ReadOnlyMemory<byte> CardIdentifier { get; }

    /// <summary>
    /// With a random identifier of the kind Yubico's tools write (GSC-RID, manufacturer FF, card type 02).
    /// </summary>
    public static CardCapabilities Create() =>
        new([0xA0, 0x00, 0x00, 0x01, 0x16, 0xFF, 0x02, .. RandomNumberGenerator.GetBytes(14)]);

    /// <summary>The object's value, inside tag 53.</summary>
    public byte[] Encode()
    {
        using var writer = new TlvWriter();
        return writer.Add(0xF0, CardIdentifier.Span).Add(0xF1, [0x21]).Add(0xF2, [0x21]).Add(0xF3, [])
            .Add(0xF4, [0x00]).Add(0xF5, [0x10]).Add(0xF6, []).Add(0xF7, []).Add(0xFA, []).Add(0xFB, [])
            .Add(0xFC, []).Add(0xFD, []).Add(0xFE, []).ToArray();
    }

    internal static CardCapabilities? Read(ReadOnlyMemory<byte> data) =>
        Tlv.Find(data, 0xF0) is { Length: IdentifierLength } identifier ? new CardCapabilities(identifier.Span) : null;
}
