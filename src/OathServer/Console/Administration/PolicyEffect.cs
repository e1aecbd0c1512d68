using OathServer.Validation;

namespace OathServer.Pages.Administration;

/// <summary>What a policy costs an attacker, and what it forgives a holder.</summary>
internal static class PolicyEffect
{
    /// <summary>How long wrong codes for one user are held up until the hard cap locks, however fast they are sent.</summary>
    public static TimeSpan TimeToHardCap(ValidationPolicy policy)
    {
        var waits = TimeSpan.Zero;
        var delay = policy.FirstDelay;
        for (var failure = policy.FastFailures; failure < policy.HardCap; failure++)
        {
            waits += delay;
            delay = delay < policy.LongestDelay / 2 ? delay * 2 : policy.LongestDelay;
        }

        return waits;
    }

    /// <summary>Chance that a resynchronisation with guessed codes is believed: a place in the window must fit them all.</summary>
    public static double ChanceOfAGuessedResync(ValidationPolicy policy, int digits) =>
        policy.ResyncWindow / Math.Pow(10, digits * policy.CodesForResync);

    /// <summary>One in how many; 0 for never.</summary>
    public static double OneIn(double chance) => chance <= 0 ? 0 : Math.Round(1 / chance);
}
