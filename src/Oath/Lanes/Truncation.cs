using System.Runtime.CompilerServices;

namespace Oath.Lanes;

/// <summary>
/// Dynamic truncation (RFC 4226 section 5.3) of every lane at once: four bytes at the offset that the last nibble of
/// the digest says. The offset differs from lane to lane, so each of its four bits selects between two shifts by a
/// constant; nothing branches or reads memory by it.
/// </summary>
internal static class Truncation
{
    /// <summary>Digests of 32-bit words; the offset reaches into the fifth.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Of32<TLanes, TVector>(
        TVector h0, TVector h1, TVector h2, TVector h3, TVector h4, TVector last)
        where TLanes : ILanes<TVector, uint>
        where TVector : unmanaged
    {
        TVector one = TLanes.Splat(1), zero = TLanes.Splat(0);

        TVector eight = TLanes.Subtract(zero, TLanes.And(TLanes.ShiftRight(last, 3), one));
        TVector x0 = TLanes.Choose(eight, h2, h0);
        TVector x1 = TLanes.Choose(eight, h3, h1);
        TVector x2 = TLanes.Choose(eight, h4, h2);

        TVector four = TLanes.Subtract(zero, TLanes.And(TLanes.ShiftRight(last, 2), one));
        x0 = TLanes.Choose(four, x1, x0);
        x1 = TLanes.Choose(four, x2, x1);

        TVector two = TLanes.Subtract(zero, TLanes.And(TLanes.ShiftRight(last, 1), one));
        TVector moved = TLanes.Or(TLanes.ShiftLeft(x0, 16), TLanes.ShiftRight(x1, 16));
        x0 = TLanes.Choose(two, moved, x0);
        x1 = TLanes.Choose(two, TLanes.ShiftLeft(x1, 16), x1);

        TVector single = TLanes.Subtract(zero, TLanes.And(last, one));
        moved = TLanes.Or(TLanes.ShiftLeft(x0, 8), TLanes.ShiftRight(x1, 24));
        return TLanes.And(TLanes.Choose(single, moved, x0), TLanes.Splat(0x7FFFFFFF));
    }

    /// <summary>Digests of 64-bit words; the offset reaches into the third. The value is in the low half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Of64<TLanes, TVector>(TVector h0, TVector h1, TVector h2, TVector last)
        where TLanes : ILanes<TVector, ulong>
        where TVector : unmanaged
    {
        TVector one = TLanes.Splat(1), zero = TLanes.Splat(0);

        TVector eight = TLanes.Subtract(zero, TLanes.And(TLanes.ShiftRight(last, 3), one));
        TVector x0 = TLanes.Choose(eight, h1, h0);
        TVector x1 = TLanes.Choose(eight, h2, h1);

        TVector four = TLanes.Subtract(zero, TLanes.And(TLanes.ShiftRight(last, 2), one));
        TVector moved = TLanes.Or(TLanes.ShiftLeft(x0, 32), TLanes.ShiftRight(x1, 32));
        x0 = TLanes.Choose(four, moved, x0);

        // What is left of the offset is at most three, so the four bytes are all in x0.
        TVector two = TLanes.Subtract(zero, TLanes.And(TLanes.ShiftRight(last, 1), one));
        x0 = TLanes.Choose(two, TLanes.ShiftLeft(x0, 16), x0);
        TVector single = TLanes.Subtract(zero, TLanes.And(last, one));
        x0 = TLanes.Choose(single, TLanes.ShiftLeft(x0, 8), x0);
        return TLanes.And(TLanes.ShiftRight(x0, 32), TLanes.Splat(0x7FFFFFFF));
    }
}
