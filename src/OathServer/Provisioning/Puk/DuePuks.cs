using Microsoft.EntityFrameworkCore;
using OathServer.Storage;

namespace OathServer.Provisioning.Puk;

/// <summary>Keys whose PUK should be renewed when they are next seen: a person has seen it, its master secret was rotated, or
/// a batch PUK is past its date.</summary>
internal sealed class DuePuks
{
    public const string KnownToPerson = "known-to-person";
    public const string OldMaster = "old-master";
    public const string BatchDue = "batch-due";

    private readonly int currentMaster;

    /// <summary>Batch PUKs set before then are due, of keys with those profiles; null for profiles that are none of the others'.</summary>
    private readonly List<(string[]? Profiles, DateTimeOffset SetBefore)> batchLimits = [];
    private readonly string[] knownProfiles;

    private DuePuks(int currentMaster, ILookup<int, string> daysOfProfiles, DateTimeOffset now)
    {
        this.currentMaster = currentMaster;
        knownProfiles = [.. daysOfProfiles.SelectMany(d => d)];
        batchLimits.AddRange(daysOfProfiles.Select(d => ((string[]?)[.. d], now.AddDays(-d.Key))));
        batchLimits.Add((null, now.AddDays(-new PukDecision().RotateAfterDays)));
    }

    /// <summary>What is due by the master secret and the profiles as they are now.</summary>
    public static async Task<DuePuks> AsOfAsync(OathDbContext db, DateTimeOffset now, CancellationToken cancel) => new(
        (await PukMasters.ListAsync(db, cancel)).LastOrDefault()?.Version ?? 0,
        (await RolloutProfiles.NewestAsync(db, cancel)).ToLookup(p => p.Decisions.Puk.RotateAfterDays, p => p.Name), now);

    /// <summary>Those of the records that are due: one query, whatever their number, in no order.</summary>
    public IQueryable<KeyRecord> Of(IQueryable<KeyRecord> records) => Parts(records).Aggregate(Queryable.Concat);

    /// <summary>How many of the records are due: each cause is counted in its own index.</summary>
    public async Task<int> CountAsync(IQueryable<KeyRecord> records, CancellationToken cancel)
    {
        var count = 0;
        foreach (var part in Parts(records))
        {
            count += await part.CountAsync(cancel);
        }

        return count;
    }

    /// <summary>A page of them, in the order of their CUIDs, from behind <paramref name="after"/> on.</summary>
    public Task<List<DuePuk>> PageAsync(IQueryable<KeyRecord> records, string? after, int max, CancellationToken cancel) =>
        Of(after is null ? records : records.Where(r => string.Compare(r.Cuid, after) > 0)).OrderBy(r => r.Cuid).Take(max)
            .Select(r => new DuePuk(
                r.Cuid, r.Person!.Name, r.PukKnownToPerson ? KnownToPerson : r.PukMethod == PukMethod.Derived ? OldMaster : BatchDue, r.PukSetAt))
            .ToListAsync(cancel);

    /// <summary>The records that are due, cause by cause; each is in one of them.</summary>
    private IEnumerable<IQueryable<KeyRecord>> Parts(IQueryable<KeyRecord> records)
    {
        var live = records.Where(r => r.Status != KeyStatus.Lost && r.Status != KeyStatus.Retired);
        var unseen = live.Where(r => !r.PukKnownToPerson);
        yield return live.Where(r => r.PukKnownToPerson);
        yield return unseen.Where(r => r.PukMethod == PukMethod.Derived && r.PukMasterVersion < currentMaster);
        foreach (var (profiles, limit) in batchLimits)
        {
            var old = unseen.Where(r => r.PukMethod == PukMethod.Batch && r.PukSetAt <= limit);
            yield return profiles is null
                ? old.Where(r => r.ProfileName == null || !knownProfiles.Contains(r.ProfileName))
                : old.Where(r => profiles.Contains(r.ProfileName!));
        }
    }
}
