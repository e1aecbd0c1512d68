using System.Globalization;

namespace OathServer.Import.Formats;

/// <summary>Counts what a file of another server holds that cannot be carried, for the report.</summary>
internal sealed class NotCarried
{
    private readonly Tally types = new();
    private readonly SortedDictionary<int, int> windows = [];

    public void Type(string name) => types.Add(name.ToUpperInvariant());

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
        if (!types.IsEmpty)
        {
            yield return $"Not validated here: {types}.";
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
}
