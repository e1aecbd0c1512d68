using System.Globalization;
using System.Security.Cryptography;

namespace Pskc.Xml;

/// <summary>Typed values from the text of a file; strict, because a lenient reader of keys reads other keys.</summary>
internal static class Values
{
    /// <summary>The Base64 of the element. White space is allowed, missing padding is not.</summary>
    public static byte[] Base64(XmlCursor xml, string name) =>
        Base64OrNull(xml.Text()) ?? throw xml.Fault(PskcFault.BadValue, $"{name} is not Base64. A character may have " +
            "been lost or added on the way; fetch the file again.");

    public static byte[]? Base64OrNull(ReadOnlySpan<char> text)
    {
        var size = (text.Length / 4 * 3) + 3;
        Span<byte> octets = size <= 1024 ? stackalloc byte[1024] : new byte[size];
        byte[]? result = null;
        if (Convert.TryFromBase64Chars(text, octets, out var written))
        {
            result = octets[..written].ToArray();
        }
        CryptographicOperations.ZeroMemory(octets);
        return result;
    }

    public static bool? Boolean(XmlCursor xml, string name, string? text) => text?.Trim() switch
    {
        null or "" => null,
        "1" => true,
        "0" => false,
        var word when word.Equals("true", StringComparison.OrdinalIgnoreCase) => true,
        var word when word.Equals("false", StringComparison.OrdinalIgnoreCase) => false,
        var word => throw xml.Fault(PskcFault.BadValue, $"{name} is '{PskcException.Printable(word)}', not true or false."),
    };

    /// <summary>A non-negative decimal number.</summary>
    public static long? Integer(XmlCursor xml, string name, ReadOnlySpan<char> text)
    {
        text = text.Trim(" \t\r\n");
        if (text.IsEmpty)
        {
            return null;
        }
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw xml.Fault(PskcFault.BadValue, $"{name} is not a decimal number from 0 to 9223372036854775807.");
    }

    public static int? Small(XmlCursor xml, string name, ReadOnlySpan<char> text) => Integer(xml, name, text) switch
    {
        null => null,
        <= int.MaxValue and var value => (int)value,
        _ => throw xml.Fault(PskcFault.BadValue, $"{name} is beyond {int.MaxValue}."),
    };

    public static DateTimeOffset? Date(XmlCursor xml, string name)
    {
        var text = xml.Text();
        if (text.IsEmpty)
        {
            return null;
        }
        // xs:dateTime; draft-hoyer-00 wrote 01/01/2008.
        return DateTimeOffset.TryParseExact(text, dateForms, CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal, out var date)
            ? date
            : throw xml.Fault(PskcFault.BadValue, $"{name} is '{PskcException.Printable(text.ToString())}', not a date and time.");
    }

    private static readonly string[] dateForms =
    [
        "yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd HH:mm:ssK",
        "yyyy-MM-ddK", "MM/dd/yyyy",
    ];

    public static ValueEncoding? Encoding(XmlCursor xml, string name, string? text) => text?.Trim().ToUpperInvariant() switch
    {
        null or "" => null,
        "DECIMAL" => ValueEncoding.Decimal,
        "HEXADECIMAL" => ValueEncoding.Hexadecimal,
        "ALPHANUMERIC" => ValueEncoding.Alphanumeric,
        "BASE64" => ValueEncoding.Base64,
        "BINARY" => ValueEncoding.Binary,
        _ => throw xml.Fault(PskcFault.BadValue, $"{name} has the unknown encoding '{PskcException.Printable(text)}'."),
    };
}
