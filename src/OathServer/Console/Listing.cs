using Microsoft.EntityFrameworkCore;

namespace OathServer.Pages;

/// <summary>What a list was asked for: its filters, its order and its page, all in the address, so that a list can be kept
/// as a bookmark and its table is the same as its file.</summary>
/// <param name="request">The request.</param>
/// <param name="sort">The order when none is asked for; a minus in front turns it round.</param>
/// <param name="orders">The orders there are; another is read as <paramref name="sort"/>.</param>
public sealed class Listing(HttpRequest request, string sort, params string[] orders)
{
    /// <summary>Rows of a page.</summary>
    public const int PageSize = 50;

    /// <summary>A list no longer than this is seen at a glance: nobody searches it.</summary>
    public const int GlanceMax = PageSize / 5;

    private const int PageMax = 1_000_000;
    private const string Handler = "_handler";
    private const string Order = "sort";
    private const string Number = "page";

    /// <summary>What stands before each of its names in the address: something only for a second list on the same page.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>A filter; null when it was not asked for.</summary>
    public string? this[string name] => request.Query[NameOf(name)].ToString().Trim() is { Length: > 0 and <= 256 } text ? text : null;

    /// <summary>The order: one of those allowed.</summary>
    public string Sort => Allowed(request.Query[NameOf(Order)].ToString(), orders) ?? sort;

    /// <summary>The page, from 1.</summary>
    public int Page => int.TryParse(request.Query[NameOf(Number)], out var page) ? Math.Clamp(page, 1, PageMax) : 1;

    /// <summary>Rows before this page.</summary>
    public int Skip => (Page - 1) * PageSize;

    /// <summary>The rows of this page, and whether there are more.</summary>
    public async Task<(List<T> Rows, bool More)> ReadAsync<T>(IQueryable<T> all, CancellationToken cancel) =>
        Cut(await all.Skip(Skip).Take(PageSize + 1).ToListAsync(cancel));

    /// <summary>The same of a list that is in memory.</summary>
    public (List<T> Rows, bool More) Read<T>(IEnumerable<T> all) => Cut(all.Skip(Skip).Take(PageSize + 1).ToList());

    /// <summary>How a name must begin, in capitals, for lists that the database filters: it compares names in capitals too, as
    /// either of them would otherwise heed or ignore the case of letters in its own way.</summary>
    public string? Begins => this["begins"]?.ToUpperInvariant();

    /// <summary>Those of a list in memory whose name begins as was asked, in either case of letters.</summary>
    public IEnumerable<T> Beginning<T>(IEnumerable<T> all, params Func<T, string?>[] names) => this["begins"] is not { } begins
        ? all : all.Where(row => Array.Exists(names, name => name(row)?.StartsWith(begins, StringComparison.OrdinalIgnoreCase) == true));

    /// <summary>A filter read as one of an enumeration; null for none of it.</summary>
    public T? Of<T>(string name) where T : struct, Enum => Enum.TryParse<T>(this[name]?.Replace("-", "", StringComparison.Ordinal), ignoreCase: true, out var value) && Enum.IsDefined(value) ? value : null;

    /// <summary>What the filter is called in the address.</summary>
    public string NameOf(string filter) => Prefix + filter;

    /// <summary>What a form that asks for this filter sends along, so that the rest stays as it is.</summary>
    public IEnumerable<(string Name, string Value)> Beside(string filter) => request.Query
        .Where(q => q.Key != Handler && q.Key != NameOf(filter) && q.Key != NameOf(Number)).Select(q => (q.Key, q.Value.ToString())).Where(q => q.Item2.Length > 0);

    /// <summary>The same list in another order; the first page of it.</summary>
    public string Ordered(string by) => With(Order, by);

    /// <summary>The same list by another filter; the first page of it.</summary>
    public string With(string filter, string? value) => Address((NameOf(filter), value), (NameOf(Number), null));

    /// <summary>Another page of the same list.</summary>
    public string OnPage(int number) => Address((NameOf(Number), number == 1 ? null : number.ToString(System.Globalization.CultureInfo.InvariantCulture)));

    /// <summary>The filters and the order, for the file of the same list.</summary>
    public string ForFile() => Address((NameOf(Number), null));

    /// <summary>One row more than a page was read, to see whether there is one.</summary>
    private static (List<T> Rows, bool More) Cut<T>(List<T> rows) => rows.Count > PageSize ? (rows[..PageSize], true) : (rows, false);

    private static string? Allowed(string asked, string[] orders) => orders.Contains(asked.TrimStart('-'), StringComparer.Ordinal) ? asked : null;

    private string Address(params ReadOnlySpan<(string Name, string? Value)> changes)
    {
        var query = request.Query.Where(q => q.Key != Handler).ToDictionary(q => q.Key, q => (string?)q.Value.ToString(), StringComparer.Ordinal);
        foreach (var (name, value) in changes)
        {
            query[name] = value;
        }

        return QueryString.Create(query.Where(q => !string.IsNullOrEmpty(q.Value))).ToString() is { Length: > 0 } text ? text : "?";
    }
}
