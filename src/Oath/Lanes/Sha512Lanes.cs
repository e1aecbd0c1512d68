using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Oath.Lanes;

/// <summary>
/// HMAC-SHA-512 of consecutive counters, one a lane, from cached midstates (FIPS 180-4 section 6.4, RFC 2104).
/// </summary>
internal static unsafe class Sha512Lanes<TLanes, TVector>
    where TLanes : ILanes<TVector, ulong>
    where TVector : unmanaged
{
    private const int Words = 80;
    private const int StateWords = 8;

    /// <summary>
    /// Writes the truncated 31-bit values (RFC 4226 section 5.3) of <paramref name="count"/> counters. Whole vectors
    /// are written, so the destination must have room past the count. No counter may carry into the high word.
    /// </summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Fill(ulong* midstates, ulong counter, int count, uint* values)
    {
        byte* raw = stackalloc byte[(Words + StateWords + 1) * sizeof(TVector)];
        TVector* w = Aligned(raw);
        TVector* state = w + Words;

        for (int done = 0; done < count; done += TLanes.Count)
        {
            Load(state, midstates);
            CounterBlock(w, counter + (uint)done);
            Rounds(w, state);
            DigestBlock(w, state);
            Load(state, midstates + StateWords);
            Rounds(w, state);
            TVector value = Truncation.Of64<TLanes, TVector>(state[0], state[1], state[2], last: state[7]);
            TLanes.StoreLow32(value, values + done);
        }
    }

    /// <summary>One ordinary block into a state: how midstates are made.</summary>
    public static void Absorb(ulong* block, TVector* state)
    {
        TVector* w = stackalloc TVector[Words];
        for (int t = 0; t < 16; t++)
            w[t] = TLanes.Splat(block[t]);
        ExpandFrom(w, start: 16);
        Rounds(w, state);
        new Span<byte>(w, Words * sizeof(TVector)).Clear();
    }

    // A vector that straddles a cache line costs two loads.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector* Aligned(byte* raw) =>
        (TVector*)(((nuint)raw + (nuint)sizeof(TVector) - 1) & ~((nuint)sizeof(TVector) - 1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load(TVector* state, ulong* words)
    {
        for (int i = 0; i < StateWords; i++)
            state[i] = TLanes.Splat(words[i]);
    }

    /// <summary>The eight bytes of the counter, the padding bit, and the length: 128 + 8 bytes. Of the first expanded
    /// words three are the same for every counter.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CounterBlock(TVector* w, ulong counter)
    {
        const ulong Padding = 0x80000000_00000000, Length = (128 + 8) * 8;
        ulong u17 = SmallSigma1(Length) + Padding;
        ulong u19 = SmallSigma1(u17);
        ulong u21 = SmallSigma1(u19);
        TVector length = TLanes.Splat(Length);
        w[0] = TLanes.Sequence(counter);
        w[1] = TLanes.Splat(Padding);
        Zero(w, from: 2);
        w[15] = length;
        w[16] = TLanes.Add(w[0], TLanes.Splat(SmallSigma0(Padding)));
        w[17] = TLanes.Splat(u17);
        w[18] = SmallSigma1(w[16]);
        w[19] = TLanes.Splat(u19);
        w[20] = SmallSigma1(w[18]);
        w[21] = TLanes.Splat(u21);
        w[22] = TLanes.Add(SmallSigma1(w[20]), length);
        w[23] = TLanes.Add(w[16], TLanes.Splat(SmallSigma1(u21)));
        w[24] = TLanes.Add(SmallSigma1(w[22]), w[17]);
        ExpandOverZeros(w, length, SmallSigma0(Length));
    }

    /// <summary>The bytes of the inner digest, the padding bit, and the length: 128 + 64 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void DigestBlock(TVector* w, TVector* state)
    {
        const ulong Padding = 0x80000000_00000000, Length = (128 + 64) * 8;
        TVector padding = TLanes.Splat(Padding), length = TLanes.Splat(Length);
        for (int i = 0; i < StateWords; i++)
            w[i] = state[i];
        w[8] = padding;
        Zero(w, from: 9);
        w[15] = length;
        w[16] = TLanes.Add(SmallSigma0(w[1]), w[0]);
        w[17] = TLanes.Add(TLanes.Add(SmallSigma0(w[2]), w[1]), TLanes.Splat(SmallSigma1(Length)));
        for (int t = 18; t < 22; t++)
            w[t] = TLanes.Add(SmallSigma1(w[t - 2]), TLanes.Add(SmallSigma0(w[t - 15]), w[t - 16]));
        w[22] = TLanes.Add(TLanes.Add(SmallSigma1(w[20]), length), TLanes.Add(SmallSigma0(w[7]), w[6]));
        w[23] = TLanes.Add(TLanes.Add(SmallSigma1(w[21]), w[16]), TLanes.Add(w[7], TLanes.Splat(SmallSigma0(Padding))));
        w[24] = TLanes.Add(TLanes.Add(SmallSigma1(w[22]), w[17]), padding);
        ExpandOverZeros(w, length, SmallSigma0(Length));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Zero(TVector* w, int from)
    {
        for (int t = from; t < 15; t++)
            w[t] = TLanes.Splat(0);
    }

    /// <summary>Words from 25 on, words 9 to 14 being zero in both blocks.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ExpandOverZeros(TVector* w, TVector length, ulong sigmaOfLength)
    {
        for (int t = 25; t < 30; t++)
            w[t] = TLanes.Add(SmallSigma1(w[t - 2]), w[t - 7]);
        w[30] = TLanes.Add(TLanes.Add(SmallSigma1(w[28]), w[23]), TLanes.Splat(sigmaOfLength));
        w[31] = TLanes.Add(TLanes.Add(SmallSigma1(w[29]), w[24]), TLanes.Add(SmallSigma0(w[16]), length));
        ExpandFrom(w, start: 32);
    }

    /// <summary>Words from an even one on; the chain of two words back stays in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ExpandFrom(TVector* w, int start)
    {
        TVector x = w[start - 2], y = w[start - 1];
        for (TVector* next = w + start; next < w + Words; next += 2)
        {
            next[0] = x = Expand(x, next);
            next[1] = y = Expand(y, next + 1);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rounds(TVector* w, TVector* state)
    {
        TVector a = state[0], b = state[1], c = state[2], d = state[3];
        TVector e = state[4], f = state[5], g = state[6], h = state[7];
        ref ulong k = ref MemoryMarshal.GetReference(RoundConstants.Sha512);
        // Eight at a time, so that no register moves to another.
        for (TVector* next = w; next < w + Words; next += 8, k = ref Unsafe.Add(ref k, 8))
        {
            h = Common(h, next[0], Unsafe.Add(ref k, 0), e, f, g);
            d = TLanes.Add(d, h);
            h = TLanes.Add(h, TLanes.Add(BigSigma0(a), TLanes.Majority(a, b, c)));
            g = Common(g, next[1], Unsafe.Add(ref k, 1), d, e, f);
            c = TLanes.Add(c, g);
            g = TLanes.Add(g, TLanes.Add(BigSigma0(h), TLanes.Majority(h, a, b)));
            f = Common(f, next[2], Unsafe.Add(ref k, 2), c, d, e);
            b = TLanes.Add(b, f);
            f = TLanes.Add(f, TLanes.Add(BigSigma0(g), TLanes.Majority(g, h, a)));
            e = Common(e, next[3], Unsafe.Add(ref k, 3), b, c, d);
            a = TLanes.Add(a, e);
            e = TLanes.Add(e, TLanes.Add(BigSigma0(f), TLanes.Majority(f, g, h)));
            d = Common(d, next[4], Unsafe.Add(ref k, 4), a, b, c);
            h = TLanes.Add(h, d);
            d = TLanes.Add(d, TLanes.Add(BigSigma0(e), TLanes.Majority(e, f, g)));
            c = Common(c, next[5], Unsafe.Add(ref k, 5), h, a, b);
            g = TLanes.Add(g, c);
            c = TLanes.Add(c, TLanes.Add(BigSigma0(d), TLanes.Majority(d, e, f)));
            b = Common(b, next[6], Unsafe.Add(ref k, 6), g, h, a);
            f = TLanes.Add(f, b);
            b = TLanes.Add(b, TLanes.Add(BigSigma0(c), TLanes.Majority(c, d, e)));
            a = Common(a, next[7], Unsafe.Add(ref k, 7), f, g, h);
            e = TLanes.Add(e, a);
            a = TLanes.Add(a, TLanes.Add(BigSigma0(b), TLanes.Majority(b, c, d)));
        }

        state[0] = TLanes.Add(state[0], a);
        state[1] = TLanes.Add(state[1], b);
        state[2] = TLanes.Add(state[2], c);
        state[3] = TLanes.Add(state[3], d);
        state[4] = TLanes.Add(state[4], e);
        state[5] = TLanes.Add(state[5], f);
        state[6] = TLanes.Add(state[6], g);
        state[7] = TLanes.Add(state[7], h);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Expand(TVector twoBack, TVector* next) =>
        TLanes.Add(TLanes.Add(SmallSigma0(next[-15]), TLanes.Add(next[-7], next[-16])), SmallSigma1(twoBack));

    /// <summary>T1 of FIPS 180-4.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Common(TVector h, TVector word, ulong k, TVector e, TVector f, TVector g) =>
        TLanes.Add(TLanes.Add(TLanes.Add(h, TLanes.Add(word, TLanes.Splat(k))), TLanes.Choose(e, f, g)), BigSigma1(e));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector BigSigma0(TVector x) =>
        TLanes.Xor(TLanes.RotateLeft(x, 36), TLanes.RotateLeft(x, 30), TLanes.RotateLeft(x, 25));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector BigSigma1(TVector x) =>
        TLanes.Xor(TLanes.RotateLeft(x, 50), TLanes.RotateLeft(x, 46), TLanes.RotateLeft(x, 23));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector SmallSigma0(TVector x) =>
        TLanes.Xor(TLanes.RotateLeft(x, 63), TLanes.RotateLeft(x, 56), TLanes.ShiftRight(x, 7));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector SmallSigma1(TVector x) =>
        TLanes.Xor(TLanes.RotateLeft(x, 45), TLanes.RotateLeft(x, 3), TLanes.ShiftRight(x, 6));

    private static ulong SmallSigma0(ulong x) =>
        BitOperations.RotateLeft(x, 63) ^ BitOperations.RotateLeft(x, 56) ^ (x >> 7);

    private static ulong SmallSigma1(ulong x) =>
        BitOperations.RotateLeft(x, 45) ^ BitOperations.RotateLeft(x, 3) ^ (x >> 6);
}
