using System.Globalization;

namespace OathServer.Import.Formats;

/// <summary>Counts things by their kind, for a sentence of a report.</summary>
internal sealed class Tally
{
    private readonly SortedDictionary<string, int> counts = new(StringComparer.Ordinal);

    public bool IsEmpty => counts.Count == 0;

    public void Add(string kind) => counts[kind] = counts.GetValueOrDefault(kind) + 1;

    /// <summary>As a sentence lists them: <c>3 PUSH, 1 SMS</c>.</summary>
    public override string ToString() => string.Join(", ", counts.Select(c => string.Create(CultureInfo.InvariantCulture, $"{c.Value} {c.Key}")));
}
