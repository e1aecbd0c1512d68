using System.Text;

namespace OathServer.Import.Formats;

/// <summary>One entry of an LDIF file: its attributes as they stand there.</summary>
internal sealed class LdifEntry
{
    /// <summary>Of its first attribute.</summary>
    public required int Line { get; init; }

    public List<(string Name, byte[] Value)> Attributes { get; } = [];

    /// <summary>The first value of an attribute; empty when it has none.</summary>
    public byte[] Octets(string name) => Attributes.Find(a => a.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Value ?? [];

    public string Text(string name) => Encoding.UTF8.GetString(Octets(name));

    public bool IsOf(string objectClass) => Attributes.Exists(a => a.Name.Equals("objectClass", StringComparison.OrdinalIgnoreCase)
        && Encoding.UTF8.GetString(a.Value).Equals(objectClass, StringComparison.OrdinalIgnoreCase));
}

/// <summary>Reads LDIF (RFC 2849) one entry at a time: folded lines, Base64 values, comments.</summary>
internal static class Ldif
{
    private const int LineMax = 8 * 1024;
    private const int AttributesMax = 200;

    /// <exception cref="ImportRefusedException">A line is none of LDIF; it is named.</exception>
    public static IEnumerable<LdifEntry> Read(Stream stream)
    {
        using var reader = new StreamReader(stream, new UTF8Encoding(false, true), leaveOpen: true);
        LdifEntry? entry = null;
        foreach (var (line, number) in Unfolded(reader))
        {
            if (line.Length == 0)
            {
                if (entry is not null)
                {
                    yield return entry;
                }

                entry = null;
                continue;
            }

            if (line[0] == '#' || line.StartsWith("version:", StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            entry ??= new LdifEntry { Line = number };
            entry.Attributes.Add(Attribute(line, number));
            if (entry.Attributes.Count > AttributesMax)
            {
                throw Bad(number, $"an entry has more than {AttributesMax} attributes");
            }
        }

        if (entry is not null)
        {
            yield return entry;
        }
    }

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

    private static ImportRefusedException Bad(int line, string what) => new(Fault.BadRow, $"line {line}: {what}.", line: line);
}
