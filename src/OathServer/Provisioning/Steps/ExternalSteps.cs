using System.Security.Cryptography;
using OathServer.Storage;
using SecurityKeys.External;
using SecurityKeys.Piv;

namespace OathServer.Provisioning.Steps;

/// <summary>
/// PUK and PIN of a key that a program drives. A PUK is put by the PIN, and putting it again does no harm, so after a lost
/// answer the same is sent once more. Each value that can cost a try is committed before it is sent; the last try is never
/// spent.
/// </summary>
internal sealed class ExternalSteps(KeySecrets secrets, ExternalKey key)
{
    private const string Foreign = "No further try is spent. Reset the key with its maker's tool, abandon the job and start another.";

    /// <summary>puk-put by the factory PIN; on a key of ours the PUK we know gives it that PIN first.</summary>
    public async Task SetPukAsync(JobInHand job, CancellationToken cancel)
    {
        var step = job.Journal.Step(StepNames.Puk);
        if (JobInHand.IsOver(step))
        {
            return;
        }

        var isFirstTime = step.State == StepState.Planned;
        if (isFirstTime)
        {
            // The key's own word wins over the record: it may have been reset since.
            var known = (await key.ReadPropertiesAsync(cancel)).PukInitialized == false
                ? null : await secrets.PukOfAsync(job.Journal.Database, job.Record, cancel);
            var made = await secrets.MakePukAsync(job.Journal.Database, job.Profile, job.Rules.Puk, job.Record, cancel);
            step.MasterVersion = made.MasterVersion;
            step.Attempt = made.Attempt;
            await job.Journal.IntendAsync(step, known, made.Digits, cancel);
            CryptographicOperations.ZeroMemory(made.Digits);
            CryptographicOperations.ZeroMemory(known);
        }

        await PutAsync(job, step, job.Profile, isFirstTime, job.Decisions.Puk.Strategy switch
        {
            PukStrategy.Derived => $"derived with master version {step.MasterVersion}",
            PukStrategy.Batch => "one for the batch, escrowed",
            _ => "random, escrowed",
        }, cancel);
    }

    /// <summary>Brings the key to the PUK that an abandoned job had intended, unless it says that it has none.</summary>
    public async Task SettlePukAsync(JobInHand job, ProvisioningStep step, KnownProfile profile, CancellationToken cancel)
    {
        if ((await key.ReadPropertiesAsync(cancel)).PukInitialized == false)
        {
            job.Journal.Skip(step, "a later job found no PUK on the key");
            return;
        }

        await PutAsync(job, step, profile, isFirstTime: false, "settled by a later job", cancel);
    }

    private async Task PutAsync(
        JobInHand job, ProvisioningStep step, KnownProfile profile, bool isFirstTime, string detail, CancellationToken cancel)
    {
        var (next, old, pin) = (job.Journal.New(step), job.Journal.Old(step), job.FactoryPin);
        try
        {
            // First time on a key in use the PIN is its holder's: not worth a try.
            var isDone = !(isFirstTime && old is not null) && await PutPukAsync(job, step, pin, next, old is not null, cancel);
            if (!isDone && old is not null)
            {
                await job.Journal.TryNextAsync(step, ProbedValue.Old, triesLeft: null, cancel);
                await AcceptedAsync(job, step, await key.UnblockPinAsync(old, pin, cancel), "The key refused the PUK of its record.", cancel);
                isDone = await PutPukAsync(job, step, pin, next, mayFail: false, cancel);
            }

            if (!isDone || (await key.ReadPropertiesAsync(cancel)).PukInitialized == false)
            {
                throw new JobStoppedException("The key did not take the PUK. Resume to try again.");
            }

            job.Journal.Done(step, detail);
            secrets.KeepPuk(job.Record, step, next, profile, job.Rules.Puk);
        }
        finally
        {
            Clear(next, old, pin);
        }
    }

    /// <summary>By the PUK where the driver can, which proves the PUK too; else from the factory PIN. Then the new PIN is
    /// proven by putting the PUK once more.</summary>
    public async Task SetPinAsync(JobInHand job, CancellationToken cancel)
    {
        var step = job.Journal.Step(StepNames.Pin);
        if (JobInHand.IsOver(step))
        {
            return;
        }

        var isFirstTime = step.State == StepState.Planned;
        if (isFirstTime)
        {
            var made = SecretDigits.Random(job.Decisions.Pin.Digits, job.Rules.Pin.Alphabet);
            await job.Journal.IntendAsync(step, old: null, made, cancel);
            CryptographicOperations.ZeroMemory(made);
        }

        if (step.LastTried == ProbedValue.Refused)
        {
            throw new JobStoppedException("The key refused what this job set: somebody else changed it. " + Foreign);
        }

        var pin = job.Journal.New(step);
        var puk = await secrets.PukOfAsync(job.Journal.Database, job.Record, cancel)
            ?? throw new InvalidOperationException("The PUK step must be done before the PIN.");
        try
        {
            if (key.Offers("pin-unblock"))
            {
                await AcceptedAsync(job, step, await key.UnblockPinAsync(puk, pin, cancel), "The key refused the PUK this job set.", cancel);
            }
            else
            {
                await ChangePinAsync(job, step, pin, isFirstTime, cancel);
            }

            await AcceptedAsync(job, step, await key.PutPukAsync(pin, puk, cancel), "The key refused the PIN it was just given.", cancel);
            job.Journal.Done(step, "unique, proven on the key");
            job.Record.PinMethod = PinMethod.UniqueInitial;
            secrets.KeepPin(job.Record, pin);
            await AbandonedIntents.ClosePinAsync(job, cancel);
        }
        finally
        {
            Clear(pin, puk);
        }
    }

    /// <summary>Last of all, as a key that insists on a new PIN may do nothing else.</summary>
    public async Task ForcePinChangeAsync(JobInHand job, CancellationToken cancel)
    {
        var step = job.Journal.Step(StepNames.ForcePinChange);
        if (JobInHand.IsOver(step))
        {
            return;
        }

        await job.Journal.IntendAsync(step, old: null, next: null, cancel);
        if ((await key.ReadPropertiesAsync(cancel)).ForcePinChange != true)
        {
            var pin = secrets.PinOf(job.Record);
            await AcceptedAsync(job, step, await key.ForcePinChangeAsync(pin, cancel), "The key refused the PIN this job set.", cancel);
            Clear(pin);
        }

        if ((await key.ReadPropertiesAsync(cancel)).ForcePinChange == false)
        {
            throw new JobStoppedException("The key does not say that it insists on a new PIN. Resume to try again.");
        }

        job.Journal.Done(step, "the key insists on a new PIN");
        job.Record.PinMethod = PinMethod.ForcedChange;
    }

    /// <summary>False when the PIN was another and that may be; otherwise a refusal stops the job.</summary>
    private async Task<bool> PutPukAsync(JobInHand job, ProvisioningStep step, byte[] pin, byte[] puk, bool mayFail, CancellationToken cancel)
    {
        var left = (await key.ReadPropertiesAsync(cancel)).PinTriesLeft;
        // A try that was spent without its answer was spent on this very PIN.
        if (step.LastTried == ProbedValue.Refused || left is <= 1 || (step.LastTried == ProbedValue.New && left < step.Before))
        {
            return mayFail && step.LastTried != ProbedValue.Refused ? false
                : throw new JobStoppedException("The PIN is not the one the key came with. " + Foreign);
        }

        await job.Journal.TryNextAsync(step, ProbedValue.New, left, cancel);
        var verdict = await key.PutPukAsync(pin, puk, cancel);
        if (!verdict.Accepted && !mayFail)
        {
            await AcceptedAsync(job, step, verdict, "The PIN is not the one the key came with.", cancel);
        }

        return verdict.Accepted;
    }

    private async Task ChangePinAsync(JobInHand job, ProvisioningStep step, byte[] pin, bool isFirstTime, CancellationToken cancel)
    {
        var factory = job.FactoryPin;
        // After a lost answer the key has the factory PIN or the new one.
        var turn = isFirstTime ? ProbedValue.SurelyOld : Probe.After(step.LastTried);
        var atWorst = Probe.TriesAtWorst(step, PivApplication.FactoryTries);
        while (true)
        {
            var left = (await key.ReadPropertiesAsync(cancel)).PinTriesLeft ?? atWorst;
            if (left <= 1)
            {
                throw new JobStoppedException("The PIN has one try left, and the last is never spent. Set the key aside.");
            }

            await job.Journal.TryNextAsync(step, turn, left, cancel);
            var verdict = await key.ChangePinAsync(Probe.IsNew(turn) ? pin : factory, pin, cancel);
            if (verdict.Accepted)
            {
                return;
            }

            if (Probe.Left(turn) is not { } other)
            {
                await AcceptedAsync(job, step, verdict, "The PIN is neither of the two this job knows.", cancel);
                return;
            }

            (turn, atWorst) = (other, verdict.TriesLeft ?? left - 1);
        }
    }

    private static async Task AcceptedAsync(JobInHand job, ProvisioningStep step, PinVerdict verdict, string otherwise, CancellationToken cancel)
    {
        if (!verdict.Accepted)
        {
            await job.Journal.TryNextAsync(step, ProbedValue.Refused, triesLeft: null, cancel);
            throw new JobStoppedException($"{otherwise} {Foreign}");
        }
    }

    private static void Clear(params ReadOnlySpan<byte[]?> secrets)
    {
        foreach (var secret in secrets)
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }
}
