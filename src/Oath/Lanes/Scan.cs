using System.Numerics;

namespace Oath.Lanes;

/// <summary>Computes every code from one counter to another, then says which is the first that matches.</summary>
internal static class Scan
{
    /// <summary>The smallest matching counter in [first, last] that is not below notBefore.</summary>
    public static bool TryFindFirst(
        OathKey key, ulong first, ulong last, ulong notBefore, CodeMatch code, LaneWidth width, out ulong matched)
    {
        var values = default(ValueGroup);
        ulong found = 0;
        bool any = false;
        ulong span = last - first;
        for (ulong done = 0; done <= span; done += ValueGroup.Size)
        {
            int count = (int)Math.Min(ValueGroup.Size, span - done + 1);
            HotpValues.Fill(key, first + done, count, width, ref values);
            ulong bits = code.Among(ref values, count) & NotBelow(first + done, notBefore);

            // Kept without a branch on it: nothing may take longer for being found here or there.
            bool take = !any & bits != 0;
            ulong here = first + done + (ulong)BitOperations.TrailingZeroCount(bits);
            found = take ? here : found;
            any |= take;
        }

        matched = found;
        return any;
    }

    private static ulong NotBelow(ulong start, ulong notBefore)
    {
        ulong skipped = notBefore <= start ? 0 : notBefore - start;
        return skipped >= ValueGroup.Size ? 0 : ulong.MaxValue << (int)skipped;
    }
}
