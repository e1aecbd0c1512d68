using Microsoft.EntityFrameworkCore;
using OathServer.Storage;

namespace OathServer.Desk;

/// <summary>
/// Lines whose key was being written when their server was killed: the batch would wait for them for ever. A claim is good
/// for <see cref="ClaimTime"/>, by then the key's job is open and has a lease of its own; where one process owns the
/// database, what is found at its start is of a process that is gone.
/// </summary>
internal static class BatchSweep
{
    public static readonly TimeSpan ClaimTime = TimeSpan.FromMinutes(2);

    /// <summary>Puts each to what its job says: done, to be gone on with, or waiting as before.</summary>
    public static async Task RunAsync(OathDbContext db, DateTimeOffset now, bool areAllGone, CancellationToken cancel)
    {
        var stale = await db.DeskBatchLines.AsNoTracking()
            .Where(l => l.State == DeskLineState.Working && (areAllGone || l.ClaimedUntil == null || l.ClaimedUntil < now)).ToListAsync(cancel);
        foreach (var line in stale)
        {
            var claimedAt = line.ClaimedUntil - ClaimTime;
            var job = await db.Jobs.AsNoTracking()
                .Where(j => line.JobId != null ? j.Id == line.JobId : j.Cuid == line.Cuid && j.StartedAt >= claimedAt)
                .OrderByDescending(j => j.StartedAt).FirstOrDefaultAsync(cancel);
            if (job is { State: JobState.Open, Trouble: null } && job.LeaseUntil > now && !areAllGone)
            {
                continue;
            }

            await EndAsync(db, line, job, now, cancel);
        }
    }

    /// <summary>Finished once nobody waits and nothing is open.</summary>
    public static Task FinishAsync(OathDbContext db, Guid batch, DateTimeOffset? now, CancellationToken cancel) =>
        db.DeskBatches.Where(b => b.Id == batch && b.State == DeskBatchState.Running
                && !db.DeskBatchLines.Any(l => l.BatchId == batch
                    && (l.State == DeskLineState.Waiting || l.State == DeskLineState.Working || l.State == DeskLineState.Interrupted)))
            .ExecuteUpdateAsync(b => b.SetProperty(x => x.State, DeskBatchState.Finished).SetProperty(x => x.EndedAt, now), cancel);

    private static async Task EndAsync(OathDbContext db, DeskBatchLine line, ProvisioningJob? job, DateTimeOffset now, CancellationToken cancel)
    {
        var (state, trouble) = job?.State switch
        {
            JobState.Confirmed => (DeskLineState.Done, null),
            JobState.Open => (DeskLineState.Interrupted, job.Trouble ?? "The server stopped while this key was written. Insert the same key again."),
            _ => (DeskLineState.Waiting, (string?)"The server stopped before anything was written; the user waits again."),
        };
        var cuid = state == DeskLineState.Waiting ? null : job!.Cuid;
        var id = state == DeskLineState.Waiting ? null : job?.Id;
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        await db.DeskBatchLines
            .Where(l => l.BatchId == line.BatchId && l.Ordinal == line.Ordinal && l.State == DeskLineState.Working && l.ClaimedUntil == line.ClaimedUntil)
            .ExecuteUpdateAsync(l => l.SetProperty(x => x.State, state).SetProperty(x => x.Trouble, trouble).SetProperty(x => x.Cuid, cuid)
                .SetProperty(x => x.JobId, id).SetProperty(x => x.ClaimedUntil, (DateTimeOffset?)null), cancel);
        await FinishAsync(db, line.BatchId, now, cancel);
        await transaction.CommitAsync(cancel);
    }
}
