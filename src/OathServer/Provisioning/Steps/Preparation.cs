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
        var planned = job.Journal.Job.Steps.Where(s => s.State == StepState.Planned).ToList();
        if (planned.TrueForAll(s => s.Name is StepNames.Record || (s.Name == StepNames.Pin && job.Decisions.Pin.Strategy == PinStrategy.RefuseDefault)))
        {
            return false;
        }

        var piv = PivApplication.Select(job.Card);
        foreach (var step in planned)
        {
            switch (step.Name)
            {
                case StepNames.Retries or StepNames.Identity or StepNames.Oath or StepNames.Fido or StepNames.Earlier:
                    job.Journal.Prepare(step, old: null, next: null);
                    break;
                case StepNames.ManagementKey:
                    var key = KeySecrets.MakeManagementKey(PivSteps.AlgorithmOf(piv));
                    job.Journal.Prepare(step, secrets.ManagementKeyOf(job.Record), key);
                    CryptographicOperations.ZeroMemory(key);
                    break;
                case StepNames.Puk:
                    await new PukStep(secrets).PrepareAsync(job, step, piv, cancel);
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
            }
        }

        return true;
    }
}
