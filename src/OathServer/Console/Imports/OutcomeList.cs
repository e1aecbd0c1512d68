using OathServer.Import;

namespace OathServer.Pages;

/// <summary>What becomes, or became, of each key of a file, as a list. A file may hold very many keys: as long as no order is
/// asked for none is copied or sorted, and of an order only the rows up to the page's are.</summary>
internal static class OutcomeList
{
    /// <summary>Asks for the keys with something to read, whatever became of them.</summary>
    public const string Warned = "warned";

    /// <summary>Before its names in the address of an import's page, whose first list is its tokens.</summary>
    public const string BesideTokens = "others-";

    private static readonly string[] Orders = ["line", "serial", "counter", "user"];

    /// <summary>What was asked of such a list.</summary>
    /// <param name="request">The request.</param>
    /// <param name="prefix">Before its names in the address, where it is the second list of a page.</param>
    public static Listing Asked(HttpRequest request, string prefix = "") => new(request, "", Orders) { Prefix = prefix };

    /// <summary>The keys a list asks for, in its order; what was refused before the rest where none is asked for, as it is what
    /// one looks for.</summary>
    public static IEnumerable<ImportedKey> Chosen(IReadOnlyList<ImportedKey> keys, Listing list)
    {
        var (outcome, warned) = (list.Of<KeyOutcome>("outcome"), list["outcome"] == Warned);
        var fit = list.Beginning(keys, k => k.Serial, k => k.User).Where(k => (outcome is null || k.What == outcome) && (!warned || k.Why is not null));
        return list.Sort switch
        {
            "line" => fit.OrderBy(k => k.Line),
            "-line" => fit.OrderByDescending(k => k.Line),
            "serial" => fit.OrderBy(k => k.Serial, StringComparer.Ordinal),
            "-serial" => fit.OrderByDescending(k => k.Serial, StringComparer.Ordinal),
            "counter" => fit.OrderBy(k => k.Counter),
            "-counter" => fit.OrderByDescending(k => k.Counter),
            "user" => fit.OrderBy(k => k.User, StringComparer.OrdinalIgnoreCase),
            "-user" => fit.OrderByDescending(k => k.User, StringComparer.OrdinalIgnoreCase),
            _ => fit.Where(k => k.What == KeyOutcome.Refused).Concat(fit.Where(k => k.What != KeyOutcome.Refused)),
        };
    }
}
