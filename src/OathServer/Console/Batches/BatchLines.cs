using Microsoft.EntityFrameworkCore;
using OathServer.Storage;

namespace OathServer.Pages;

/// <summary>The people of a batch as a list: whose key is made, by whom they begin and how far they are.</summary>
internal static class BatchLines
{
    private static readonly string[] Orders = ["line", "user", "state", "key", "seconds"];

    /// <summary>What was asked of the list.</summary>
    public static Listing Asked(HttpRequest request) => new(request, Orders[0], Orders);

    /// <summary>The lines a list asks for, in its order. No key yet, and no time taken yet, come first on either database.</summary>
    public static IQueryable<DeskBatchLine> Of(OathDbContext db, Guid batch, Listing list)
    {
        var lines = db.DeskBatchLines.AsNoTracking().Where(l => l.BatchId == batch);
        if (list.Begins is { } begins)
        {
            lines = lines.Where(l => l.UserName.ToUpper().StartsWith(begins));
        }

        if (list.Of<DeskLineState>("line") is { } state)
        {
            lines = lines.Where(l => l.State == state);
        }

        return list.Sort switch
        {
            "-line" => lines.OrderByDescending(l => l.Ordinal),
            "user" => lines.OrderBy(l => l.UserName).ThenBy(l => l.Ordinal),
            "-user" => lines.OrderByDescending(l => l.UserName).ThenByDescending(l => l.Ordinal),
            "state" => lines.OrderBy(l => l.State).ThenBy(l => l.Ordinal),
            "-state" => lines.OrderByDescending(l => l.State).ThenByDescending(l => l.Ordinal),
            "key" => lines.OrderBy(l => l.Cuid != null).ThenBy(l => l.Cuid).ThenBy(l => l.Ordinal),
            "-key" => lines.OrderByDescending(l => l.Cuid != null).ThenByDescending(l => l.Cuid).ThenByDescending(l => l.Ordinal),
            "seconds" => lines.OrderBy(l => l.Milliseconds != null).ThenBy(l => l.Milliseconds).ThenBy(l => l.Ordinal),
            "-seconds" => lines.OrderByDescending(l => l.Milliseconds != null).ThenByDescending(l => l.Milliseconds).ThenByDescending(l => l.Ordinal),
            _ => lines.OrderBy(l => l.Ordinal),
        };
    }
}
