using System.Buffers.Binary;

namespace SecurityKeys.Cards;

/// <summary>What a card answered: data and status (ISO 7816-4, 5.1).</summary>
public readonly record struct ResponseApdu(ReadOnlyMemory<byte> Data, StatusWord Status)
{
    /// <summary>Splits the raw bytes; a card that answers less than a status word is broken.</summary>
    public static ResponseApdu Parse(byte[] bytes)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        if (bytes.Length < 2) throw new BadCardAnswerException("The card's answer has no status word.");

        var data = bytes.AsMemory(0, bytes.Length - 2);
        return new ResponseApdu(data, new StatusWord(BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(data.Length))));
    }

    /// <summary>The bytes as the card would send them.</summary>
    public byte[] Encode()
    {
        var bytes = new byte[Data.Length + 2];
        Data.Span.CopyTo(bytes);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(Data.Length), Status.Value);
        return bytes;
    }

    /// <summary>Status and length only: the data may be a secret.</summary>
    public override string ToString() => $"{Status} ({Data.Length} bytes)";
}
