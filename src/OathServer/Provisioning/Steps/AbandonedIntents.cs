using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using OathServer.Storage;
using SecurityKeys.Piv;

namespace OathServer.Provisioning.Steps;

/// <summary>
/// Finds out which of two values an abandoned job left on the key, before this job makes one of its own: there are never
/// three. The PUK is brought to the value that job had intended, by the very probe it would have used; the management key
/// is simply tried. A PIN is not looked for: this job's own replaces it by means of the PUK.
/// </summary>
internal sealed class AbandonedIntents(KeySecrets secrets)
{
    public async Task SettleAsync(JobInHand job, CancellationToken cancel)
    {
        var journal = job.Journal;
        foreach (var step in await KeyPast.OpenStepsOn(journal.Database, job.Record.Cuid).OrderBy(s => s.Ordinal).ToListAsync(cancel))
        {
            switch (step.Name)
            {
                case StepNames.ManagementKey:
                    SettleManagementKey(job, step);
                    await journal.CommitAsync(cancel);
                    break;
                case StepNames.Puk:
                    await SettlePukAsync(job, step, cancel);
                    await journal.CommitAsync(cancel);
                    break;
            }
        }
    }

    /// <summary>The PIN of this job is on the key: whatever an abandoned one had set is not.</summary>
    public static async Task ClosePinAsync(JobInHand job, CancellationToken cancel)
    {
        foreach (var step in await KeyPast.OpenStepsOn(job.Journal.Database, job.Record.Cuid).Where(s => s.Name == StepNames.Pin).ToListAsync(cancel))
        {
            job.Journal.Skip(step, "replaced by the PIN of a later job");
        }
    }

    private void SettleManagementKey(JobInHand job, ProvisioningStep step)
    {
        var piv = PivApplication.Select(job.Card);
        var key = job.Journal.New(step);
        try
        {
            if (piv.AuthenticateManagementKey(key, PivSteps.AlgorithmOf(piv)))
            {
                secrets.KeepManagementKey(job.Record, key);
                job.Journal.Done(step, "found on the key by a later job");
            }
            else
            {
                job.Journal.Skip(step, "a later job found that it is not on the key");
            }
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }
    }

    private async Task SettlePukAsync(JobInHand job, ProvisioningStep step, CancellationToken cancel)
    {
        var abandoned = await job.Journal.Database.Jobs.AsNoTracking().SingleAsync(j => j.Id == step.JobId, cancel);
        var profile = await RolloutProfiles.VersionAsync(job.Journal.Database, abandoned.ProfileName, abandoned.ProfileVersion, cancel)
            ?? throw new InvalidOperationException($"Profile {abandoned.ProfileName} version {abandoned.ProfileVersion} is missing.");
        if (job.Key.External is { } key)
        {
            await new ExternalSteps(secrets, key).SettlePukAsync(job, step, profile, cancel);
            return;
        }

        var piv = PivApplication.Select(job.Card);
        if (piv.ReadPukMetadata() is { IsDefault: true })
        {
            job.Journal.Skip(step, "a later job found the factory value on the key");
            return;
        }

        await new PukStep(secrets).ChangeAsync(job, step, piv, profile, isFirstTime: false, "settled by a later job", cancel);
    }
}
