namespace SecurityKeys.Cards;

/// <summary>One tag with its value, in the basic encoding rules' form (ISO 7816-4, 5.2.2).</summary>
public readonly record struct Tlv(int Tag, ReadOnlyMemory<byte> Value)
{
    /// <summary>
    /// Reads all elements, in order; throws <see cref="BadCardAnswerException"/> when lengths do not add up.
    /// </summary>
    public static IReadOnlyList<Tlv> ReadAll(ReadOnlyMemory<byte> bytes)
    {
        var elements = new List<Tlv>();
        while (!bytes.IsEmpty)
        {
            elements.Add(ReadFirst(bytes, out var used));
            bytes = bytes[used..];
        }
        return elements;
    }

    /// <summary>The value of the first element with this tag, or null.</summary>
    public static ReadOnlyMemory<byte>? Find(ReadOnlyMemory<byte> bytes, int tag)
    {
        foreach (var element in ReadAll(bytes))
        {
            if (element.Tag == tag) return element.Value;
        }
        return null;
    }

    /// <summary>The value of the element with this tag, which must be there.</summary>
    public static ReadOnlyMemory<byte> Require(ReadOnlyMemory<byte> bytes, int tag) =>
        Find(bytes, tag) ?? throw new BadCardAnswerException($"The card's answer lacks the element {tag:X2}.");

    private static Tlv ReadFirst(ReadOnlyMemory<byte> memory, out int used)
    {
        var bytes = memory.Span;
        var at = 0;
        int tag = bytes[at++];
        if ((tag & 0x1F) == 0x1F)
        {
            // Two-byte tags (7F49) are the longest in use; more continuation would be a tag nobody defined.
            if (at == bytes.Length || (bytes[at] & 0x80) != 0) throw Broken();
            tag = (tag << 8) | bytes[at++];
        }

        if (at == bytes.Length) throw Broken();
        int length = bytes[at++];
        if (length > 0x80)
        {
            var count = length & 0x7F;
            if (count > 2 || bytes.Length - at < count) throw Broken();
            length = 0;
            for (var i = 0; i < count; i++) length = (length << 8) | bytes[at++];
        }
        else if (length == 0x80)
        {
            throw Broken();
        }

        if (bytes.Length - at < length) throw Broken();
        used = at + length;
        return new Tlv(tag, memory.Slice(at, length));
    }

    private static BadCardAnswerException Broken() => new("The card's answer is not well-formed (tag, length, value).");
}
