using Microsoft.EntityFrameworkCore;
using OathServer.Storage;

namespace OathServer.Provisioning.Puk;

/// <summary>Keys whose PUK should be renewed when they are next seen.</summary>
internal static class DuePuks
{
    /// <summary>Why a PUK is due: a person has seen it, its master secret was rotated, or a batch PUK is past its date.</summary>
    public static async Task<List<DuePuk>> ListAsync(
        OathDbContext db, IQueryable<KeyRecord> records, DateTimeOffset now, int max, CancellationToken cancel)
    {
        var current = (await PukMasters.ListAsync(db, cancel)).LastOrDefault()?.Version ?? 0;
        var days = (await RolloutProfiles.NewestAsync(db, cancel)).ToDictionary(p => p.Name, p => p.Decisions.Puk.RotateAfterDays);
        var found = await records.AsNoTracking().Include(r => r.Person)
            .Where(r => r.Status != KeyStatus.Lost && r.Status != KeyStatus.Retired
                && (r.PukKnownToPerson || r.PukMethod == PukMethod.Batch || (r.PukMethod == PukMethod.Derived && r.PukMasterVersion < current)))
            .OrderBy(r => r.Cuid).ToListAsync(cancel);
        return [.. found
            .Select(r => (Record: r, Why: r.PukKnownToPerson ? "known-to-person" : r.PukMethod == PukMethod.Derived ? "old-master"
                : r.PukSetAt?.AddDays(days.GetValueOrDefault(r.ProfileName ?? "", new PukDecision().RotateAfterDays)) <= now ? "batch-due" : null))
            .Where(d => d.Why is not null).Take(max)
            .Select(d => new DuePuk(d.Record.Cuid, d.Record.Person?.Name, d.Why!, d.Record.PukSetAt))];
    }
}
