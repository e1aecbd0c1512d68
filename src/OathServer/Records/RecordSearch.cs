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

    public static Task<List<KeyRecord>> FindAsync(OathDbContext db, string text, CancellationToken cancel)
    {
        var trimmed = text.Trim();
        var name = Person.Normalize(trimmed);
        var cuid = Canonical(trimmed);
        return Whole(db)
            .Where(r => r.Cuid == cuid || r.DeviceSerial == trimmed || r.Tokens.Any(t => t.Serial == trimmed)
                || r.Person!.NormalizedName == name || r.Person.Mail == trimmed || r.Person.EmployeeNumber == trimmed)
            .OrderBy(r => r.Cuid).Take(ResultsMax).ToListAsync(cancel);
    }

    /// <summary>As a person may type it: lower case, with colons or blanks.</summary>
    private static string Canonical(string cuid) => Cuid.TryParse(cuid, out var parsed) ? parsed.Text : cuid;

    private static IQueryable<KeyRecord> Whole(OathDbContext db) => db.Records
        .Include(r => r.Person).Include(r => r.Tokens).ThenInclude(t => t.Counter).Include(r => r.Tokens).ThenInclude(t => t.Import)
        .AsSplitQuery();
}
