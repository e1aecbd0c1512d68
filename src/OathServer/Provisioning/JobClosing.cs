using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Storage;

namespace OathServer.Provisioning;

/// <summary>Gives a job up. What it may have put on the key stays in the journal, sealed.</summary>
internal sealed class JobClosing(AuditTrail audit, TimeProvider time)
{
    /// <summary>Null when done, else why not.</summary>
    public async Task<string?> AbandonAsync(OathDbContext db, Guid id, bool force, AuditEvent actor, CancellationToken cancel)
    {
        var job = await db.Jobs.Include(j => j.Steps).SingleAsync(j => j.Id == id, cancel);
        if (job.State != JobState.Open)
        {
            return $"The job is {job.State.ToString().ToLowerInvariant()} already.";
        }

        var now = time.GetUtcNow();
        if (job.LeaseUntil > now && job.Trouble is null)
        {
            return "The job is being driven now.";
        }

        var touched = job.Steps.Any(s => s.State is StepState.Intended or StepState.Done && s.Name is not StepNames.Retries);
        if (touched && !force)
        {
            return "The key holds, or may hold, secrets of this job.";
        }

        var record = await db.Records.Include(r => r.Tokens).SingleAsync(r => r.Cuid == job.Cuid, cancel);
        record.Status = touched ? KeyStatus.InDoubt : job.StatusBefore ?? KeyStatus.InProvisioning;
        record.UpdatedAt = now;
        job.State = JobState.Abandoned;
        job.OpenCuid = null;
        job.EndedAt = now;
        job.LeaseUntil = null;
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        if (job.TokenId is { } tokenId)
        {
            await FreeTokenAsync(db, job, record, tokenId, cancel);
        }

        if (job.Steps.Any(s => s is { Name: StepNames.Earlier, State: StepState.Intended or StepState.Done }))
        {
            // Earlier credentials may be gone from the key.
            var earlier = record.Tokens.Where(t => t.Id != job.TokenId).Select(t => t.Id).ToList();
            await db.Counters.Where(c => earlier.Contains(c.TokenId) && c.State == TokenState.Active)
                .ExecuteUpdateAsync(c => c.SetProperty(x => x.State, TokenState.Suspended), cancel);
        }

        await audit.SaveAsync(db, cancel, actor with { Action = "provisioning.abandon", Outcome = force ? "forced" : "done", Cuid = job.Cuid });
        await transaction.CommitAsync(cancel);
        return null;
    }

    /// <summary>A credential that never reached the key is free again, or the earlier holder's as before; one that may have
    /// reached it stays with this key, suspended.</summary>
    private static async Task FreeTokenAsync(OathDbContext db, ProvisioningJob job, KeyRecord record, long tokenId, CancellationToken cancel)
    {
        var written = job.Steps.Any(s => s is { Name: StepNames.Oath, State: StepState.Intended or StepState.Done });
        var wasHere = await db.Jobs.AnyAsync(j => j.TokenId == tokenId && j.Cuid == job.Cuid && j.State == JobState.Confirmed, cancel);
        var state = written || (wasHere && job.StatusBefore is not (KeyStatus.ReadyForHandout or KeyStatus.HandedOut)) ? TokenState.Suspended
            : wasHere ? TokenState.Active : TokenState.Imported;
        await db.Counters.Where(c => c.TokenId == tokenId && c.State == TokenState.Pending)
            .ExecuteUpdateAsync(c => c.SetProperty(x => x.State, state), cancel);
        if (!written)
        {
            var token = await db.Tokens.SingleAsync(t => t.Id == tokenId, cancel);
            (token.Cuid, token.PersonId) = wasHere ? (token.Cuid, record.PersonId) : (null, token.PersonId);
        }
    }
}
