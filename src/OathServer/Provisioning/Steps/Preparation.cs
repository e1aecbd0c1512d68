using System.Security.Cryptography;
using OathServer.Storage;
using SecurityKeys.Piv;

namespace OathServer.Provisioning.Steps;

/// <summary>Everything that the job may put on the key, in one commit before its first command: a flush of the disk a job
/// instead of one a step. A step that an earlier drive intended keeps its values.</summary>
internal sealed class Preparation(KeySecrets secrets)
{
    public async Task RunAsync(JobInHand job, CancellationToken cancel)
    {
        if (await PrepareAsync(job, cancel))
        {
            await job.Journal.CommitAsync(cancel);
        }
    }

    /// <summary>Makes the values; the caller commits them. False when every step had its own.</summary>
    public async Task<bool> PrepareAsync(JobInHand job, CancellationToken cancel)
    {
        var prepared = false;
        PivApplication? piv = null;
        foreach (var step in job.Journal.Job.Steps.Where(s => s.State == StepState.Planned))
        {
            switch (step.Name)
            {
                case StepNames.Retries or StepNames.Identity or StepNames.Oath or StepNames.Fido or StepNames.Earlier:
                    job.Journal.Prepare(step, old: null, next: null);
                    break;
                case StepNames.ManagementKey:
                    var key = KeySecrets.MakeManagementKey(PivSteps.AlgorithmOf(piv ??= PivApplication.Select(job.Card)));
                    job.Journal.Prepare(step, secrets.ManagementKeyOf(job.Record), key);
                    CryptographicOperations.ZeroMemory(key);
                    break;
                case StepNames.Puk:
                    await new PukStep(secrets).PrepareAsync(job, step, piv ??= PivApplication.Select(job.Card), cancel);
                    break;
                case StepNames.Pin when job.Decisions.Pin.Strategy != PinStrategy.RefuseDefault:
                    var pin = SecretDigits.Random(job.Decisions.Pin.Digits, job.Rules.Pin.Alphabet);
                    job.Journal.Prepare(step, old: null, pin);
                    CryptographicOperations.ZeroMemory(pin);
                    break;
                case StepNames.FirstCode:
                    step.Before = await OathSteps.StartOfAsync(job.Journal.Database, job.Token!, job.Decisions.Oath!, cancel);
                    job.Journal.Prepare(step, old: null, next: null);
                    break;
                default:
                    // The record, and a PIN that stays: nothing goes on the key.
                    continue;
            }

            prepared = true;
        }

        return prepared;
    }
}
