using Microsoft.EntityFrameworkCore;
using OathServer.Storage;

namespace OathServer.Import;

/// <summary>The people a file names, added where they are new, in the caller's transaction.</summary>
internal static class NewPeople
{
    private const int Chunk = 1000;

    /// <summary>The ids by normalised name.</summary>
    public static async Task<IReadOnlyDictionary<string, long>> EnsureAsync(
        OathDbContext db, string realm, IEnumerable<SeedKey> keys, DateTimeOffset now, CancellationToken cancel)
    {
        var ids = new Dictionary<string, long>(StringComparer.Ordinal);
        var names = keys.Where(k => k.Owner is not null).Select(k => k.Owner!).DistinctBy(Person.Normalize, StringComparer.Ordinal);
        foreach (var some in names.Chunk(Chunk))
        {
            var normalised = some.Select(Person.Normalize).ToList();
            var known = await db.People.AsNoTracking().Where(p => p.Realm == realm && normalised.Contains(p.NormalizedName))
                .Select(p => new { p.NormalizedName, p.Id }).ToListAsync(cancel);
            known.ForEach(p => ids[p.NormalizedName] = p.Id);
            var added = some.Where(name => !ids.ContainsKey(Person.Normalize(name)))
                .Select(name => new Person { Realm = realm, Name = name, NormalizedName = Person.Normalize(name), CreatedAt = now }).ToList();
            db.People.AddRange(added);
            await db.SaveChangesAsync(cancel);
            added.ForEach(p => ids[p.NormalizedName] = p.Id);
            db.ChangeTracker.Clear();
        }

        return ids;
    }
}
