using Microsoft.EntityFrameworkCore;
using OathServer.Records;
using OathServer.Storage;

namespace OathServer.Pages;

/// <summary>One thing the search box found.</summary>
internal sealed record Hit(string Href, string Title, string? Who, Phrase What, string Kind);

/// <summary>The search box: keys by their record, and tokens that have none.</summary>
internal static class Lookup
{
    public static async Task<List<Hit>> FindAsync(OathDbContext db, string text, DateTimeOffset now, CancellationToken cancel)
    {
        var hits = new List<Hit>();
        var serial = text.Trim();
        var people = await RecordSearch.PeopleAsync(db, serial, cancel);
        foreach (var record in await RecordSearch.FindAsync(db, serial, people, cancel))
        {
            var (words, kind) = Words.Of(record.Status);
            hits.Add(new Hit($"/keys/{record.Cuid}", record.Cuid, Name(record.Person), new Phrase("{0}, {1}", record.Model ?? (object)new Phrase("security key"), new Phrase(words)), kind));
        }

        var bare = await db.Tokens.AsNoTracking().Include(t => t.Counter).Include(t => t.Person)
            .Where(t => t.Serial == serial && t.Cuid == null).ToListAsync(cancel);
        bare.AddRange(await db.Tokens.AsNoTracking().Include(t => t.Counter).Include(t => t.Person)
            .Where(t => people.Contains(t.PersonId!.Value) && t.Cuid == null && t.Serial != serial)
            .OrderBy(t => t.Serial).Take(RecordSearch.ResultsMax).ToListAsync(cancel));
        foreach (var token in bare)
        {
            var (words, kind) = Words.Of(token.Counter!, now);
            hits.Add(new Hit($"/tokens/{Uri.EscapeDataString(token.Serial)}", token.Serial, Name(token.Person), new Phrase("token without a key record, {0}", new Phrase(words)), kind));
        }

        return hits;
    }

    private static string? Name(Person? person) => person is null ? null
        : person.DisplayName is { } shown ? $"{shown} ({person.Name})" : person.Name;
}
