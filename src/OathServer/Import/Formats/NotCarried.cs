using System.Globalization;

namespace OathServer.Import.Formats;

/// <summary>Counts what a file of another server holds that cannot be carried, for the report.</summary>
internal sealed class NotCarried
{
    private readonly SortedDictionary<string, int> types = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, int> pins = new(StringComparer.Ordinal);
    private readonly SortedDictionary<int, int> windows = [];

    public void Type(string name) => Count(types, name.ToUpperInvariant());

    public void Window(string text)
    {
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var window))
        {
            windows[window] = windows.GetValueOrDefault(window) + 1;
        }
    }

    /// <summary>A hash of a PIN; its kind is told, never the hash.</summary>
    public void Pin(string hash)
    {
        if (hash.Length > 0)
        {
            Count(pins, KindOf(hash));
        }
    }

    /// <summary>A sentence a matter; none where nothing was left.</summary>
    public IEnumerable<string> Sentences()
    {
        if (types.Count > 0)
        {
            yield return $"Not validated here: {List(types)}.";
        }

        if (pins.Count > 0)
        {
            yield return $"PINs are not carried; their hashes are {List(pins)}. The codes alone are taken over: tell the users, or set a PIN at the VPN.";
        }

        if (windows.Count > 1 || windows.Keys.FirstOrDefault(10) != 10)
        {
            var list = string.Join(", ", windows.Select(w => string.Create(CultureInfo.InvariantCulture, $"{w.Value} of {w.Key}")));
            yield return $"Look-ahead is one setting here (Validation:LookAhead), not one a token; there it was {list}.";
        }
    }

    private static string KindOf(string hash) =>
        hash.StartsWith("$argon2", StringComparison.Ordinal) ? "Argon2"
        : hash.StartsWith("$pbkdf2", StringComparison.OrdinalIgnoreCase) ? "PBKDF2"
        : hash.StartsWith("$5$", StringComparison.Ordinal) || hash.StartsWith("$6$", StringComparison.Ordinal) ? "crypt(3)"
        : hash.StartsWith("@@", StringComparison.Ordinal) ? "encrypted PIN"
        : hash.Length == 64 && hash.All(char.IsAsciiHexDigit) ? "SHA-256"
        : "of another kind";

    private static string List(SortedDictionary<string, int> counts) =>
        string.Join(", ", counts.Select(c => string.Create(CultureInfo.InvariantCulture, $"{c.Value} {c.Key}")));

    private static void Count(SortedDictionary<string, int> counts, string name) => counts[name] = counts.GetValueOrDefault(name) + 1;
}
