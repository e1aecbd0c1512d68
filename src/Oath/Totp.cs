using Oath.Lanes;

namespace Oath;

/// <summary>TOTP (RFC 6238): HOTP whose counter is the number of time steps since 1970.</summary>
public static class Totp
{
    /// <summary>The most steps that may be looked at on either side.</summary>
    public const int MaxSteps = 100_000;

    /// <summary>The time step of a moment: T of RFC 6238 section 4.2 with T0 = 0.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The moment is before 1970, or the period not positive.</exception>
    public static ulong StepAt(DateTimeOffset time, int periodSeconds)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(periodSeconds);
        long seconds = time.ToUnixTimeSeconds();
        ArgumentOutOfRangeException.ThrowIfNegative(seconds, nameof(time));
        return (ulong)(seconds / periodSeconds);
    }

    /// <summary>
    /// Looks around the current step, moved by the drift remembered for this token (RFC 6238 section 6), from
    /// <paramref name="stepsBack"/> before to <paramref name="stepsAhead"/> after, and gives the smallest step that
    /// matches and is not below <paramref name="firstAllowedStep"/>, the step after the last one accepted: a step is
    /// accepted once (RFC 6238 section 5.2). Every code of the window is computed whatever matches.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The key was cleared.</exception>
    public static bool TryMatch(
        OathKey key,
        ulong currentStep,
        int drift,
        int stepsBack,
        int stepsAhead,
        ulong firstAllowedStep,
        OtpCode code,
        out ulong matchedStep)
    {
        ArgumentNullException.ThrowIfNull(key);
        CheckSteps(stepsBack, nameof(stepsBack));
        CheckSteps(stepsAhead, nameof(stepsAhead));

        ulong centre = Move(currentStep, drift);
        return Scan.TryFindFirst(
            key,
            first: Move(centre, -stepsBack),
            last: Move(centre, stepsAhead),
            notBefore: firstAllowedStep,
            new CodeMatch(code),
            LaneWidth.Widest,
            out matchedStep);
    }

    private static void CheckSteps(int steps, string name)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(steps, name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(steps, MaxSteps, name);
    }

    /// <summary>Stops at 0 and at 2^64-1 instead of going round.</summary>
    private static ulong Move(ulong step, long by) =>
        by >= 0
            ? step + Math.Min((ulong)by, ulong.MaxValue - step)
            : step - Math.Min((ulong)-by, step);
}
