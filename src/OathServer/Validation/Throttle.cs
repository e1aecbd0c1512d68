using OathServer.Storage;

namespace OathServer.Validation;

/// <summary>The throttle of RFC 4226 §7.3 on one row: a few fast failures, then a doubling delay, then a hard cap.
/// A failure is counted before the code is compared, so that parallel guesses cannot outrun it.</summary>
internal static class Throttle
{
    /// <summary>Why an attempt may not be looked at now, or null when it may.</summary>
    public static Outcome? Refuses(in CounterRow row, DateTimeOffset now) =>
        (row.Flags & CounterFlags.Locked) != 0 ? Outcome.Locked
        : row.LockedUntil > now.ToUnixTimeMilliseconds() ? Outcome.Throttled
        : null;

    public static void CountFailure(ref CounterRow row, ValidationPolicy policy, DateTimeOffset now)
    {
        row.Failures++;
        if (row.Failures >= policy.HardCap)
        {
            row.Flags |= CounterFlags.Locked;
        }
        else if (row.Failures >= policy.FastFailures)
        {
            // Past 30 doublings the longest delay has long been reached.
            var doublings = Math.Min(row.Failures - policy.FastFailures, 30);
            var delay = Math.Min(policy.FirstDelay.TotalMilliseconds * (1L << doublings), policy.LongestDelay.TotalMilliseconds);
            row.LockedUntil = now.ToUnixTimeMilliseconds() + (long)delay;
        }
    }

    /// <summary>The count starts again: a code was accepted, or help desk unlocked.</summary>
    public static void Clear(ref CounterRow row)
    {
        row.Failures = 0;
        row.LockedUntil = 0;
        row.Flags &= ~CounterFlags.Locked;
    }
}
