using System.Diagnostics;
using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Provisioning;
using OathServer.Storage;
using SecurityKeys.Cards;

namespace OathServer.Desk;

/// <summary>What becomes of one key at a batch: the next user's, the one it was begun for, or nobody's.</summary>
internal sealed class BatchTurn(OathDbContext db, DeskBatch batch, Workflow workflow, TimeProvider time)
{
    public async Task TakeAsync(string reader, IReadOnlyList<Cuid> offered)
    {
        var started = Stopwatch.GetTimestamp();
        var texts = offered.Select(c => c.Text).ToList();
        var record = KeyIdentity.RecordOf(await db.Records.AsNoTracking().Include(r => r.Person).Where(r => texts.Contains(r.Cuid)).ToListAsync(), offered);
        var begun = record is null ? null : await db.DeskBatchLines.AsNoTracking()
            .Where(l => l.BatchId == batch.Id && l.Cuid == record.Cuid && (l.State == DeskLineState.Interrupted || l.State == DeskLineState.Working))
            .OrderByDescending(l => l.Ordinal).FirstOrDefaultAsync();
        if (begun is not null)
        {
            await GoOnAsync(begun, record!, reader, started);
            return;
        }

        if (record is not null && RefusalOf(record) is { } refusal)
        {
            await NoticeAsync($"{reader}: {refusal}");
            return;
        }

        if (await ClaimAsync(record?.Cuid ?? texts.FirstOrDefault()) is not { } line)
        {
            await FinishAsync();
            return;
        }

        var wanted = new Wanted(batch.ProfileName, line.Serial, line.Serial is null ? batch.Shipment : null, line.UserName, batch.Realm, Force: false);
        await DriveAsync(line, await workflow.StartAsync(db, reader, wanted, dryRun: false, Actor, CancellationToken.None), started);
    }

    private AuditEvent Actor => new(batch.CreatedBy, "", "") { Detail = $"batch {batch.Name}" };

    /// <summary>Whose key it is already; null when it may be given away.</summary>
    private static string? RefusalOf(KeyRecord record) => record switch
    {
        { Status: KeyStatus.ReadyForHandout, PersonId: null } => null,
        { Status: KeyStatus.InProvisioning or KeyStatus.InDoubt } => $"key {record.Cuid} has a job of its own; resume or abandon that. It was not given to the next user.",
        _ => $"key {record.Cuid} is recorded as {record.Status.ToString().ToLowerInvariant()}{(record.Person is { } person ? $" for {person.Name}" : "")}. "
            + "It was not given to the next user.",
    };

    /// <summary>The next user, claimed by one statement: two readers never get the same.</summary>
    private async Task<DeskBatchLine?> ClaimAsync(string? cuid)
    {
        while (await db.DeskBatchLines.AsNoTracking().Where(l => l.BatchId == batch.Id && l.State == DeskLineState.Waiting)
                   .OrderBy(l => l.Ordinal).FirstOrDefaultAsync() is { } next)
        {
            DateTimeOffset? until = time.GetUtcNow() + BatchSweep.ClaimTime;
            var claimed = await db.DeskBatchLines
                .Where(l => l.BatchId == batch.Id && l.Ordinal == next.Ordinal && l.State == DeskLineState.Waiting
                    && db.DeskBatches.Any(b => b.Id == batch.Id && b.State == DeskBatchState.Running))
                .ExecuteUpdateAsync(l => l.SetProperty(x => x.State, DeskLineState.Working).SetProperty(x => x.Cuid, cuid).SetProperty(x => x.Trouble, (string?)null)
                    .SetProperty(x => x.JobId, (Guid?)null).SetProperty(x => x.ClaimedUntil, until));
            if (claimed == 1)
            {
                return next;
            }

            if (!await db.DeskBatches.AnyAsync(b => b.Id == batch.Id && b.State == DeskBatchState.Running))
            {
                return null;
            }
        }

        return null;
    }

    private async Task GoOnAsync(DeskBatchLine line, KeyRecord record, string reader, long started)
    {
        var job = await db.Jobs.AsNoTracking().Where(j => j.Cuid == record.Cuid).OrderByDescending(j => j.StartedAt).FirstOrDefaultAsync();
        if (job is not { State: JobState.Open })
        {
            // The server stopped between the job's end and our noting it, or somebody abandoned the job.
            await EndAsync(line, job, job is null ? "The job never began; the user waits again." : null, started);
            return;
        }

        await DriveAsync(line, await workflow.ResumeAsync(db, job, reader, Actor, CancellationToken.None), started);
    }

    private async Task DriveAsync(DeskBatchLine line, StartOutcome outcome, long started)
    {
        if (outcome is StartOutcome.Started running)
        {
            Guid? id = running.Job;
            await db.DeskBatchLines.Where(l => l.BatchId == batch.Id && l.Ordinal == line.Ordinal).ExecuteUpdateAsync(l => l.SetProperty(x => x.JobId, id));
            await running.Running;
            await EndAsync(line, await db.Jobs.AsNoTracking().SingleAsync(j => j.Id == running.Job), null, started);
            return;
        }

        var (what, next) = outcome switch
        {
            StartOutcome.Refused refused => (string.Join(" ", refused.Reasons.DefaultIfEmpty(refused.What)), refused.Next),
            StartOutcome.Busy busy => (busy.What, "Take the key out and insert it again."),
            _ => throw new InvalidOperationException("Not an outcome of a start."),
        };
        var open = line.JobId is not null;
        await db.DeskBatchLines.Where(l => l.BatchId == batch.Id && l.Ordinal == line.Ordinal).ExecuteUpdateAsync(l => l
            .SetProperty(x => x.State, open ? DeskLineState.Interrupted : DeskLineState.Waiting)
            .SetProperty(x => x.Cuid, open ? line.Cuid : null).SetProperty(x => x.Trouble, what).SetProperty(x => x.ClaimedUntil, (DateTimeOffset?)null));
        await NoticeAsync($"{line.UserName}: {what} {next}");
    }

    private async Task EndAsync(DeskBatchLine line, ProvisioningJob? job, string? trouble, long started)
    {
        var state = job?.State switch
        {
            JobState.Confirmed => DeskLineState.Done,
            JobState.Open => DeskLineState.Interrupted,
            _ => DeskLineState.Waiting,
        };
        var said = trouble ?? (state == DeskLineState.Done ? null : job?.Trouble);
        int? took = state == DeskLineState.Done ? (int)Stopwatch.GetElapsedTime(started).TotalMilliseconds : null;
        var id = job?.Id;
        var cuid = state == DeskLineState.Waiting ? null : job?.Cuid;
        await using var transaction = await db.Database.BeginTransactionAsync();
        await db.DeskBatchLines.Where(l => l.BatchId == batch.Id && l.Ordinal == line.Ordinal).ExecuteUpdateAsync(l => l
            .SetProperty(x => x.State, state).SetProperty(x => x.JobId, id).SetProperty(x => x.Cuid, cuid)
            .SetProperty(x => x.Trouble, said).SetProperty(x => x.Milliseconds, took).SetProperty(x => x.ClaimedUntil, (DateTimeOffset?)null));
        await NoticeAsync(state == DeskLineState.Interrupted ? $"{line.UserName}: {said} Insert the same key again." : null);
        await FinishAsync();
        await transaction.CommitAsync();
    }

    private async Task NoticeAsync(string? notice) =>
        await db.DeskBatches.Where(b => b.Id == batch.Id).ExecuteUpdateAsync(b => b.SetProperty(x => x.Notice, notice));

    private Task FinishAsync() => BatchSweep.FinishAsync(db, batch.Id, time.GetUtcNow(), CancellationToken.None);
}
