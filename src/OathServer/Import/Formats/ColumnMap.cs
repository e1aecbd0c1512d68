using System.Diagnostics.CodeAnalysis;

namespace OathServer.Import.Formats;

/// <summary>Which column of a table holds what, as the operator says: <c>serial=1,secret=3,counter=4</c>, or by the names
/// of a header row.</summary>
internal sealed record ColumnMap(IReadOnlyDictionary<string, string> Columns)
{
    public static readonly string[] Fields =
        ["serial", "secret", "counter", "lastCounter", "type", "digits", "timeStep", "algorithm", "user", "manufacturer", "keyId"];

    public string? this[string field] => Columns.GetValueOrDefault(field);

    public static bool TryParse(string text, [NotNullWhen(true)] out ColumnMap? map, [NotNullWhen(false)] out string? fault)
    {
        map = null;
        var columns = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            var pair = part.Split('=', 2, StringSplitOptions.TrimEntries);
            if (pair.Length != 2 || pair[1].Length == 0 || !Fields.Contains(pair[0], StringComparer.Ordinal) || !columns.TryAdd(pair[0], pair[1]))
            {
                fault = $"write field=column pairs such as serial=1,secret=2,counter=3, each field once; fields are {string.Join(", ", Fields)}.";
                return false;
            }
        }

        if (!columns.ContainsKey("serial") || !columns.ContainsKey("secret"))
        {
            fault = "serial and secret must be among the columns.";
            return false;
        }

        (map, fault) = (new ColumnMap(columns), null);
        return true;
    }
}
