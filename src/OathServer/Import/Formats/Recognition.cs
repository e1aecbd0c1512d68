using System.Text;

namespace OathServer.Import.Formats;

/// <summary>Says what a file is by its content: only when one format fits and no other.</summary>
internal static class Recognition
{
    private const int LinesMax = 100;

    /// <summary>The one format that fits.</summary>
    /// <exception cref="ImportRefusedException">None fits, or several.</exception>
    public static SeedFormat Of(ReadOnlySpan<byte> head)
    {
        if (WhyNotAtAll(head) is { } why)
        {
            throw new ImportRefusedException(Fault.UnknownFormat, why);
        }

        var start = head.StartsWith("\uFEFF"u8) ? head[3..] : head;
        var xml = start.TrimStart(" \t\r\n"u8);
        if (head is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..] || xml is [(byte)'<', ..])
        {
            return RootOf(xml) == "Tokens" ? SeedFormat.SafenetXml : SeedFormat.Pskc;
        }

        var lines = Lines(start);
        var fits = Enum.GetValues<SeedFormat>().Where(format => Fits(format, lines)).ToList();
        return fits switch
        {
            [var one] => one,
            [] => throw new ImportRefusedException(Fault.UnknownFormat,
                $"The file is none of the formats known ({string.Join(", ", KebabNames.All<SeedFormat>())}). Say what it is (format), or which column holds what (columns)."),
            _ => throw new ImportRefusedException(Fault.AmbiguousFormat,
                $"The file could be any of {string.Join(", ", fits.Select(KebabNames.Of))}; they do not mean the same. Say which it is (format)."),
        };
    }

    /// <summary>The separator of a table's first row.</summary>
    public static char Separator(ReadOnlySpan<byte> head)
    {
        var first = Lines(head) is [var line, ..] ? line : "";
        return first.Contains(',', StringComparison.Ordinal) ? ','
            : first.Contains(';', StringComparison.Ordinal) ? ';'
            : first.Contains('\t', StringComparison.Ordinal) ? '\t' : ',';
    }

    /// <summary>privacyIDEA marks its second version in a comment on the first line.</summary>
    public static bool IsOathCsvVersion2(ReadOnlySpan<byte> head)
    {
        var text = Encoding.UTF8.GetString(head[..Math.Min(head.Length, 64)]).TrimStart('\uFEFF', ' ', '\r', '\n');
        var first = text.Split('\n', 2)[0].Replace(" ", "", StringComparison.Ordinal).TrimEnd('\r');
        return first.Equals("#version:2", StringComparison.OrdinalIgnoreCase);
    }

    private static string? WhyNotAtAll(ReadOnlySpan<byte> head) =>
        head.Length == 0 ? "The file is empty."
        : head.StartsWith("PK\u0003\u0004"u8) ? "The file is a zip archive. Unpack it first, best into the standard input of the import command."
        : head is [0x1F, 0x8B, ..] ? "The file is compressed by gzip. Unpack it first."
        : head.StartsWith("-----BEGIN PGP"u8) || head is [0x85 or 0x84 or 0xC1, ..] ? "The file is encrypted by PGP. Decrypt it first, best into the standard input of the import command."
        : head.StartsWith("-----BEGIN"u8) ? "The file is a key or a certificate, not a shipment."
        : head.StartsWith("%PDF"u8) ? "The file is a PDF document."
        : head[..Math.Min(head.Length, 512)].Contains((byte)0) && head is not ([0xFF, 0xFE, ..] or [0xFE, 0xFF, ..]) && !(head is [(byte)'<', 0, ..] or [0, (byte)'<', ..])
            ? "The file is not text."
        : null;

    private static string RootOf(ReadOnlySpan<byte> xml)
    {
        var text = Encoding.UTF8.GetString(xml[..Math.Min(xml.Length, 4096)]);
        for (var at = text.IndexOf('<', StringComparison.Ordinal); at >= 0 && at + 1 < text.Length; at = text.IndexOf('<', at + 1))
        {
            if (char.IsLetter(text[at + 1]) || text[at + 1] == '_')
            {
                var name = text[(at + 1)..].Split([' ', '\t', '\r', '\n', '/', '>'], 2)[0];
                return name[(name.IndexOf(':', StringComparison.Ordinal) + 1)..];
            }
        }

        return "";
    }

    private static List<string> Lines(ReadOnlySpan<byte> head)
    {
        var text = Encoding.UTF8.GetString(head);
        // The last line may be cut off where the head ends.
        var whole = head.Length >= 16 * 1024 ? text[..(text.LastIndexOf('\n') + 1)] : text;
        return [.. whole.Split('\n').Select(l => l.Trim()).Where(l => l.Length > 0 && l[0] != '#').Take(LinesMax)];
    }

    private static bool Fits(SeedFormat format, List<string> lines)
    {
        if (lines.Count == 0)
        {
            return false;
        }

        var rows = lines.ConvertAll(l => l.Split([',', ';', '\t'], StringSplitOptions.TrimEntries).Select(f => f.Trim('"')).ToArray());
        return format switch
        {
            SeedFormat.FreeipaLdif => lines.Exists(l => l.StartsWith("dn:", StringComparison.OrdinalIgnoreCase))
                && lines.Exists(l => l.StartsWith("objectClass: ipatoken", StringComparison.OrdinalIgnoreCase)),
            SeedFormat.SafewordDat => lines.Exists(l => l.StartsWith(SafeWordSeeds.Data + ":", StringComparison.OrdinalIgnoreCase)),
            SeedFormat.SerialSecretCounter => rows.TrueForAll(r => r.Length == 2 || (r.Length == 3 && r[2].Length > 0 && r[2].All(char.IsAsciiDigit))),
            SeedFormat.OathCsv => rows.TrueForAll(r => r.Length <= 10) && !rows.Exists(r => r.Length >= 3 && r[2].All(char.IsAsciiDigit) && r[2].Length > 0)
                && (rows.TrueForAll(r => r.Length > 1) || rows.Exists(r => r.Length > 2 && IsType(r[2]))) && rows.TrueForAll(r => r.Length < 3 || IsType(r[2]) || (r.Length >= 6 && IsType(r[5])) || r.Length == 5),
            SeedFormat.YubicoLog => rows.TrueForAll(r => YubicoSeeds.IsTraditional(r[0]) || YubicoSeeds.IsYubicoFormat(r)),
            SeedFormat.EntraCsv => rows[0].Contains("serial number", StringComparer.OrdinalIgnoreCase) && rows[0].Contains("secret key", StringComparer.OrdinalIgnoreCase),
            SeedFormat.UsersOath => lines.TrueForAll(l => l.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries) is [var type, _, _, _, ..] && UsersOathSeeds.IsType(type)),
            _ => false,
        };
    }

    private static bool IsType(string text) => text.ToUpperInvariant() is "HOTP" or "TOTP" or "OCRA" or "OCRA2";
}
