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

    private const int PageMax = 1_000_000;

    /// <summary>A filter; null when it was not asked for.</summary>
    public string? this[string name] => request.Query[name].ToString().Trim() is { Length: > 0 and <= 256 } text ? text : null;

    /// <summary>The order: one of those allowed.</summary>
    public string Sort { get; } = Allowed(request.Query["sort"].ToString(), orders) ?? sort;

    /// <summary>The name of the page in the address; another for a second list on the same page.</summary>
    public string PageName { get; init; } = "page";

    /// <summary>The page, from 1.</summary>
    public int Page => int.TryParse(request.Query[PageName], out var page) ? Math.Clamp(page, 1, PageMax) : 1;

    /// <summary>Rows before this page.</summary>
    public int Skip => (Page - 1) * PageSize;

    /// <summary>The rows of this page, and whether there are more.</summary>
    public async Task<(List<T> Rows, bool More)> ReadAsync<T>(IQueryable<T> all, CancellationToken cancel)
    {
        var rows = await all.Skip(Skip).Take(PageSize + 1).ToListAsync(cancel);
        return rows.Count > PageSize ? (rows[..PageSize], true) : (rows, false);
    }

    /// <summary>A filter read as one of an enumeration; null for none of it.</summary>
    public T? Of<T>(string name) where T : struct, Enum => Enum.TryParse<T>(this[name]?.Replace("-", "", StringComparison.Ordinal), ignoreCase: true, out var value) && Enum.IsDefined(value) ? value : null;

    /// <summary>The same list in another order; the first page of it.</summary>
    public string Ordered(string by) => Address(("sort", by), (PageName, null));

    /// <summary>Another page of the same list.</summary>
    public string OnPage(int number) => Address((PageName, number == 1 ? null : number.ToString(System.Globalization.CultureInfo.InvariantCulture)));

    /// <summary>The filters and the order, for the file of the same list.</summary>
    public string ForFile() => Address((PageName, null));

    private static string? Allowed(string asked, string[] orders) => orders.Contains(asked.TrimStart('-'), StringComparer.Ordinal) ? asked : null;

    private string Address(params ReadOnlySpan<(string Name, string? Value)> changes)
    {
        var query = request.Query.Where(q => q.Key is not "_handler").ToDictionary(q => q.Key, q => (string?)q.Value.ToString(), StringComparer.Ordinal);
        foreach (var (name, value) in changes)
        {
            query[name] = value;
        }

        return QueryString.Create(query.Where(q => !string.IsNullOrEmpty(q.Value))).ToString() is { Length: > 0 } text ? text : "?";
    }
}
