using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Secrets;
using OathServer.Storage;

namespace OathServer.Provisioning;

/// <summary>Another node or request drives the job now, or took it over.</summary>
internal sealed class LeaseLostException() : Exception("Another driver has taken this job over.");

/// <summary>
/// The journal of one job in the hands of its driver: what is to be on the key is committed before it is sent, and what was
/// read back is committed with the next thing. A crash in between leaves a step intended, which its own probe resolves.
/// </summary>
internal sealed class Journal(
    OathDbContext db, ProvisioningJob job, KeyRecord record, Sealer sealer, AuditTrail audit, TimeProvider time, string driver, WriteTurn? turn = null)
{
    /// <summary>Steps that are done are committed at least so often, for those who watch; nothing rests on it.</summary>
    private static readonly TimeSpan ShownWithin = TimeSpan.FromMilliseconds(250);

    private readonly HashSet<ProvisioningStep> prepared = [];
    private readonly HashSet<ProvisioningStep> begun = [];
    private DateTimeOffset committedAt = time.GetUtcNow();

    /// <summary>How long a driver that says nothing keeps the job to itself.</summary>
    public static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(30);

    public ProvisioningJob Job => job;

    public KeyRecord Record => record;

    public OathDbContext Database => db;

    public ProvisioningStep Step(string name) => job.Steps.Single(s => s.Name == name);

    /// <summary>Whether this drive was the first to intend the step, so that its value cannot be on the key before it is
    /// sent here.</summary>
    public bool IsFirstTime(ProvisioningStep step) => prepared.Contains(step);

    /// <summary>Commits that <paramref name="next"/> is what the key gets and <paramref name="old"/> what it may still
    /// hold. Called again for a step that is intended already it changes neither value: there is never a third.</summary>
    public async Task IntendAsync(ProvisioningStep step, byte[]? old, byte[]? next, CancellationToken cancel)
    {
        begun.Add(step);
        if (step.State != StepState.Intended)
        {
            Prepare(step, old, next);
            await CommitAsync(cancel);
        }
        else if (time.GetUtcNow() - committedAt > ShownWithin)
        {
            await CommitAsync(cancel);
        }
    }

    /// <summary>Notes what the key gets; the caller commits it, with what other steps get, before the first of their
    /// commands.</summary>
    public void Prepare(ProvisioningStep step, byte[]? old, byte[]? next)
    {
        prepared.Add(step);
        step.SealedOld = old is null ? null : sealer.Seal(old, SealedPlace.StepOld(step.JobId, step.Ordinal));
        step.SealedNew = next is null ? null : sealer.Seal(next, SealedPlace.StepNew(step.JobId, step.Ordinal));
        Move(step, StepState.Intended);
    }

    /// <summary>What was prepared when the job was opened, and committed with it, was never sent either.</summary>
    public void PreparedAtOpening() => prepared.UnionWith(job.Steps.Where(s => s.State == StepState.Intended));

    /// <summary>The value the key may still hold; null for the factory value.</summary>
    public byte[]? Old(ProvisioningStep step) =>
        step.SealedOld is { } blob ? sealer.Open(blob, SealedPlace.StepOld(step.JobId, step.Ordinal)) : null;

    /// <summary>The value the key gets.</summary>
    public byte[] New(ProvisioningStep step) => sealer.Open(
        step.SealedNew ?? throw new InvalidOperationException($"Step {step.Name} has no new value."), SealedPlace.StepNew(step.JobId, step.Ordinal));

    /// <summary>Commits which value is sent next against a try counter, and how many tries there are before it.</summary>
    public Task TryNextAsync(ProvisioningStep step, ProbedValue value, int? triesLeft, CancellationToken cancel)
    {
        step.LastTried = value;
        step.Before = triesLeft;
        return CommitAsync(cancel);
    }

    /// <summary>Read back from the key. Committed with whatever comes next.</summary>
    public void Done(ProvisioningStep step, string detail)
    {
        step.Detail = detail;
        Move(step, StepState.Done);
    }

    public void Skip(ProvisioningStep step, string reason)
    {
        step.Detail = reason;
        Move(step, StepState.Skipped);
    }

    /// <summary>Makes what was noted durable, if the job is still ours.</summary>
    public async Task CommitAsync(CancellationToken cancel)
    {
        using var held = await WriteTurn.TakeAsync(turn, cancel);
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        await HoldAsync(cancel);
        await db.SaveChangesAsync(cancel);
        await transaction.CommitAsync(cancel);
        committedAt = time.GetUtcNow();
    }

    /// <summary>Stops the job with words for the operator; it stays open and can be resumed. What was prepared and not
    /// begun was never sent and is forgotten: only a drive that dies leaves it in doubt.</summary>
    public async Task StopAsync(string trouble, AuditEvent actor, CancellationToken cancel)
    {
        foreach (var step in prepared.Where(s => s.State == StepState.Intended && !begun.Contains(s)))
        {
            (step.SealedOld, step.SealedNew) = (null, null);
            Move(step, StepState.Planned);
        }

        job.Trouble = trouble;
        job.LeaseUntil = null;
        record.Status = InDoubt || job.StatusBefore == KeyStatus.InDoubt ? KeyStatus.InDoubt : KeyStatus.InProvisioning;
        record.UpdatedAt = time.GetUtcNow();
        using var held = await WriteTurn.TakeAsync(turn, cancel);
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        await HoldAsync(cancel, release: true);
        await audit.SaveAsync(db, cancel, actor with { Action = "provisioning.stop", Outcome = InDoubt ? "in-doubt" : "stopped", Cuid = job.Cuid, Detail = trouble });
        await transaction.CommitAsync(cancel);
    }

    /// <summary>In one transaction: the job confirmed, the record ready and its holder's, the token in use and those of an
    /// earlier holder retired, the audit entries.</summary>
    public async Task ConfirmAsync(IReadOnlyCollection<Token> retiring, AuditEvent actor, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        job.State = JobState.Confirmed;
        job.OpenCuid = null;
        job.Trouble = null;
        job.EndedAt = now;
        job.LeaseUntil = null;
        record.Status = job is { IsPukOnly: true, StatusBefore: { } before } ? before : KeyStatus.ReadyForHandout;
        record.UpdatedAt = now;
        if (!job.IsPukOnly)
        {
            record.PersonId = job.PersonId;
        }

        using var held = await WriteTurn.TakeAsync(turn, cancel);
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        await HoldAsync(cancel, release: true);
        await RetireAsync(retiring, cancel);
        await DropPendingSeedAsync(cancel);
        if (job.TokenId is { } token && await db.Counters.Where(c => c.TokenId == token && c.State == TokenState.Pending)
                .ExecuteUpdateAsync(c => c.SetProperty(x => x.State, TokenState.Active), cancel) != 1)
        {
            throw new InvalidOperationException("The token is no longer pending; the job cannot be confirmed.");
        }

        AuditEvent[] entries =
        [
            actor with { Action = "provisioning.confirm", Outcome = "done", Cuid = job.Cuid },
            .. retiring.Select(t => actor with { Action = "token.retire", Outcome = "done", Cuid = job.Cuid, Serial = t.Serial, UserName = t.Person?.Name }),
        ];
        await audit.SaveAsync(db, cancel, entries);
        await transaction.CommitAsync(cancel);
    }

    /// <summary>A seed staged before was overwritten on the key: no code of it may switch to it any more.</summary>
    private async Task DropPendingSeedAsync(CancellationToken cancel)
    {
        if (job.TokenId is { } token && await db.PendingSeeds.Where(p => p.TokenId == token).ExecuteDeleteAsync(cancel) > 0)
        {
            await db.Counters.Where(c => c.TokenId == token)
                .ExecuteUpdateAsync(c => c.SetProperty(x => x.Flags, x => x.Flags & ~CounterFlags.ReseedPending), cancel);
        }
    }

    /// <summary>For good. They keep their key and holder: that is their history.</summary>
    private async Task RetireAsync(IReadOnlyCollection<Token> retiring, CancellationToken cancel)
    {
        if (retiring.Count == 0)
        {
            return;
        }

        var ids = retiring.Select(t => t.Id).ToList();
        await db.Counters.Where(c => ids.Contains(c.TokenId)).ExecuteUpdateAsync(c => c.SetProperty(x => x.State, TokenState.Disabled), cancel);
        foreach (var token in retiring)
        {
            token.DisabledReason = $"Its key was provisioned anew on {time.GetUtcNow():yyyy-MM-dd}.";
        }
    }

    /// <summary>Says what stopped the job and lets go of it, as far as the storage takes it; a job that was confirmed with
    /// the answer lost stays confirmed.</summary>
    public static async Task LetGoAsync(OathDbContext db, Guid id, string driver, string trouble)
    {
        try
        {
            await db.Jobs.Where(j => j.Id == id && j.Lease == driver && j.State == JobState.Open)
                .ExecuteUpdateAsync(j => j.SetProperty(x => x.Trouble, trouble).SetProperty(x => x.LeaseUntil, (DateTimeOffset?)null));
        }
        catch (Exception fault) when (fault is DbException or InvalidOperationException or DbUpdateException)
        {
            // The storage is still away. Whoever resumes finds that this driver is gone.
        }
    }

    /// <summary>A secret was committed that may or may not be on the key.</summary>
    public bool InDoubt => job.Steps.Any(s => s is { State: StepState.Intended, SealedNew: not null });

    /// <summary>The fence: one statement that fails when another driver took the job over. In the caller's transaction,
    /// so that nothing of a driver that was overtaken is stored.</summary>
    private async Task HoldAsync(CancellationToken cancel, bool release = false)
    {
        DateTimeOffset? until = release ? null : time.GetUtcNow() + LeaseTime;
        var ours = await db.Jobs.Where(j => j.Id == job.Id && j.Lease == driver && j.State == JobState.Open)
            .ExecuteUpdateAsync(j => j.SetProperty(x => x.LeaseUntil, until), cancel);
        if (ours != 1)
        {
            throw new LeaseLostException();
        }
    }

    private void Move(ProvisioningStep step, StepState state)
    {
        step.State = state;
        step.ChangedAt = time.GetUtcNow();
    }
}
