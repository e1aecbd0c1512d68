using System.Runtime.CompilerServices;

namespace Oath.Lanes;

/// <summary>
/// HMAC-SHA-1 of consecutive counters, one a lane, from cached midstates (FIPS 180-4 section 6.1, RFC 2104).
/// </summary>
/// <remarks>
/// Two blocks a code: the counter under the inner midstate, its digest under the outer one. In both, words 6 to 14
/// are zero, so their rounds have no word to add and the first sixteen expanded words need fewer terms.
/// </remarks>
internal static unsafe class Sha1Lanes<TLanes, TVector>
    where TLanes : ILanes<TVector, uint>
    where TVector : unmanaged
{
    private const int Words = 80;
    private const uint K0 = 0x5A827999, K1 = 0x6ED9EBA1, K2 = 0x8F1BBCDC, K3 = 0xCA62C1D6;

    /// <summary>
    /// Writes the truncated 31-bit values (RFC 4226 section 5.3) of <paramref name="count"/> counters. Whole vectors
    /// are written, so the destination must have room past the count. No counter may carry into the high word.
    /// </summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Fill(uint* midstates, ulong counter, int count, uint* values)
    {
        byte* raw = stackalloc byte[(Words + 5 + 1) * sizeof(TVector)];
        TVector* w = Aligned(raw);
        TVector* state = w + Words;

        for (int done = 0; done < count; done += TLanes.Count)
        {
            Load(state, midstates);
            CounterBlock(w, (uint)(counter >> 32), TLanes.Sequence((uint)counter + (uint)done));
            Compress(w, state);
            DigestBlock(w, state);
            Load(state, midstates + 5);
            Compress(w, state);
            TVector value = Truncation.Of32<TLanes, TVector>(
                state[0], state[1], state[2], state[3], state[4], last: state[4]);
            TLanes.StoreLow32(value, values + done);
        }
    }

    /// <summary>One ordinary block into a state: how midstates are made.</summary>
    [SkipLocalsInit]
    public static void Absorb(uint* block, TVector* state)
    {
        TVector* w = stackalloc TVector[Words];
        for (int t = 0; t < 16; t++)
            w[t] = TLanes.Splat(block[t]);
        ExpandFrom(w, start: 16);
        Rounds(w, state);
    }

    // A vector that straddles a cache line costs two loads.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector* Aligned(byte* raw) =>
        (TVector*)(((nuint)raw + (nuint)sizeof(TVector) - 1) & ~((nuint)sizeof(TVector) - 1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load(TVector* state, uint* words)
    {
        for (int i = 0; i < 5; i++)
            state[i] = TLanes.Splat(words[i]);
    }

    /// <summary>The eight bytes of the counter, the padding bit, and the length: 64 + 8 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CounterBlock(TVector* w, uint high, TVector low)
    {
        w[0] = TLanes.Splat(high);
        w[1] = low;
        w[2] = TLanes.Splat(0x80000000);
        for (int t = 3; t < 15; t++)
            w[t] = TLanes.Splat(0);
        w[15] = TLanes.Splat((64 + 8) * 8);
    }

    /// <summary>The twenty bytes of the inner digest, the padding bit, and the length: 64 + 20 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void DigestBlock(TVector* w, TVector* state)
    {
        for (int i = 0; i < 5; i++)
            w[i] = state[i];
        w[5] = TLanes.Splat(0x80000000);
        for (int t = 6; t < 15; t++)
            w[t] = TLanes.Splat(0);
        w[15] = TLanes.Splat((64 + 20) * 8);
    }

    /// <summary>A block whose words 6 to 14 are zero: the words that follow need fewer terms.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Compress(TVector* w, TVector* state)
    {
        w[16] = Rotate1(TLanes.Xor(w[0], w[2]));
        w[17] = Rotate1(TLanes.Xor(w[1], w[3]));
        w[18] = Rotate1(TLanes.Xor(w[2], w[4], w[15]));
        w[19] = Rotate1(TLanes.Xor(w[3], w[5], w[16]));
        w[20] = Rotate1(TLanes.Xor(w[4], w[17]));
        w[21] = Rotate1(TLanes.Xor(w[5], w[18]));
        w[22] = Rotate1(w[19]);
        w[23] = Rotate1(TLanes.Xor(w[15], w[20]));
        w[24] = Rotate1(TLanes.Xor(w[16], w[21]));
        w[25] = Rotate1(TLanes.Xor(w[17], w[22]));
        w[26] = Rotate1(TLanes.Xor(w[18], w[23]));
        w[27] = Rotate1(TLanes.Xor(w[19], w[24]));
        w[28] = Rotate1(TLanes.Xor(w[20], w[25]));
        w[29] = Rotate1(TLanes.Xor(w[15], w[21], w[26]));
        w[30] = Rotate1(TLanes.Xor(w[16], w[22], w[27]));
        w[31] = Rotate1(TLanes.Xor(TLanes.Xor(w[15], w[17], w[23]), w[28]));
        ExpandFrom(w, start: 32);
        Rounds(w, state);
    }

    /// <summary>Words from a multiple of four to 79; the chain of three words back stays in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ExpandFrom(TVector* w, int start)
    {
        TVector x = w[start - 3], y = w[start - 2], z = w[start - 1];
        for (TVector* next = w + start; next < w + Words; next += 4)
        {
            next[0] = x = Expand(x, next);
            next[1] = y = Expand(y, next + 1);
            next[2] = z = Expand(z, next + 2);
            next[3] = x = Expand(x, next + 3);
            (x, y, z) = (y, z, x);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Expand(TVector threeBack, TVector* next) =>
        Rotate1(TLanes.Xor(TLanes.Xor(next[-14], next[-16], next[-8]), threeBack));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Rotate1(TVector x) => TLanes.RotateLeft(x, 1);

    /// <summary>Eighty rounds over expanded words, five at a time so that no register moves to another.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rounds(TVector* w, TVector* state)
    {
        TVector a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];

        TVector k = TLanes.Splat(K0);
        for (int t = 0; t < 20; t += 5)
        {
            e = Step(e, TLanes.Add(w[t], k), TLanes.Choose(b, c, d), a);
            b = TLanes.RotateLeft(b, 30);
            d = Step(d, TLanes.Add(w[t + 1], k), TLanes.Choose(a, b, c), e);
            a = TLanes.RotateLeft(a, 30);
            c = Step(c, TLanes.Add(w[t + 2], k), TLanes.Choose(e, a, b), d);
            e = TLanes.RotateLeft(e, 30);
            b = Step(b, TLanes.Add(w[t + 3], k), TLanes.Choose(d, e, a), c);
            d = TLanes.RotateLeft(d, 30);
            a = Step(a, TLanes.Add(w[t + 4], k), TLanes.Choose(c, d, e), b);
            c = TLanes.RotateLeft(c, 30);
        }

        k = TLanes.Splat(K1);
        for (int t = 20; t < 40; t += 5)
        {
            e = Step(e, TLanes.Add(w[t], k), TLanes.Xor(b, c, d), a);
            b = TLanes.RotateLeft(b, 30);
            d = Step(d, TLanes.Add(w[t + 1], k), TLanes.Xor(a, b, c), e);
            a = TLanes.RotateLeft(a, 30);
            c = Step(c, TLanes.Add(w[t + 2], k), TLanes.Xor(e, a, b), d);
            e = TLanes.RotateLeft(e, 30);
            b = Step(b, TLanes.Add(w[t + 3], k), TLanes.Xor(d, e, a), c);
            d = TLanes.RotateLeft(d, 30);
            a = Step(a, TLanes.Add(w[t + 4], k), TLanes.Xor(c, d, e), b);
            c = TLanes.RotateLeft(c, 30);
        }

        k = TLanes.Splat(K2);
        for (int t = 40; t < 60; t += 5)
        {
            e = Step(e, TLanes.Add(w[t], k), TLanes.Majority(b, c, d), a);
            b = TLanes.RotateLeft(b, 30);
            d = Step(d, TLanes.Add(w[t + 1], k), TLanes.Majority(a, b, c), e);
            a = TLanes.RotateLeft(a, 30);
            c = Step(c, TLanes.Add(w[t + 2], k), TLanes.Majority(e, a, b), d);
            e = TLanes.RotateLeft(e, 30);
            b = Step(b, TLanes.Add(w[t + 3], k), TLanes.Majority(d, e, a), c);
            d = TLanes.RotateLeft(d, 30);
            a = Step(a, TLanes.Add(w[t + 4], k), TLanes.Majority(c, d, e), b);
            c = TLanes.RotateLeft(c, 30);
        }

        k = TLanes.Splat(K3);
        for (int t = 60; t < 80; t += 5)
        {
            e = Step(e, TLanes.Add(w[t], k), TLanes.Xor(b, c, d), a);
            b = TLanes.RotateLeft(b, 30);
            d = Step(d, TLanes.Add(w[t + 1], k), TLanes.Xor(a, b, c), e);
            a = TLanes.RotateLeft(a, 30);
            c = Step(c, TLanes.Add(w[t + 2], k), TLanes.Xor(e, a, b), d);
            e = TLanes.RotateLeft(e, 30);
            b = Step(b, TLanes.Add(w[t + 3], k), TLanes.Xor(d, e, a), c);
            d = TLanes.RotateLeft(d, 30);
            a = Step(a, TLanes.Add(w[t + 4], k), TLanes.Xor(c, d, e), b);
            c = TLanes.RotateLeft(c, 30);
        }

        state[0] = TLanes.Add(state[0], a);
        state[1] = TLanes.Add(state[1], b);
        state[2] = TLanes.Add(state[2], c);
        state[3] = TLanes.Add(state[3], d);
        state[4] = TLanes.Add(state[4], e);
    }

    // The rotation comes last: only it waits for the round before.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Step(TVector e, TVector word, TVector f, TVector a) =>
        TLanes.Add(TLanes.Add(TLanes.Add(e, word), f), TLanes.RotateLeft(a, 5));
}
