using System.Buffers.Binary;
using System.Text;
using SecurityKeys.Cards;

namespace SecurityKeys.Fido;

/// <summary>
/// The part of CBOR (RFC 8949) that CTAP 2.1, 8 allows: definite lengths, maps, arrays, strings, integers, booleans.
/// Integers are <see cref="long"/>, maps <c>Dictionary&lt;object, object?&gt;</c>, arrays <c>List&lt;object?&gt;</c>.
/// </summary>
internal static class Cbor
{
    private const int DepthMax = 8; // CTAP 2.1, 8: at most four levels; some keys nest deeper in extensions

    public static byte[] Encode(object? value)
    {
        using var stream = new MemoryStream();
        Write(stream, value);
        return stream.ToArray();
    }

    public static Dictionary<object, object?> DecodeMap(ReadOnlySpan<byte> bytes)
    {
        var at = 0;
        if (bytes.IsEmpty) return [];
        var value = Read(bytes, ref at, 0) as Dictionary<object, object?>;
        return at == bytes.Length && value is not null ? value : throw Broken();
    }

    private static void Write(MemoryStream to, object? value)
    {
        switch (value)
        {
            case null: to.WriteByte(0xF6); break;
            case bool flag: to.WriteByte((byte)(flag ? 0xF5 : 0xF4)); break;
            case int number: Write(to, (long)number); break;
            case long number when number >= 0: Head(to, 0, (ulong)number); break;
            case long number: Head(to, 1, (ulong)(-1 - number)); break;
            case byte[] bytes:
                Head(to, 2, (ulong)bytes.Length);
                to.Write(bytes);
                break;
            case string text:
                var utf8 = Encoding.UTF8.GetBytes(text);
                Head(to, 3, (ulong)utf8.Length);
                to.Write(utf8);
                break;
            case List<object?> array:
                Head(to, 4, (ulong)array.Count);
                foreach (var item in array) Write(to, item);
                break;
            case Dictionary<object, object?> map:
                Head(to, 5, (ulong)map.Count);
                // Canonical order (CTAP 2.1, 8): shorter keys first, then by bytes.
                foreach (var (key, item) in map.Select(p => (Key: Encode(p.Key), p.Value))
                    .OrderBy(p => p.Key.Length).ThenBy(p => Convert.ToHexString(p.Key), StringComparer.Ordinal))
                {
                    to.Write(key);
                    Write(to, item);
                }
                break;
            default: throw new ArgumentException("No CBOR form.", nameof(value));
        }
    }

    private static void Head(MemoryStream to, int major, ulong value)
    {
        Span<byte> bytes = stackalloc byte[9];
        BinaryPrimitives.WriteUInt64BigEndian(bytes[1..], value);
        var (info, count) = value switch
        {
            < 24 => ((int)value, 0),
            <= byte.MaxValue => (24, 1),
            <= ushort.MaxValue => (25, 2),
            <= uint.MaxValue => (26, 4),
            _ => (27, 8),
        };
        to.WriteByte((byte)((major << 5) | info));
        to.Write(bytes[(9 - count)..]);
    }

    private static object? Read(ReadOnlySpan<byte> bytes, ref int at, int depth)
    {
        if (depth > DepthMax || at >= bytes.Length) throw Broken();
        var first = bytes[at++];
        var info = first & 0x1F;
        ulong value = (ulong)info;
        if (info is >= 24 and <= 27)
        {
            var count = 1 << (info - 24);
            if (bytes.Length - at < count) throw Broken();
            value = 0;
            for (var i = 0; i < count; i++) value = (value << 8) | bytes[at++];
        }
        else if (info > 27)
        {
            throw Broken(); // indefinite lengths are not CTAP
        }

        switch (first >> 5)
        {
            case 0: return value <= long.MaxValue ? (long)value : throw Broken();
            case 1: return value <= long.MaxValue ? -1 - (long)value : throw Broken();
            case 2: return Take(bytes, ref at, value).ToArray();
            case 3: return Encoding.UTF8.GetString(Take(bytes, ref at, value));
            case 4:
                // Every element takes a byte at least, so a count beyond the rest is a lie.
                if (value > (ulong)(bytes.Length - at)) throw Broken();
                var list = new List<object?>();
                for (ulong i = 0; i < value; i++) list.Add(Read(bytes, ref at, depth + 1));
                return list;
            case 5:
                if (value > (ulong)(bytes.Length - at)) throw Broken();
                var map = new Dictionary<object, object?>();
                for (ulong i = 0; i < value; i++)
                {
                    var key = Read(bytes, ref at, depth + 1);
                    if (key is not (long or string) || !map.TryAdd(key, Read(bytes, ref at, depth + 1))) throw Broken();
                }
                return map;
            case 7 when info is 20 or 21: return info == 21;
            case 7 when info is 22 or 23: return null;
            default: throw Broken();
        }
    }

    private static ReadOnlySpan<byte> Take(ReadOnlySpan<byte> bytes, ref int at, ulong length)
    {
        if (length > (ulong)(bytes.Length - at)) throw Broken();
        var taken = bytes.Slice(at, (int)length);
        at += (int)length;
        return taken;
    }

    private static BadCardAnswerException Broken() => new("The FIDO answer is not well-formed.");
}
