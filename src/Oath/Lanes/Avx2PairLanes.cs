using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Oath.Lanes;

/// <summary>Two AVX2 vectors that go through a hash together.</summary>
internal readonly struct Pair256(Vector256<uint> low, Vector256<uint> high)
{
    public readonly Vector256<uint> Low = low;
    public readonly Vector256<uint> High = high;
}

/// <summary>
/// Sixteen 32-bit words in two AVX2 vectors, interleaved: where one chain of rounds waits for its own result, the
/// other has work. For SHA-1 only, whose five words twice fit the sixteen registers. Written out for this one pair: a
/// generic one is past what the compiler will inline, and four times slower than none.
/// </summary>
internal readonly struct Avx2PairLanes32 : ILanes<Pair256, uint>
{
    public static int Count => 2 * Avx2Lanes32.Count;

    public static bool HasThirtyTwoRegisters => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pair256 Splat(uint word) => new(Avx2Lanes32.Splat(word), Avx2Lanes32.Splat(word));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pair256 Sequence(uint start) =>
        new(Avx2Lanes32.Sequence(start), Avx2Lanes32.Sequence(start + (uint)Avx2Lanes32.Count));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pair256 Add(Pair256 x, Pair256 y) => new(Avx2.Add(x.Low, y.Low), Avx2.Add(x.High, y.High));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pair256 Subtract(Pair256 x, Pair256 y) =>
        new(Avx2.Subtract(x.Low, y.Low), Avx2.Subtract(x.High, y.High));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pair256 And(Pair256 x, Pair256 y) => new(Avx2.And(x.Low, y.Low), Avx2.And(x.High, y.High));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pair256 Or(Pair256 x, Pair256 y) => new(Avx2.Or(x.Low, y.Low), Avx2.Or(x.High, y.High));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pair256 Xor(Pair256 x, Pair256 y) => new(Avx2.Xor(x.Low, y.Low), Avx2.Xor(x.High, y.High));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pair256 Xor(Pair256 x, Pair256 y, Pair256 z) =>
        new(Avx2Lanes32.Xor(x.Low, y.Low, z.Low), Avx2Lanes32.Xor(x.High, y.High, z.High));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pair256 Choose(Pair256 x, Pair256 y, Pair256 z) =>
        new(Avx2Lanes32.Choose(x.Low, y.Low, z.Low), Avx2Lanes32.Choose(x.High, y.High, z.High));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pair256 Majority(Pair256 x, Pair256 y, Pair256 z) =>
        new(Avx2Lanes32.Majority(x.Low, y.Low, z.Low), Avx2Lanes32.Majority(x.High, y.High, z.High));

#pragma warning disable CA1857 // Constant once inlined, as the count is.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pair256 RotateLeft(Pair256 x, [ConstantExpected] byte count) =>
        new(Avx2Lanes32.RotateLeft(x.Low, count), Avx2Lanes32.RotateLeft(x.High, count));
#pragma warning restore CA1857

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pair256 ShiftLeft(Pair256 x, [ConstantExpected] byte count) =>
        new(Avx2.ShiftLeftLogical(x.Low, count), Avx2.ShiftLeftLogical(x.High, count));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pair256 ShiftRight(Pair256 x, [ConstantExpected] byte count) =>
        new(Avx2.ShiftRightLogical(x.Low, count), Avx2.ShiftRightLogical(x.High, count));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void StoreLow32(Pair256 x, uint* destination)
    {
        x.Low.Store(destination);
        x.High.Store(destination + Avx2Lanes32.Count);
    }
}
