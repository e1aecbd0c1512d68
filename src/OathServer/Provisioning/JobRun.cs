using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Provisioning.Steps;
using OathServer.Secrets;
using OathServer.Storage;
using SecurityKeys.Cards;

namespace OathServer.Provisioning;

/// <summary>Drives one job over an open key, from wherever it stands to its end or to what stops it.</summary>
internal sealed class JobRun(
    KeySecrets secrets, OathSteps oath, Sealer sealer, AuditTrail audit, TimeProvider time, ILogger<JobRun> log, WriteTurn? turn = null)
{
    /// <summary>Runs the steps that are not done. Ends with the job confirmed, or open with its trouble in words; another
    /// driver's job is left alone. <paramref name="isFirst"/>: nobody drove it before, so that nothing was sent yet.</summary>
    public async Task RunAsync(
        OathDbContext db, Guid id, KnownProfile profile, ReaderSession session, AuditEvent actor, string driver, string? typedCode,
        bool isFirst, CancellationToken cancel)
    {
        var job = await db.Jobs.Include(j => j.Steps.OrderBy(s => s.Ordinal)).SingleAsync(j => j.Id == id, cancel);
        var record = await db.Records.Include(r => r.Tokens).ThenInclude(t => t.Counter).SingleAsync(r => r.Cuid == job.Cuid, cancel);
        var holder = job.PersonId is { } personId ? await db.People.SingleAsync(p => p.Id == personId, cancel) : null;
        var token = job.TokenId is { } tokenId
            ? await db.Tokens.Include(t => t.Counter).SingleAsync(t => t.Id == tokenId, cancel)
            : null;
        var journal = new Journal(db, job, record, sealer, audit, time, driver, turn);
        if (isFirst)
        {
            journal.PreparedAtOpening();
        }

        actor = actor with { Serial = token?.Serial, UserName = holder?.Name };
        try
        {
            job.Trouble = null;
            var rules = session.External?.Info.Profile ?? KeyLook.RulesOf(session.Card);
            var inHand = new JobInHand(session, rules, journal, profile, token, holder?.Name, typedCode);
            await RunStepsAsync(inHand, cancel);
            if (!job.IsPukOnly)
            {
                Enter(record, job, profile);
            }

            journal.Done(journal.Step(StepNames.Record), "confirmed");
            await journal.ConfirmAsync(await EarlierCredentials.RetiringAsync(inHand, cancel), actor, cancel);
        }
        catch (Exception fault) when (fault is JobStoppedException or SmartCardException)
        {
            try
            {
                await journal.StopAsync(fault.Message, actor, CancellationToken.None);
            }
            catch (LeaseLostException)
            {
                // Taken over while this one stopped: as below.
            }
        }
        catch (LeaseLostException)
        {
            // Nothing of ours was stored; the other driver tells what becomes of the job.
        }
        catch (Exception fault) when (fault is not OperationCanceledException)
        {
            // What is in memory may be ahead of what is stored: only words are added to what is there.
            log.LogError("Provisioning job {Job} on key {Cuid} stopped: {Fault}", id, job.Cuid, fault);
            db.ChangeTracker.Clear();
            await Journal.LetGoAsync(db, id, driver, "The server could not go on (its log says why). Nothing on the key is lost: resume.");
        }
    }

    private async Task RunStepsAsync(JobInHand job, CancellationToken cancel)
    {
        if (job.Journal.Job.StatusBefore is not null)
        {
            await new AbandonedIntents(secrets).SettleAsync(job, cancel);
        }

        if (job.Key.External is { } key)
        {
            var external = new ExternalSteps(secrets, key);
            await external.SetPukAsync(job, cancel);
            await oath.WriteAsync(job, cancel);
            await external.SetPinAsync(job, cancel);
            await oath.ProveAsync(job, cancel);
            await external.ForcePinChangeAsync(job, cancel);
            await EarlierCredentials.RemoveAsync(job, cancel);
            job.Record.FidoPolicy = FidoWords.Of(job.Decisions.Fido);
            job.Record.FidoStatus ??= job.Journal.Step(StepNames.Fido).Detail;
            return;
        }

        if (job.Journal.Job.IsPukOnly)
        {
            await new PukStep(secrets).RunAsync(job, cancel);
            return;
        }

        await new Preparation(secrets).RunAsync(job, cancel);
        var piv = new PivSteps(secrets);
        await piv.SetRetriesAsync(job, cancel);
        await piv.SetManagementKeyAsync(job, cancel);
        await IdentityStep.RunAsync(job, piv, cancel);
        await new PukStep(secrets).RunAsync(job, cancel);
        await oath.WriteAsync(job, cancel);
        await FidoStep.RunAsync(job, cancel);
        await piv.SetPinAsync(job, cancel);
        await oath.ProveAsync(job, cancel);
        await EarlierCredentials.RemoveAsync(job, cancel);
    }

    private void Enter(KeyRecord record, ProvisioningJob job, KnownProfile profile)
    {
        record.ProfileName = profile.Name;
        record.ProfileVersion = profile.Version;
        record.ProvisionedBy = job.Operator;
        record.ProvisionedAt = time.GetUtcNow();
    }
}
