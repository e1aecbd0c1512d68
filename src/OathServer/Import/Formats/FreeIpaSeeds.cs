using System.Globalization;
using System.Text;
using OathServer.Storage;

namespace OathServer.Import.Formats;

/// <summary>FreeIPA's tokens as an LDIF export (RFC 2849) of <c>cn=otp</c> by the directory manager: entries of the classes
/// <c>ipatokenHOTP</c> and <c>ipatokenTOTP</c>. The counter there is the next one.</summary>
internal static class FreeIpaSeeds
{
    private const int LineMax = 8 * 1024;
    private const int AttributesMax = 200;

    public static IEnumerable<SeedKey> Read(Stream stream, ImportOptions options)
    {
        using var reader = new StreamReader(stream, new UTF8Encoding(false, true), leaveOpen: true);
        var entry = new List<(string Name, byte[] Value)>();
        var first = 0;
        foreach (var (line, number) in Unfolded(reader))
        {
            if (line.Length == 0)
            {
                if (Key(entry, first, options) is { } key)
                {
                    yield return key;
                }

                entry.Clear();
                continue;
            }

            if (line[0] == '#' || line.StartsWith("version:", StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            if (entry.Count == 0)
            {
                first = number;
            }

            entry.Add(Attribute(line, number));
            if (entry.Count > AttributesMax)
            {
                throw Bad(number, $"an entry has more than {AttributesMax} attributes");
            }
        }

        if (Key(entry, first, options) is { } last)
        {
            yield return last;
        }
    }

    /// <summary>The entry as a key; null when it is none of a token.</summary>
    private static SeedKey? Key(List<(string Name, byte[] Value)> entry, int line, ImportOptions options)
    {
        var classes = entry.Where(a => Is(a.Name, "objectClass")).Select(a => Encoding.UTF8.GetString(a.Value)).ToList();
        var hotp = classes.Exists(c => Is(c, "ipatokenHOTP"));
        if (!hotp && !classes.Exists(c => Is(c, "ipatokenTOTP")))
        {
            return null;
        }

        string Text(string name) => entry.Find(a => Is(a.Name, name)).Value is { } value ? Encoding.UTF8.GetString(value) : "";
        var step = Text("ipatokenTOTPtimeStep") is { Length: > 0 } seconds ? seconds : "30";
        var key = new SeedKey
        {
            Line = line,
            DeviceSerial = Text("ipatokenSerial") is { Length: > 0 } serial ? serial : Text("ipatokenUniqueID"),
            KeyId = Text("ipatokenUniqueID"),
            Manufacturer = Text("ipatokenVendor") is { Length: > 0 } vendor ? vendor : null,
            Owner = OwnerOf(Text("ipatokenOwner")),
            Type = hotp ? TokenType.Hotp : TokenType.Totp,
            Drift = hotp ? 0 : DriftOf(Text("ipatokenTOTPclockOffset"), step),
            Disabled = Is(Text("ipatokenDisabled"), "TRUE") ? "it was disabled in FreeIPA" : null,
            Secret = entry.Find(a => Is(a.Name, "ipatokenOTPkey")).Value ?? [],
        };
        Fields.Digits(key, Text("ipatokenOTPdigits"), options);
        Fields.Algorithm(key, Text("ipatokenOTPalgorithm"), options);
        if (hotp)
        {
            Fields.Counter(key, Text("ipatokenHOTPcounter"));
        }
        else
        {
            Fields.TimeStep(key, step);
        }

        if (key.Secret.Length == 0)
        {
            Fields.Bad(key, "it has no ipatokenOTPkey: export as the directory manager, others may not read it");
        }

        return key;
    }

    /// <summary><c>uid=alice,cn=users,…</c> is alice.</summary>
    private static string? OwnerOf(string name) =>
        name.Split(',', 2)[0].Split('=', 2) is [var type, { Length: > 0 } value] && Is(type.Trim(), "uid") ? value.Trim() : null;

    /// <summary>FreeIPA keeps the drift in seconds; here it is in time steps.</summary>
    private static int DriftOf(string seconds, string step) =>
        int.TryParse(seconds, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var drift)
        && int.TryParse(step, NumberStyles.None, CultureInfo.InvariantCulture, out var length) && length > 0 ? drift / length : 0;

    /// <summary><c>name: text</c>, or <c>name:: Base64</c>.</summary>
    private static (string Name, byte[] Value) Attribute(string line, int number)
    {
        var colon = line.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0)
        {
            throw Bad(number, "it is not of the form 'name: value'");
        }

        var (name, rest) = (line[..colon], line[(colon + 1)..]);
        if (!rest.StartsWith(':'))
        {
            return (name, Encoding.UTF8.GetBytes(rest.TrimStart(' ')));
        }

        var value = new byte[rest.Length];
        return Convert.TryFromBase64String(rest[1..].Trim(), value, out var length)
            ? (name, value[..length])
            : throw Bad(number, $"the value of {name} is not Base64");
    }

    /// <summary>A line that starts with a space goes on the one before it (RFC 2849 §2); an empty one ends the entry.</summary>
    private static IEnumerable<(string Line, int Number)> Unfolded(StreamReader reader)
    {
        var held = new StringBuilder();
        var (any, start, number) = (false, 0, 0);
        while (Next(reader, ++number) is { } line)
        {
            if (any && line.StartsWith(' '))
            {
                held.Append(line, 1, line.Length - 1);
                if (held.Length > LineMax)
                {
                    throw Bad(number, $"a value is longer than {LineMax} characters");
                }

                continue;
            }

            if (any)
            {
                yield return (held.ToString(), start);
            }

            held.Clear().Append(line);
            (any, start) = (true, number);
        }

        if (any)
        {
            yield return (held.ToString(), start);
        }
    }

    private static string? Next(StreamReader reader, int number)
    {
        try
        {
            return reader.ReadLine();
        }
        catch (DecoderFallbackException)
        {
            throw Bad(number, "it is not UTF-8 text");
        }
    }

    private static bool Is(string text, string name) => text.Equals(name, StringComparison.OrdinalIgnoreCase);

    private static ImportRefusedException Bad(int line, string what) => new(Fault.BadRow, $"line {line}: {what}.", line: line);
}
