using Oath.Lanes;

namespace Oath;

/// <summary>The search of RFC 4226 section 7.4: is this code the one of the next few counters?</summary>
public static class LookAheadWindow
{
    /// <summary>The furthest look-ahead that may be asked for; RFC 4226 section 7.4 wants it small.</summary>
    public const int MaxLookAhead = 100_000;

    /// <summary>
    /// Looks at the counters <paramref name="counter"/> to <paramref name="counter"/> + <paramref name="lookAhead"/>
    /// inclusive, stopping at 2^64-1, and gives the smallest that matches. Every code of the window is computed
    /// whatever matches, so the time says neither where nor whether.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The key was cleared.</exception>
    public static bool TryMatch(OathKey key, ulong counter, int lookAhead, OtpCode code, out ulong matched) =>
        TryMatch(key, counter, lookAhead, code, LaneWidth.Widest, out matched);

    internal static bool TryMatch(
        OathKey key, ulong counter, int lookAhead, OtpCode code, LaneWidth width, out ulong matched)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentOutOfRangeException.ThrowIfNegative(lookAhead);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lookAhead, MaxLookAhead);

        ulong last = counter + Math.Min((ulong)lookAhead, ulong.MaxValue - counter);
        return Scan.TryFindFirst(key, counter, last, notBefore: counter, new CodeMatch(code), width, out matched);
    }
}
