using System.Text;

namespace Pskc.Xml;

/// <summary>Says what a file is that people bring instead of a key container, by its first octets.</summary>
internal static class SeedFile
{
    public static string Guess(ReadOnlySpan<byte> start)
    {
        if (start.StartsWith("PK"u8))
        {
            return "a ZIP archive; unpack it first";
        }
        if (start.StartsWith("-----BEGIN PGP"u8) || (start[0] & 0xC0) == 0xC0)
        {
            return "perhaps encrypted with PGP; decrypt it first";
        }
        if (start.StartsWith("-----BEGIN"u8))
        {
            return "a PEM file: a key or certificate, not a key container";
        }
        if (start.StartsWith("%PDF"u8))
        {
            return "a PDF";
        }
        if (start[0] is (byte)'{' or (byte)'[')
        {
            return "JSON";
        }
        var newline = start.IndexOf((byte)'\n');
        var line = newline < 0 ? start : start[..newline];
        if (line.IndexOfAnyExceptInRange((byte)' ', (byte)'~') is var odd && (odd < 0 || line[odd] is 9 or 13))
        {
            var commas = Math.Max(line.Count((byte)','), line.Count((byte)';'));
            return commas > 0 ? $"text with {commas + 1} columns; a CSV file?" : "plain text";
        }
        return Encoding.Latin1.GetString(start[..1]) == "\0" ? "binary data" : "not text";
    }
}
