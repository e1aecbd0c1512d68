using System.Globalization;
using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using OathServer.Storage;
using SecurityKeys.Piv;

namespace OathServer.Provisioning.Steps;

/// <summary>Retry limits, management key and PIN. Each can run again from the start after any interruption: it first finds
/// out which of two values the key holds.</summary>
internal sealed class PivSteps(KeySecrets secrets)
{
    /// <summary>SET PIN RETRIES, which puts PIN and PUK back to factory values and therefore comes first.</summary>
    public async Task SetRetriesAsync(JobInHand job, CancellationToken cancel)
    {
        var step = job.Journal.Step(StepNames.Retries);
        if (JobInHand.IsOver(step))
        {
            return;
        }

        var wanted = job.Decisions.Retries!;
        var piv = PivApplication.Select(job.Card);
        var (pin, puk) = (piv.ReadPinMetadata(), piv.ReadPukMetadata());
        var detail = string.Create(CultureInfo.InvariantCulture, $"{wanted.Pin} for the PIN, {wanted.Puk} for the PUK");
        if (step.State == StepState.Intended && pin?.TriesTotal == wanted.Pin && puk?.TriesTotal == wanted.Puk)
        {
            job.Journal.Done(step, detail);
            return;
        }

        await job.Journal.IntendAsync(step, old: null, next: null, cancel);
        Authenticate(piv, job);
        await VerifyFactoryPinAsync(job, step, piv, pin, puk, cancel);
        piv.SetPinRetries(wanted.Pin, wanted.Puk);
        if (piv.ReadPinMetadata() is { } after && after.TriesTotal != wanted.Pin)
        {
            throw new JobStoppedException("The key did not take the retry limits. Resume to try again.");
        }

        job.Journal.Done(step, detail);
    }

    /// <summary>SET MANAGEMENT KEY. Wrong management keys cost no tries, so each candidate is simply tried.</summary>
    public async Task SetManagementKeyAsync(JobInHand job, CancellationToken cancel)
    {
        var step = job.Journal.Step(StepNames.ManagementKey);
        if (JobInHand.IsOver(step))
        {
            return;
        }

        var piv = PivApplication.Select(job.Card);
        var algorithm = AlgorithmOf(piv);
        await job.Journal.IntendAsync(step, old: null, next: null, cancel);
        var key = job.Journal.New(step);
        var old = job.Journal.Old(step);
        try
        {
            if (!piv.AuthenticateManagementKey(key, algorithm))
            {
                // A key that was reset meanwhile has the factory key again, whatever the record says.
                if (!(old is not null && piv.AuthenticateManagementKey(old, algorithm))
                    && !piv.AuthenticateManagementKey(PivApplication.FactoryManagementKey, algorithm))
                {
                    throw new JobStoppedException("The management key is neither of the two this job knows: somebody else changed it.");
                }

                piv.SetManagementKey(key, algorithm);
            }

            // Read back in a new session: the proof of the old one would still stand.
            if (!PivApplication.Select(job.Card).AuthenticateManagementKey(key, algorithm))
            {
                throw new JobStoppedException("The key did not take the management key. Resume to try again.");
            }

            job.Journal.Done(step, "random, escrowed, proven on the key");
            secrets.KeepManagementKey(job.Record, key);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
            CryptographicOperations.ZeroMemory(old);
        }
    }

    /// <summary>The initial PIN, set by RESET RETRY COUNTER with the PUK of this job: it needs no knowledge of the PIN
    /// before, can be repeated without harm, and shows that the escrowed PUK works.</summary>
    public async Task SetPinAsync(JobInHand job, CancellationToken cancel)
    {
        var step = job.Journal.Step(StepNames.Pin);
        if (JobInHand.IsOver(step))
        {
            return;
        }

        if (job.Decisions.Pin.Strategy == PinStrategy.RefuseDefault)
        {
            await SeeThatHolderSetPinAsync(job, step, cancel);
            return;
        }

        await job.Journal.IntendAsync(step, old: null, next: null, cancel);
        var piv = PivApplication.Select(job.Card);
        var pin = job.Journal.New(step);
        try
        {
            await ReplacePinAsync(job, step, piv, pin, cancel);
            if (!piv.VerifyPin(pin).Accepted || piv.ReadPinMetadata() is { IsDefault: true })
            {
                throw new JobStoppedException("The key did not take the PIN. Resume to try again.");
            }

            job.Journal.Done(step, job.Decisions.Pin.Strategy == PinStrategy.ForcedChange
                ? "unique, proven on the key; PIV cannot insist on a change, the handout asks for it"
                : "unique, proven on the key");
            job.Record.PinMethod = PinMethod.UniqueInitial;
            secrets.KeepPin(job.Record, pin);
            await AbandonedIntents.ClosePinAsync(job, cancel);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(pin);
        }
    }

    /// <summary>RESET RETRY COUNTER with the PUK on record; a refusal is remembered, so that one try is spent and no more.</summary>
    private async Task ReplacePinAsync(
        JobInHand job, ProvisioningStep step, PivApplication piv, ReadOnlyMemory<byte> pin, CancellationToken cancel)
    {
        const string Changed = "The key refused the PUK this job set: somebody else changed it. No further try is spent.";
        if (step.LastTried == ProbedValue.Refused || piv.ReadPukMetadata() is { TriesLeft: <= 1 })
        {
            throw new JobStoppedException(Changed);
        }

        var puk = await secrets.PukOfAsync(job.Journal.Database, job.Record, cancel)
            ?? throw new InvalidOperationException("The PUK step must be done before the PIN.");
        try
        {
            if (!piv.UnblockPin(puk, pin.Span).Accepted)
            {
                await job.Journal.TryNextAsync(step, ProbedValue.Refused, triesLeft: null, cancel);
                throw new JobStoppedException(Changed);
            }
        }
        finally
        {
            CryptographicOperations.ZeroMemory(puk);
        }
    }

    /// <summary>Proves the management key that the record says, or the one this job may have set, or else the factory's.</summary>
    public void Authenticate(PivApplication piv, JobInHand job)
    {
        var algorithm = AlgorithmOf(piv);
        var known = secrets.ManagementKeyOf(job.Record);
        var ours = job.Journal.Step(StepNames.ManagementKey) is { SealedNew: not null } step ? job.Journal.New(step) : null;
        var proven = (known is not null && piv.AuthenticateManagementKey(known, algorithm))
            || (ours is not null && piv.AuthenticateManagementKey(ours, algorithm))
            || piv.AuthenticateManagementKey(PivApplication.FactoryManagementKey, algorithm);
        CryptographicOperations.ZeroMemory(known);
        CryptographicOperations.ZeroMemory(ours);
        if (!proven)
        {
            throw new JobStoppedException("The management key is not the factory value and not one of ours. Reset PIV on the key, then resume.");
        }
    }

    private static async Task VerifyFactoryPinAsync(
        JobInHand job, ProvisioningStep step, PivApplication piv, PinMetadata? pin, PinMetadata? puk, CancellationToken cancel)
    {
        if (pin is { IsDefault: false } or { TriesLeft: 0 })
        {
            if (puk is not { IsDefault: true })
            {
                throw new JobStoppedException("The PIN is not the factory value and the PUK cannot replace it. Reset PIV on the key, then resume.");
            }

            // The factory PUK is known from the key's own word, so this is no guess.
            piv.UnblockPin(job.FactoryPuk, job.FactoryPin).ThrowIfRefused("replace the PIN by means of the factory PUK");
        }
        else if (pin is null)
        {
            var left = piv.ReadPinTriesLeft();
            if (left is <= 1 || (step.LastTried == ProbedValue.Old && left < step.Before))
            {
                throw new JobStoppedException("The PIN is not the factory value, and no further try is spent to find out. Reset PIV on the key, then resume.");
            }

            await job.Journal.TryNextAsync(step, ProbedValue.Old, left, cancel);
        }

        if (!piv.VerifyPin(job.FactoryPin).Accepted)
        {
            throw new JobStoppedException("The PIN is not the factory value. No further try is spent. Reset PIV on the key, then resume.");
        }
    }

    /// <summary>A PIN of ours or of an earlier holder is no PIN of this holder's: it is first put back to the factory
    /// value, which the step's being intended says was done.</summary>
    private async Task SeeThatHolderSetPinAsync(JobInHand job, ProvisioningStep step, CancellationToken cancel)
    {
        var piv = PivApplication.Select(job.Card);
        if (step.State == StepState.Planned && piv.ReadPinMetadata() is { IsDefault: false } && await IsOfAnotherAsync(job, cancel))
        {
            await ReplacePinAsync(job, step, piv, job.FactoryPin, cancel);
            await job.Journal.IntendAsync(step, old: null, next: null, cancel);
        }

        switch (piv.ReadPinMetadata())
        {
            case { IsDefault: false }:
                job.Journal.Done(step, "set by the holder");
                job.Record.PinMethod = PinMethod.SetByHolder;
                job.Record.SealedPin = null;
                await AbandonedIntents.ClosePinAsync(job, cancel);
                break;
            case null:
                throw new JobStoppedException("This key cannot tell whether its PIN is the factory value; use a profile that sets one.");
            default:
                throw new JobStoppedException("The PIN is still the factory value. Let the holder set one, then resume.");
        }
    }

    private static async Task<bool> IsOfAnotherAsync(JobInHand job, CancellationToken cancel) =>
        job.Record.PinMethod is PinMethod.UniqueInitial or PinMethod.ForcedChange
        || (job.Record.PinMethod == PinMethod.SetByHolder && job.Record.PersonId != job.Journal.Job.PersonId)
        || await KeyPast.OpenStepsOn(job.Journal.Database, job.Record.Cuid).AnyAsync(s => s.Name == StepNames.Pin, cancel);

    internal static ManagementKeyAlgorithm AlgorithmOf(PivApplication piv) =>
        piv.ReadManagementKeyMetadata()?.Algorithm ?? ManagementKeyAlgorithm.TripleDes;
}
