using System.Security.Cryptography;
using OathServer.Storage;
using SecurityKeys.Piv;

namespace OathServer.Provisioning.Steps;

/// <summary>
/// The PUK, by CHANGE REFERENCE DATA. After a lost answer the key holds the old value or the new one. Where its metadata
/// says "factory" or not, that decides; where it cannot tell, the two are tried in turn (<see cref="Probe"/>), what was tried
/// last being committed before it is sent: a pull costs one try at most, and the right value restores it.
/// </summary>
internal sealed class PukStep(KeySecrets secrets)
{
    public async Task RunAsync(JobInHand job, CancellationToken cancel)
    {
        var step = job.Journal.Step(StepNames.Puk);
        if (JobInHand.IsOver(step))
        {
            return;
        }

        var piv = PivApplication.Select(job.Card);
        if (step.State == StepState.Planned)
        {
            await PrepareAsync(job, step, piv, cancel);
            await job.Journal.CommitAsync(cancel);
        }

        await job.Journal.IntendAsync(step, old: null, next: null, cancel);
        await ChangeAsync(job, step, piv, job.Profile, job.Journal.IsFirstTime(step), job.Decisions.Puk.Strategy switch
        {
            PukStrategy.Derived => $"derived with master version {step.MasterVersion}",
            PukStrategy.Batch => "one for the batch, escrowed",
            _ => "random, escrowed",
        }, cancel);
    }

    /// <summary>Brings the key to the new value of a step, this job's or one that an abandoned job left open, and notes it
    /// in the record.</summary>
    public async Task ChangeAsync(
        JobInHand job, ProvisioningStep step, PivApplication piv, KnownProfile profile, bool isFirstTime, string detail, CancellationToken cancel)
    {
        var next = job.Journal.New(step);
        var old = job.Journal.Old(step);
        try
        {
            await ChangeAsync(job, step, piv, old, next, isFirstTime, cancel);
            if (piv.ReadPukMetadata() is { IsDefault: true })
            {
                throw new JobStoppedException("The key did not take the PUK. Resume to try again.");
            }

            job.Journal.Done(step, detail);
            secrets.KeepPuk(job.Record, step, next, profile, job.Rules.Puk);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(next);
            CryptographicOperations.ZeroMemory(old);
        }
    }

    /// <summary>Makes the new value and says which one it replaces.</summary>
    public async Task PrepareAsync(JobInHand job, ProvisioningStep step, PivApplication piv, CancellationToken cancel)
    {
        // The key's own word wins over the record: it may have been reset since, or is by new retry limits.
        var old = piv.ReadPukMetadata() is { IsDefault: true } || job.Journal.Step(StepNames.Retries).State != StepState.Skipped
            ? null
            : await secrets.PukOfAsync(job.Journal.Database, job.Record, cancel);
        var made = await secrets.MakePukAsync(job.Journal.Database, job.Profile, job.Rules.Puk, job.Record, cancel);
        step.MasterVersion = made.MasterVersion;
        step.Attempt = made.Attempt;
        job.Journal.Prepare(step, old, made.Digits);
        CryptographicOperations.ZeroMemory(made.Digits);
        CryptographicOperations.ZeroMemory(old);
    }

    private static async Task ChangeAsync(
        JobInHand job, ProvisioningStep step, PivApplication piv, byte[]? old, byte[] next, bool isFirstTime, CancellationToken cancel)
    {
        var told = piv.ReadPukMetadata();
        if (told is { IsDefault: true })
        {
            if (old is not null && !isFirstTime)
            {
                throw new JobStoppedException("The PUK is the factory value again: the key was reset since this job began. Abandon the job and start another.");
            }

            piv.ChangePuk(job.FactoryPuk, next).ThrowIfRefused("change the factory PUK");
            return;
        }

        // What a key says of its factory flag leaves only the new value when the old one was the factory's.
        var onlyNew = told is not null && old is null;
        if (step.LastTried == ProbedValue.Refused || (onlyNew && step.LastTried == ProbedValue.SurelyNew && told!.TriesLeft < step.Before))
        {
            throw Foreign();
        }

        // A value never sent cannot be on the key.
        ProbedValue? turn = onlyNew ? ProbedValue.SurelyNew : isFirstTime ? ProbedValue.SurelyOld : Probe.After(step.LastTried);
        var triesLeft = told?.TriesLeft ?? Probe.TriesAtWorst(step, job.Decisions.Retries?.Puk ?? PivApplication.FactoryTries);
        while (turn is { } value)
        {
            if (triesLeft <= 1)
            {
                throw new JobStoppedException(told is null
                    ? "The key was cut off so often while its PUK was asked for that one try may be left, and the last is never spent. Reset PIV on the key."
                    : "The PUK has one try left, and the last is never spent. Set the key aside.");
            }

            await job.Journal.TryNextAsync(step, value, triesLeft, cancel);
            var verdict = piv.ChangePuk(Probe.IsNew(value) ? next : old ?? job.FactoryPuk, next);
            if (verdict.Accepted)
            {
                return;
            }

            triesLeft = verdict.TriesLeft ?? triesLeft - 1;
            turn = Probe.Left(value);
        }

        await job.Journal.TryNextAsync(step, ProbedValue.Refused, triesLeft, cancel);
        throw Foreign();
    }

    private static JobStoppedException Foreign() => new(
        "The PUK is neither of the two this job knows: somebody else changed it. No further try is spent. Reset PIV on the key.");
}
