using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Oath.Lanes;

/// <summary>Fills a group with the 31-bit values of consecutive counters, by the lanes asked for.</summary>
internal static unsafe class HotpValues
{
    /// <summary>Whether this processor, or this build of the program, has the instructions of a width.</summary>
    public static bool IsSupported(LaneWidth width) => width switch
    {
        LaneWidth.Avx2 => Avx2.IsSupported,
        LaneWidth.Avx512Vl => Avx512F.VL.IsSupported && Avx2.IsSupported,
        LaneWidth.Avx512 => Avx512F.IsSupported,
        _ => true,
    };

    /// <summary>The values of counter, counter + 1, ...; the counters must not pass 2^64-1.</summary>
    /// <exception cref="ObjectDisposedException">The key was cleared.</exception>
    public static void Fill(OathKey key, ulong counter, int count, LaneWidth width, ref ValueGroup values)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, ValueGroup.Size);
        // The lanes carry the low word of the counter only. Near a multiple of 2^32 there are two stretches; the
        // second overwrites what the first wrote past its end.
        int untilCarry = (int)Math.Min((ulong)count, 0x1_0000_0000 - (counter & 0xFFFF_FFFF));
        fixed (byte* midstates = key.Midstates)
        fixed (uint* destination = (Span<uint>)values)
        {
            FillStretch(key.Algorithm, midstates, counter, untilCarry, width, destination);
            if (untilCarry < count)
            {
                FillStretch(
                    key.Algorithm, midstates, counter + (uint)untilCarry, count - untilCarry, width,
                    destination + untilCarry);
            }
        }

        key.ThrowIfCleared();
    }

    private static void FillStretch(
        OathAlgorithm algorithm, byte* midstates, ulong counter, int count, LaneWidth width, uint* values)
    {
        switch (algorithm)
        {
            case OathAlgorithm.Sha1:
                Sha1((uint*)midstates, counter, count, width, values);
                break;
            case OathAlgorithm.Sha256:
                Sha256((uint*)midstates, counter, count, width, values);
                break;
            default:
                Sha512((ulong*)midstates, counter, count, width, values);
                break;
        }
    }

    private static void Sha1(uint* midstates, ulong counter, int count, LaneWidth width, uint* values)
    {
        switch (width == LaneWidth.Widest ? Best(count, narrow: Avx512VlLanes32.Count) : width)
        {
            case LaneWidth.Avx512 when Avx512F.IsSupported:
                Sha1Lanes<Avx512Lanes32, Vector512<uint>>.Fill(midstates, counter, count, values);
                break;
            case LaneWidth.Avx512Vl when Avx512F.VL.IsSupported:
                Sha1Lanes<Avx512VlLanes32, Vector256<uint>>.Fill(midstates, counter, count, values);
                break;
            case LaneWidth.Avx2 when Avx2.IsSupported && count > Avx2Lanes32.Count:
                Sha1Lanes<Avx2PairLanes32, Pair256>.Fill(midstates, counter, count, values);
                break;
            case LaneWidth.Avx2 when Avx2.IsSupported:
                Sha1Lanes<Avx2Lanes32, Vector256<uint>>.Fill(midstates, counter, count, values);
                break;
            case LaneWidth.Portable128:
                Sha1Lanes<Portable128Lanes32, Vector128<uint>>.Fill(midstates, counter, count, values);
                break;
            case LaneWidth.Scalar:
                Sha1Lanes<ScalarLanes32, uint>.Fill(midstates, counter, count, values);
                break;
            default:
                throw new PlatformNotSupportedException();
        }
    }

    private static void Sha256(uint* midstates, ulong counter, int count, LaneWidth width, uint* values)
    {
        switch (width == LaneWidth.Widest ? Best(count, narrow: Avx512VlLanes32.Count) : width)
        {
            case LaneWidth.Avx512 when Avx512F.IsSupported:
                Sha256Lanes<Avx512Lanes32, Vector512<uint>>.Fill(midstates, counter, count, values);
                break;
            case LaneWidth.Avx512Vl when Avx512F.VL.IsSupported:
                Sha256Lanes<Avx512VlLanes32, Vector256<uint>>.Fill(midstates, counter, count, values);
                break;
            case LaneWidth.Avx2 when Avx2.IsSupported:
                Sha256Lanes<Avx2Lanes32, Vector256<uint>>.Fill(midstates, counter, count, values);
                break;
            case LaneWidth.Portable128:
                Sha256Lanes<Portable128Lanes32, Vector128<uint>>.Fill(midstates, counter, count, values);
                break;
            case LaneWidth.Scalar:
                Sha256Lanes<ScalarLanes32, uint>.Fill(midstates, counter, count, values);
                break;
            default:
                throw new PlatformNotSupportedException();
        }
    }

    private static void Sha512(ulong* midstates, ulong counter, int count, LaneWidth width, uint* values)
    {
        switch (width == LaneWidth.Widest ? Best(count, narrow: Avx512VlLanes64.Count) : width)
        {
            case LaneWidth.Avx512 when Avx512F.IsSupported:
                Sha512Lanes<Avx512Lanes64, Vector512<ulong>>.Fill(midstates, counter, count, values);
                break;
            case LaneWidth.Avx512Vl when Avx512F.VL.IsSupported:
                Sha512Lanes<Avx512VlLanes64, Vector256<ulong>>.Fill(midstates, counter, count, values);
                break;
            case LaneWidth.Avx2 when Avx2.IsSupported:
                Sha512Lanes<Avx2Lanes64, Vector256<ulong>>.Fill(midstates, counter, count, values);
                break;
            case LaneWidth.Portable128:
                Sha512Lanes<Portable128Lanes64, Vector128<ulong>>.Fill(midstates, counter, count, values);
                break;
            case LaneWidth.Scalar:
                Sha512Lanes<ScalarLanes64, ulong>.Fill(midstates, counter, count, values);
                break;
            default:
                throw new PlatformNotSupportedException();
        }
    }

    private static LaneWidth Best(int count, int narrow)
    {
        if (count == 1)
            return LaneWidth.Scalar;
        // Three ports take 256-bit instructions where two take 512-bit ones: a window that fits is done sooner.
        if (Avx512F.VL.IsSupported && count <= narrow)
            return LaneWidth.Avx512Vl;
        if (Avx512F.IsSupported)
            return LaneWidth.Avx512;
        if (Avx2.IsSupported)
            return LaneWidth.Avx2;
        return Vector128.IsHardwareAccelerated ? LaneWidth.Portable128 : LaneWidth.Scalar;
    }
}
