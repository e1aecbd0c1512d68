using System.Globalization;

namespace Pskc.Reading;

/// <summary>
/// Integers that were encrypted, or written in Base64: 8 octets big-endian for Counter and Time, 4 for the others
/// (RFC 6030 section 4.1). Peers write fewer octets, or decimal text; one value can then mean two numbers.
/// </summary>
internal static class IntegerOctets
{
    // A display never counts this far: a reading beyond it is not a second reading.
    private const long Plausible = uint.MaxValue;

    /// <param name="octets">What was decrypted.</param>
    /// <param name="standardLength">The standard's length for this element.</param>
    /// <param name="signed">Whether the standard's form is two's complement.</param>
    /// <param name="reading">What to do with a value that can be read in two ways.</param>
    /// <param name="doubt">What a person should know of how it was read; null when there is no doubt.</param>
    public static long Read(
        ReadOnlySpan<byte> octets, int standardLength, bool signed, IntegerReading reading, out string? doubt)
    {
        doubt = null;
        if (octets.IsEmpty)
        {
            throw new PskcException(PskcFault.BadValue, "is empty.");
        }
        var isText = octets.IndexOfAnyExceptInRange((byte)'0', (byte)'9') < 0;
        var number = BigEndian(octets, standardLength, signed);
        if (!isText)
        {
            return number ?? throw new PskcException(PskcFault.BadValue, "is beyond 9223372036854775807.");
        }
        var text = long.TryParse(octets, NumberStyles.None, CultureInfo.InvariantCulture, out var parsed)
            ? (long?)parsed : null;
        if (text is null)
        {
            throw new PskcException(PskcFault.BadValue, "is a decimal text beyond 9223372036854775807.");
        }
        if (number is null || reading == IntegerReading.DecimalText)
        {
            return text.Value;
        }
        if (reading == IntegerReading.BigEndian)
        {
            return number.Value;
        }
        if (octets.Length != standardLength && number > Plausible)
        {
            doubt = $"was read as the decimal text {text}; as a big-endian number it would be {number}";
            return text.Value;
        }
        throw new PskcException(PskcFault.AmbiguousInteger, $"can be read as decimal text ({text}) and as a big-endian " +
            $"number ({number}). Ask the sender which is meant and say so (IntegerReading).");
    }

    private static long? BigEndian(ReadOnlySpan<byte> octets, int standardLength, bool signed)
    {
        var significant = octets.TrimStart((byte)0);
        if (significant.Length > 8)
        {
            return null;
        }
        if (signed && octets.Length == standardLength && octets.Length == 4)
        {
            return System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(octets);
        }
        ulong value = 0;
        foreach (var octet in significant)
        {
            value = (value << 8) | octet;
        }
        return value <= long.MaxValue ? (long)value : null;
    }
}
