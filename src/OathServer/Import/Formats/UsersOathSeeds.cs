using System.Text;
using System.Text.RegularExpressions;
using OathServer.Storage;

namespace OathServer.Import.Formats;

/// <summary>pam_oath's <c>users.oath</c>: <c>type user password secret [counter [last code [time]]]</c>. It has no serial
/// numbers: tokens go by the user's name.</summary>
internal static partial class UsersOathSeeds
{
    // liboath/usersfile.c: HOTP, HOTP/E, HOTP/E/6, HOTP/T30, HOTP/T60/8.
    [GeneratedRegex(@"^HOTP(/E|/T(?<step>[0-9]{1,4}))?(/(?<digits>[678]))?$", RegexOptions.CultureInvariant)]
    private static partial Regex TypeForm();

    public static bool IsType(string word) => TypeForm().IsMatch(word);

    /// <param name="stream">The file.</param>
    /// <param name="options">What it does not say.</param>
    /// <param name="pins">Takes the passwords, which are typed before the code.</param>
    public static IEnumerable<SeedKey> Read(Stream stream, ImportOptions options, OldPins pins)
    {
        var linesOf = new Dictionary<string, int>(StringComparer.Ordinal);
        using var reader = new StreamReader(stream, new UTF8Encoding(false, true), leaveOpen: true);
        for (var line = 1; Next(reader, line) is { } text; line++)
        {
            var words = text.Split([' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0 || words[0].StartsWith('#'))
            {
                continue;
            }

            yield return Key(words, line, options, linesOf, pins);
        }
    }

    private static SeedKey Key(string[] words, int line, ImportOptions options, Dictionary<string, int> linesOf, OldPins pins)
    {
        var form = TypeForm().Match(words[0]);
        if (words.Length is < 4 or > 7 || !form.Success)
        {
            var odd = new SeedKey { Line = line, DeviceSerial = words.Length > 1 ? words[1] : "" };
            Fields.Bad(odd, "its line is not: type user password secret [counter [last code [time]]]");
            return odd;
        }

        var nth = linesOf[words[1]] = linesOf.GetValueOrDefault(words[1]) + 1;
        var key = new SeedKey
        {
            Line = line,
            DeviceSerial = words[1],
            Owner = words[1],
            KeyId = nth.ToString(System.Globalization.CultureInfo.InvariantCulture),
            Secret = Encoding.ASCII.GetBytes(words[3]),
        };
        Fields.Digits(key, form.Groups["digits"].Value, options);
        Fields.Algorithm(key, "", options);
        if (form.Groups["step"] is { Success: true } step)
        {
            key.Type = TokenType.Totp;
            Fields.TimeStep(key, step.Value);
        }
        else if (words.Length > 4)
        {
            // After a success pam_oath writes the counter just used, and the code beside it; before one, the next counter.
            Fields.Counter(key, words[4], isLastUsed: words.Length > 5);
        }

        if (words[2] == "+")
        {
            pins.CheckedElsewhere();
        }
        else if (words[2] != "-")
        {
            key.Pin = pins.OfPlain(words[2]);
        }

        return key;
    }

    private static string? Next(StreamReader reader, int line)
    {
        try
        {
            return reader.ReadLine();
        }
        catch (DecoderFallbackException)
        {
            throw new ImportRefusedException(Fault.BadRow, $"line {line}: this is not UTF-8 text.", line: line);
        }
    }
}
