using System.Numerics;
using Oath.Lanes;

namespace Oath;

/// <summary>
/// Finds where a key has got to from two or three consecutive codes (RFC 4226 section 7.4, appendix E.4).
/// </summary>
/// <remarks>
/// Every place in the window is tried, not only the first that matches the first code: among 1,000 counters one in a
/// thousand six-digit codes also stands somewhere by chance. Two places where all codes match are refused. The last
/// counter, 2^64-1, is never a match, so that there always is a next one.
/// </remarks>
public static class Resynchronization
{
    /// <summary>The largest window that may be asked for.</summary>
    public const int MaxWindow = 100_000;

    /// <summary>How far below the counter is looked, only to tell a person that the codes were used already.</summary>
    public const int LookBack = 100;

    /// <summary>
    /// Looks for the first code at <paramref name="counter"/> and the counters after it, <paramref name="window"/> in
    /// all, with the other codes at the counters that follow. Codes at or past the counter only: it never goes back.
    /// </summary>
    /// <exception cref="ArgumentException">Not two or three codes.</exception>
    /// <exception cref="ObjectDisposedException">The key was cleared.</exception>
    public static ResynchronizationResult Find(OathKey key, ulong counter, int window, ReadOnlySpan<OtpCode> codes) =>
        Find(key, counter, window, codes, LaneWidth.Widest);

    internal static ResynchronizationResult Find(
        OathKey key, ulong counter, int window, ReadOnlySpan<OtpCode> codes, LaneWidth width)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(window);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(window, MaxWindow);
        if (codes.Length is not (2 or 3))
            throw new ArgumentException("Two or three codes are needed.", nameof(codes));

        Places ahead = Search(key, counter, (ulong)window, codes, width);
        if (ahead.Runs == 1)
        {
            ulong lastMatched = ahead.RunStart + (ulong)codes.Length - 1;
            return ResynchronizationResult.At(lastMatched, ahead.RunStart - counter, window);
        }

        if (ahead.Runs > 1)
            return ResynchronizationResult.Refused(ResynchronizationOutcome.Ambiguous, window);

        ulong back = Math.Min(LookBack, counter);
        Places behind = Search(key, counter - back, back, codes, width);
        if (behind.Runs > 0)
            return ResynchronizationResult.Refused(ResynchronizationOutcome.AlreadyUsed, window);
        if (ahead.FirstCode)
            return ResynchronizationResult.Refused(ResynchronizationOutcome.NotConsecutive, window);
        return ResynchronizationResult.Refused(
            behind.FirstCode ? ResynchronizationOutcome.AlreadyUsed : ResynchronizationOutcome.FirstCodeNotFound,
            window);
    }

    /// <summary>
    /// Runs of all codes whose first is at one of <paramref name="starts"/> counters from <paramref name="from"/>.
    /// </summary>
    private static Places Search(
        OathKey key, ulong from, ulong starts, ReadOnlySpan<OtpCode> codes, LaneWidth width)
    {
        int following = codes.Length - 1;
        var first = new CodeMatch(codes[0]);
        var second = new CodeMatch(codes[1]);
        var third = codes.Length == 3 ? new CodeMatch(codes[2]) : default;

        // 2^64-1 itself is left out, see the remarks.
        ulong counters = Math.Min(starts + (ulong)following, ulong.MaxValue - from);
        var places = default(Places);
        var values = default(ValueGroup);
        ulong firstBefore = 0, secondBefore = 0;
        for (ulong done = 0; done < counters; done += ValueGroup.Size)
        {
            int count = (int)Math.Min(ValueGroup.Size, counters - done);
            HotpValues.Fill(key, from + done, count, width, ref values);

            // Bit i speaks of counter from + done + i, as the place of the LAST code; the codes before it are moved up.
            ulong firstBits = first.Among(ref values, count);
            ulong secondBits = second.Among(ref values, count);
            ulong runs = codes.Length == 2
                ? Moved(firstBits, firstBefore, by: 1) & secondBits
                : Moved(firstBits, firstBefore, by: 2) & Moved(secondBits, secondBefore, by: 1)
                    & third.Among(ref values, count);

            places.FirstCode |= (firstBits & Below(starts - Math.Min(starts, done))) != 0;
            if (places.Runs == 0 && runs != 0)
                places.RunStart = from + done + (ulong)BitOperations.TrailingZeroCount(runs) - (ulong)following;
            places.Runs += BitOperations.PopCount(runs);
            (firstBefore, secondBefore) = (firstBits, secondBits);
        }

        return places;
    }

    private static ulong Moved(ulong bits, ulong before, int by) => (bits << by) | (before >> (64 - by));

    /// <summary>The lowest bits, at most 64 of them.</summary>
    private static ulong Below(ulong count) => count >= 64 ? ulong.MaxValue : (1ul << (int)count) - 1;

    private struct Places
    {
        public int Runs;
        public ulong RunStart;
        public bool FirstCode;
    }
}
