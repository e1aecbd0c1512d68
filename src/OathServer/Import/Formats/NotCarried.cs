using System.Globalization;

namespace OathServer.Import.Formats;

/// <summary>Counts what a file of another server holds that cannot be carried, for the report.</summary>
internal sealed class NotCarried
{
    private readonly SortedDictionary<string, int> types = new(StringComparer.Ordinal);
    private readonly SortedDictionary<int, int> windows = [];

    public void Type(string name) => Count(types, name.ToUpperInvariant());

    public void Window(string text)
    {
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var window))
        {
            windows[window] = windows.GetValueOrDefault(window) + 1;
        }
    }

    /// <summary>The PINs of the file.</summary>
    public OldPins Pins { get; } = new();

    /// <summary>A sentence a matter; none where nothing was left.</summary>
    public IEnumerable<string> Sentences()
    {
        if (types.Count > 0)
        {
            yield return $"Not validated here: {List(types)}.";
        }

        foreach (var sentence in Pins.Sentences())
        {
            yield return sentence;
        }

        if (windows.Count > 1 || windows.Keys.FirstOrDefault(10) != 10)
        {
            var list = string.Join(", ", windows.Select(w => string.Create(CultureInfo.InvariantCulture, $"{w.Value} of {w.Key}")));
            yield return $"Look-ahead is one setting here (Validation:LookAhead), not one a token; there it was {list}.";
        }
    }

    private static string List(SortedDictionary<string, int> counts) =>
        string.Join(", ", counts.Select(c => string.Create(CultureInfo.InvariantCulture, $"{c.Value} {c.Key}")));

    private static void Count(SortedDictionary<string, int> counts, string name) => counts[name] = counts.GetValueOrDefault(name) + 1;
}
