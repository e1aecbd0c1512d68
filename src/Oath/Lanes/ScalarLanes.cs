using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Oath.Lanes;

/// <summary>One 32-bit word, in an ordinary register.</summary>
internal readonly struct ScalarLanes32 : ILanes<uint, uint>
{
    public static int Count => 1;

    public static bool HasThirtyTwoRegisters => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Splat(uint word) => word;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Sequence(uint start) => start;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Add(uint x, uint y) => x + y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Subtract(uint x, uint y) => x - y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint And(uint x, uint y) => x & y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Or(uint x, uint y) => x | y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Xor(uint x, uint y) => x ^ y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Xor(uint x, uint y, uint z) => x ^ y ^ z;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Choose(uint x, uint y, uint z) => z ^ (x & (y ^ z));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Majority(uint x, uint y, uint z) => (x & y) | (z & (x | y));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint RotateLeft(uint x, [ConstantExpected] byte count) => BitOperations.RotateLeft(x, count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint ShiftLeft(uint x, [ConstantExpected] byte count) => x << count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint ShiftRight(uint x, [ConstantExpected] byte count) => x >> count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void StoreLow32(uint x, uint* destination) =>
        *destination = x;
}

/// <summary>One 64-bit word, in an ordinary register.</summary>
internal readonly struct ScalarLanes64 : ILanes<ulong, ulong>
{
    public static int Count => 1;

    public static bool HasThirtyTwoRegisters => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Splat(ulong word) => word;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Sequence(ulong start) => start;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Add(ulong x, ulong y) => x + y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Subtract(ulong x, ulong y) => x - y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong And(ulong x, ulong y) => x & y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Or(ulong x, ulong y) => x | y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Xor(ulong x, ulong y) => x ^ y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Xor(ulong x, ulong y, ulong z) => x ^ y ^ z;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Choose(ulong x, ulong y, ulong z) => z ^ (x & (y ^ z));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Majority(ulong x, ulong y, ulong z) => (x & y) | (z & (x | y));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong RotateLeft(ulong x, [ConstantExpected] byte count) => BitOperations.RotateLeft(x, count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong ShiftLeft(ulong x, [ConstantExpected] byte count) => x << count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong ShiftRight(ulong x, [ConstantExpected] byte count) => x >> count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void StoreLow32(ulong x, uint* destination) =>
        *destination = (uint)x;
}
