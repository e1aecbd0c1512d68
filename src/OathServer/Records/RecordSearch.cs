using Microsoft.EntityFrameworkCore;
using OathServer.Storage;
using SecurityKeys.Cards;

namespace OathServer.Records;

/// <summary>One box finds a record: by CUID, device serial, token serial, user name, mail or employee number.</summary>
internal static class RecordSearch
{
    public const int ResultsMax = 50;

    public static Task<KeyRecord?> ByCuidAsync(OathDbContext db, string cuid, CancellationToken cancel) =>
        Whole(db).SingleOrDefaultAsync(r => r.Cuid == Canonical(cuid), cancel);

    /// <summary>What is typed whole, or the beginning of a user name. Each way is one look into an index: a condition that
    /// asked for all of them at once would read every record.</summary>
    public static async Task<List<KeyRecord>> FindAsync(OathDbContext db, string text, CancellationToken cancel) =>
        await FindAsync(db, text, await PeopleAsync(db, text.Trim(), cancel), cancel);

    /// <summary>The same, where the people of that text are known already.</summary>
    public static async Task<List<KeyRecord>> FindAsync(OathDbContext db, string text, List<long> people, CancellationToken cancel)
    {
        var trimmed = text.Trim();
        var cuid = Canonical(trimmed);
        var cuids = new HashSet<string>(StringComparer.Ordinal);
        cuids.UnionWith(await db.Records.Where(r => r.Cuid == cuid).Select(r => r.Cuid).ToListAsync(cancel));
        cuids.UnionWith(await db.Records.Where(r => r.DeviceSerial == trimmed).OrderBy(r => r.Cuid).Select(r => r.Cuid).Take(ResultsMax).ToListAsync(cancel));
        cuids.UnionWith(await db.Tokens.Where(t => t.Serial == trimmed && t.Cuid != null).Select(t => t.Cuid!).ToListAsync(cancel));
        cuids.UnionWith(await db.Records.Where(r => people.Contains(r.PersonId!.Value)).OrderBy(r => r.Cuid).Select(r => r.Cuid).Take(ResultsMax).ToListAsync(cancel));
        return await Whole(db).Where(r => cuids.Contains(r.Cuid)).OrderBy(r => r.Cuid).Take(ResultsMax).ToListAsync(cancel);
    }

    /// <summary>A page of all records, in the order of the CUID.</summary>
    public static Task<List<KeyRecord>> AfterAsync(OathDbContext db, string after, int take, CancellationToken cancel) =>
        Whole(db).AsNoTracking().Where(r => r.Cuid.CompareTo(after) > 0).OrderBy(r => r.Cuid).Take(take).ToListAsync(cancel);

    /// <summary>People by name or its beginning, mail or employee number.</summary>
    public static async Task<List<long>> PeopleAsync(OathDbContext db, string text, CancellationToken cancel)
    {
        var name = Person.Normalize(text);
        var past = name + '\uffff';
        var found = new HashSet<long>();
        found.UnionWith(await db.People.Where(p => p.NormalizedName == name).OrderBy(p => p.Id).Select(p => p.Id).Take(ResultsMax).ToListAsync(cancel));
        found.UnionWith(await db.People.Where(p => p.NormalizedName.CompareTo(name) >= 0 && p.NormalizedName.CompareTo(past) < 0)
            .OrderBy(p => p.NormalizedName).Select(p => p.Id).Take(ResultsMax).ToListAsync(cancel));
        found.UnionWith(await db.People.Where(p => p.Mail == text).OrderBy(p => p.Id).Select(p => p.Id).Take(ResultsMax).ToListAsync(cancel));
        found.UnionWith(await db.People.Where(p => p.EmployeeNumber == text).OrderBy(p => p.Id).Select(p => p.Id).Take(ResultsMax).ToListAsync(cancel));
        return [.. found];
    }

    /// <summary>As a person may type it: lower case, with colons or blanks.</summary>
    private static string Canonical(string cuid) => Cuid.TryParse(cuid, out var parsed) ? parsed.Text : cuid;

    private static IQueryable<KeyRecord> Whole(OathDbContext db) => db.Records
        .Include(r => r.Person).Include(r => r.Tokens).ThenInclude(t => t.Counter).Include(r => r.Tokens).ThenInclude(t => t.Import)
        .AsSplitQuery();
}
