using SecurityKeys.Cards;
using SecurityKeys.Piv;

namespace OathServer.Provisioning.Steps;

/// <summary>CHUID and CCC (SP 800-73-4 part 1, 3.1.1 and 3.1.2), which other software looks for. Neither is a secret, and
/// what is there is never replaced: the step can be repeated at will. The record stays under the CUID it has.</summary>
internal static class IdentityStep
{
    // As far off as the fields of SP 800-73 and old readers bear; what expires is the key's use, not its number.
    private static readonly DateOnly Expires = new(2050, 1, 1);

    public static async Task RunAsync(JobInHand job, PivSteps steps, CancellationToken cancel)
    {
        var step = job.Journal.Step(StepNames.Identity);
        if (JobInHand.IsOver(step))
        {
            return;
        }

        await job.Journal.IntendAsync(step, old: null, next: null, cancel);
        var piv = PivApplication.Select(job.Card);
        try
        {
            steps.Authenticate(piv, job);
            job.Journal.Done(step, Write(piv));
        }
        catch (Exception fault) when (fault is JobStoppedException or CardStatusException)
        {
            // Nothing of the rollout depends on it; the record says why it is not there.
            job.Journal.Skip(step, "the card's management key is not known, or it refused the objects");
        }
    }

    /// <summary>Gives a card without any identity a CHUID, by its factory management key.</summary>
    public static void WriteFirst(ISmartCardConnection card)
    {
        var piv = PivApplication.Select(card);
        var algorithm = piv.ReadManagementKeyMetadata()?.Algorithm ?? ManagementKeyAlgorithm.TripleDes;
        if (!piv.AuthenticateManagementKey(PivApplication.FactoryManagementKey, algorithm))
        {
            throw new SmartCardException(
                "This card offers no identity to keep a record under, and its management key is not the factory value. "
                + "Write a CHUID with the maker's tool, then start again.");
        }

        Write(piv);
    }

    private static string Write(PivApplication piv)
    {
        var written = new List<string>(2);
        if (piv.GetChuid() is null)
        {
            piv.PutChuid(Chuid.Create(Expires));
            written.Add("CHUID");
        }

        if (piv.GetCcc() is null)
        {
            piv.PutCcc(CardCapabilities.Create());
            written.Add("CCC");
        }

        return piv.GetChuid() is not null && piv.GetCcc() is not null
            ? written.Count == 0 ? "the key has both" : $"{string.Join(" and ", written)} written"
            : throw new JobStoppedException("The card did not keep the objects.");
    }
}
