using OathServer.Records;
using OathServer.Storage;

namespace OathServer.Pages;

/// <summary>A reveal that waits for a second person, as it is listed.</summary>
/// <param name="Ask">What is asked.</param>
/// <param name="Holder">Who holds the key.</param>
internal sealed record RevealRow(RevealAsk Ask, string? Holder)
{
    /// <summary>The orders there are and what they are called; the first where none is asked for.</summary>
    public static readonly IReadOnlyList<(string Sort, Phrase Name)> Orders =
    [
        ("asked", new Phrase("Oldest first")), ("-asked", new Phrase("Newest first")), ("cuid", new Phrase("By hardware key")), ("by", new Phrase("By who asks")),
    ];

    /// <summary>What was asked of the list.</summary>
    public static Listing Asked(HttpRequest request) => new(request, Orders[0].Sort, [.. Orders.Select(o => o.Sort)]);

    /// <summary>The reveals a list asks for, in its order. Few wait at a time, and an index on their end finds those.</summary>
    public static IQueryable<RevealRow> Of(OathDbContext db, SecondPerson second, Listing list)
    {
        var asks = second.Waiting(db);
        if (list["what"] is { } what)
        {
            asks = asks.Where(a => a.What == what);
        }

        if (list["cuid"]?.ToUpperInvariant() is { } cuid)
        {
            asks = asks.Where(a => a.Cuid == cuid);
        }

        if (list["by"] is { } by)
        {
            asks = asks.Where(a => a.AskedBy == by);
        }

        return (list.Sort switch
        {
            "-asked" => asks.OrderByDescending(a => a.AskedAt).ThenByDescending(a => a.Id),
            "cuid" => asks.OrderBy(a => a.Cuid).ThenBy(a => a.Id),
            "by" => asks.OrderBy(a => a.AskedBy).ThenBy(a => a.Id),
            _ => asks.OrderBy(a => a.AskedAt).ThenBy(a => a.Id),
        }).Select(a => new RevealRow(a, db.Records.Where(r => r.Cuid == a.Cuid).Select(r => r.Person!.Name).FirstOrDefault()));
    }
}
