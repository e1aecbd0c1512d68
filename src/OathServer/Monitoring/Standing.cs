using Microsoft.EntityFrameworkCore;
using OathServer.Backup;
using OathServer.Storage;

namespace OathServer.Monitoring;

/// <summary>How things stand in the database at one moment: counts only, nobody's name.</summary>
/// <param name="Tokens">Tokens by state.</param>
/// <param name="Locked">Tokens at the hard cap, until help desk unlocks.</param>
/// <param name="NeedResync">Tokens restored without a journal, that want two codes.</param>
/// <param name="Keys">Keys that are neither lost nor retired.</param>
/// <param name="UnknownPuk">Of those, the ones whose PUK is not known here (gap 1).</param>
/// <param name="InDoubt">Keys of which a step could not be resolved: they must be seen again.</param>
/// <param name="OpenJobs">Provisioning jobs begun and not ended.</param>
/// <param name="StuckJobs">Of those, the ones that something stopped.</param>
/// <param name="WebhookLag">Acts that the slowest webhook was not told of yet.</param>
/// <param name="WebhookWait">How long the oldest of them has waited.</param>
/// <param name="LastBackup">When the last backup was made; null before the first.</param>
internal sealed record Standing(
    IReadOnlyDictionary<TokenState, long> Tokens, long Locked, long NeedResync, int Keys, int UnknownPuk, int InDoubt, int OpenJobs, int StuckJobs,
    long WebhookLag, TimeSpan WebhookWait, DateTimeOffset? LastBackup)
{
    public static async Task<Standing> ReadAsync(OathDbContext db, DateTimeOffset now, CancellationToken cancel)
    {
        var counters = await db.Counters.AsNoTracking().GroupBy(c => new { c.State, c.Flags })
            .Select(g => new { g.Key.State, g.Key.Flags, Count = g.LongCount() }).ToListAsync(cancel);
        // Read from the index that readiness reads, not from the records.
        var keys = await db.Records.Where(r => r.Status != KeyStatus.Retired && r.Status != KeyStatus.Lost)
            .GroupBy(r => new { r.Closed, r.Status }).Select(g => new { g.Key.Closed, g.Key.Status, Count = g.Count() }).ToListAsync(cancel);
        var open = db.Jobs.AsNoTracking().Where(j => j.OpenCuid != null);
        var (lag, wait) = await WebhooksAsync(db, now, cancel);
        return new Standing(
            counters.GroupBy(c => c.State).ToDictionary(g => g.Key, g => g.Sum(c => c.Count)),
            counters.Where(c => c.Flags.HasFlag(CounterFlags.Locked)).Sum(c => c.Count),
            counters.Where(c => c.Flags.HasFlag(CounterFlags.ResyncRequired)).Sum(c => c.Count),
            keys.Sum(k => k.Count),
            keys.Where(k => !k.Closed.HasFlag(ClosedGaps.Puk)).Sum(k => k.Count),
            keys.Where(k => k.Status == KeyStatus.InDoubt).Sum(k => k.Count),
            await open.CountAsync(cancel),
            await open.CountAsync(j => j.Trouble != null, cancel),
            lag,
            wait,
            await db.Audit.AsNoTracking().Where(e => e.Action == BackupMaking.Action).OrderByDescending(e => e.Sequence)
                .Select(e => (DateTimeOffset?)e.At).FirstOrDefaultAsync(cancel));
    }

    private static async Task<(long Lag, TimeSpan Wait)> WebhooksAsync(OathDbContext db, DateTimeOffset now, CancellationToken cancel)
    {
        var head = await db.Audit.MaxAsync(e => (long?)e.Sequence, cancel) ?? 0;
        if (await db.Webhooks.MinAsync(h => (long?)h.Cursor, cancel) is not { } cursor || cursor >= head)
        {
            return (0, TimeSpan.Zero);
        }

        var oldest = await db.Audit.AsNoTracking().Where(e => e.Sequence > cursor).OrderBy(e => e.Sequence).Select(e => e.At).FirstAsync(cancel);
        return (head - cursor, now - oldest);
    }
}
