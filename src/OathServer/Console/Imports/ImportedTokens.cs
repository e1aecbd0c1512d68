using Microsoft.EntityFrameworkCore;
using OathServer.Storage;

namespace OathServer.Pages;

/// <summary>The tokens of an import, as they are now, as a list: by their serials, which an index keeps together.</summary>
internal static class ImportedTokens
{
    private static readonly string[] Orders = ["serial"];

    /// <summary>What was asked of the list.</summary>
    public static Listing Asked(HttpRequest request) => new(request, Orders[0], Orders);

    /// <summary>The tokens a list asks for, in its order.</summary>
    public static IQueryable<Token> Of(OathDbContext db, long import, Listing list)
    {
        var tokens = db.Tokens.AsNoTracking().Where(t => t.ImportId == import);
        if (list.Begins is { } begins)
        {
            tokens = tokens.Where(t => t.Serial.ToUpper().StartsWith(begins));
        }

        if (list.Of<TokenState>("state") is { } state)
        {
            tokens = tokens.Where(t => t.Counter!.State == state);
        }

        return list.Sort == "-serial" ? tokens.OrderByDescending(t => t.Serial) : tokens.OrderBy(t => t.Serial);
    }
}
