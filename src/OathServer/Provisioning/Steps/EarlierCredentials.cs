using OathServer.Storage;
using SecurityKeys.OathApplet;
using SecurityKeys.OtpSlots;

namespace OathServer.Provisioning.Steps;

/// <summary>
/// Takes from the key what an earlier holder had on it, after the new credential has proven itself and before the job is
/// confirmed, whose transaction retires the tokens (<see cref="Journal.ConfirmAsync"/>). Stopped in between, the server may
/// know a seed that is on no key any more; no key ever carries one whose token is somebody else's in silence. Deleting can
/// be repeated.
/// </summary>
internal static class EarlierCredentials
{
    public static async Task RemoveAsync(JobInHand job, CancellationToken cancel)
    {
        var step = job.Journal.Step(StepNames.Earlier);
        if (JobInHand.IsOver(step))
        {
            return;
        }

        var past = await KeyPast.ReadAsync(job.Journal.Database, job.Record, cancel);
        var going = past.Going(job.Token?.Id, job.Place.Slot, job.Place.Name, job.Journal.Job.PersonId).ToList();
        await job.Journal.IntendAsync(step, old: null, next: null, cancel);
        if (job.Key.External is not null)
        {
            job.Journal.Done(step, going.Count == 0 ? "nothing was left to remove" : "its driver has no command to delete a credential; the token is retired");
            return;
        }

        foreach (var credential in going)
        {
            if (credential.Slot is { } its)
            {
                Empty(job, its);
            }
            else if (OathApplication.TrySelect(job.Card) is { Locked: false } oath)
            {
                oath.Delete(credential.Name);
                if (oath.List().Any(c => c.Name == credential.Name))
                {
                    throw new JobStoppedException($"The key still lists the credential {credential.Name}. Resume to try again.");
                }
            }
        }

        job.Journal.Done(step, going.Count == 0 ? "nothing was left to remove"
            : string.Join(", ", going.Select(c => c.Slot is { } its ? $"slot {its} emptied" : $"{c.Name} removed")));
    }

    /// <summary>The tokens that the confirmation puts out of use.</summary>
    public static async Task<IReadOnlyCollection<Token>> RetiringAsync(JobInHand job, CancellationToken cancel)
    {
        if (job.Journal.Step(StepNames.Earlier).State == StepState.Skipped)
        {
            return [];
        }

        var past = await KeyPast.ReadAsync(job.Journal.Database, job.Record, cancel);
        return [.. past.Retiring(job.Record, job.Token?.Id, job.Place.Slot, job.Place.Name, job.Journal.Job.PersonId)];
    }

    private static void Empty(JobInHand job, int slot)
    {
        var slots = OtpSlotsApplication.TrySelect(job.Card)
            ?? throw new JobStoppedException("The key's OTP slots cannot be reached through this reader.");
        if (slot == 1 ? slots.IsSlot1Configured : slots.IsSlot2Configured)
        {
            slots.Delete(slot);
        }
    }
}
