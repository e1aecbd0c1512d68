using System.Numerics;
using System.Runtime.CompilerServices;

namespace Oath.Lanes;

/// <summary>
/// HMAC-SHA-1 of consecutive counters, one a lane, from cached midstates (FIPS 180-4 section 6.1, RFC 2104).
/// </summary>
/// <remarks>
/// Two blocks a code: the counter under the inner midstate, its digest under the outer one. What is the same in every
/// lane or in every code is folded: of the counter's block only the low word differs between lanes, so half of its
/// first expanded words are computed once in plain registers; words 6 to 14 are zero in both blocks, so terms fall
/// away; and the first twenty rounds find their constant already added to their word.
/// </remarks>
internal static unsafe class Sha1Lanes<TLanes, TVector>
    where TLanes : ILanes<TVector, uint>
    where TVector : unmanaged
{
    private const int Words = 80;
    private const int EarlyRounds = 20;
    private const uint K0 = 0x5A827999, K1 = 0x6ED9EBA1, K2 = 0x8F1BBCDC, K3 = 0xCA62C1D6;

    /// <summary>
    /// Writes the truncated 31-bit values (RFC 4226 section 5.3) of <paramref name="count"/> counters. Whole vectors
    /// are written, so the destination must have room past the count. No counter may carry into the high word.
    /// </summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Fill(uint* midstates, ulong counter, int count, uint* values)
    {
        byte* raw = stackalloc byte[(Words + EarlyRounds + 5 + 1) * sizeof(TVector)];
        TVector* w = Aligned(raw);
        TVector* early = w + Words;
        TVector* state = early + EarlyRounds;

        for (int done = 0; done < count; done += TLanes.Count)
        {
            Load(state, midstates);
            CounterBlock(w, early, (uint)(counter >> 32), TLanes.Sequence((uint)counter + (uint)done));
            Rounds(w, early, state);
            DigestBlock(w, early, state);
            Load(state, midstates + 5);
            Rounds(w, early, state);
            TVector value = Truncation.Of32<TLanes, TVector>(
                state[0], state[1], state[2], state[3], state[4], last: state[4]);
            TLanes.StoreLow32(value, values + done);
        }
    }

    /// <summary>One ordinary block into a state: how midstates are made.</summary>
    [SkipLocalsInit]
    public static void Absorb(uint* block, TVector* state)
    {
        TVector* w = stackalloc TVector[Words + EarlyRounds];
        TVector* early = w + Words;
        for (int t = 0; t < 16; t++)
            w[t] = TLanes.Splat(block[t]);
        ExpandFrom(w, start: 16);
        for (int t = 0; t < EarlyRounds; t++)
            early[t] = TLanes.Add(w[t], TLanes.Splat(K0));
        Rounds(w, early, state);
        new Span<byte>(w, (Words + EarlyRounds) * sizeof(TVector)).Clear();
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
    private static void CounterBlock(TVector* w, TVector* early, uint high, TVector low)
    {
        const uint Padding = 0x80000000, Length = (64 + 8) * 8;
        uint u16 = BitOperations.RotateLeft(high ^ Padding, 1);
        uint u18 = BitOperations.RotateLeft(Padding ^ Length, 1);
        uint u19 = BitOperations.RotateLeft(u16, 1);
        uint u21 = BitOperations.RotateLeft(u18, 1);
        uint u22 = BitOperations.RotateLeft(u19, 1);
        uint u24 = BitOperations.RotateLeft(u16 ^ u21, 1);
        uint u27 = BitOperations.RotateLeft(u19 ^ u24, 1);
        uint u30 = BitOperations.RotateLeft(u16 ^ u22 ^ u27, 1);

        TVector w17 = Rotate1(low);
        TVector w20 = Rotate1(w17);
        TVector w23 = Rotate1(TLanes.Xor(w20, TLanes.Splat(Length)));
        TVector w25 = Rotate1(TLanes.Xor(w17, TLanes.Splat(u22)));
        TVector w26 = Rotate1(TLanes.Xor(w23, TLanes.Splat(u18)));
        TVector w28 = Rotate1(TLanes.Xor(w20, w25));
        TVector w29 = Rotate1(TLanes.Xor(w26, TLanes.Splat(u21 ^ Length)));
        TVector w31 = Rotate1(TLanes.Xor(TLanes.Xor(w17, w23, w28), TLanes.Splat(Length)));

        w[16] = TLanes.Splat(u16);
        w[17] = w17;
        w[18] = TLanes.Splat(u18);
        w[19] = TLanes.Splat(u19);
        w[20] = w20;
        w[21] = TLanes.Splat(u21);
        w[22] = TLanes.Splat(u22);
        w[23] = w23;
        w[24] = TLanes.Splat(u24);
        w[25] = w25;
        w[26] = w26;
        w[27] = TLanes.Splat(u27);
        w[28] = w28;
        w[29] = w29;
        w[30] = TLanes.Splat(u30);
        w[31] = w31;
        ExpandFrom(w, start: 32);

        early[0] = TLanes.Splat(high + K0);
        early[1] = TLanes.Add(low, TLanes.Splat(K0));
        early[2] = TLanes.Splat(Padding + K0);
        ConstantOnly(early, from: 3);
        early[15] = TLanes.Splat(Length + K0);
        early[16] = TLanes.Splat(u16 + K0);
        early[17] = TLanes.Add(w17, TLanes.Splat(K0));
        early[18] = TLanes.Splat(u18 + K0);
        early[19] = TLanes.Splat(u19 + K0);
    }

    /// <summary>The twenty bytes of the inner digest, the padding bit, and the length: 64 + 20 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void DigestBlock(TVector* w, TVector* early, TVector* digest)
    {
        TVector padding = TLanes.Splat(0x80000000), length = TLanes.Splat((64 + 20) * 8);
        for (int i = 0; i < 5; i++)
            w[i] = digest[i];
        w[16] = Rotate1(TLanes.Xor(w[0], w[2]));
        w[17] = Rotate1(TLanes.Xor(w[1], w[3]));
        w[18] = Rotate1(TLanes.Xor(w[2], w[4], length));
        w[19] = Rotate1(TLanes.Xor(w[3], padding, w[16]));
        w[20] = Rotate1(TLanes.Xor(w[4], w[17]));
        w[21] = Rotate1(TLanes.Xor(padding, w[18]));
        w[22] = Rotate1(w[19]);
        w[23] = Rotate1(TLanes.Xor(length, w[20]));
        w[24] = Rotate1(TLanes.Xor(w[16], w[21]));
        w[25] = Rotate1(TLanes.Xor(w[17], w[22]));
        w[26] = Rotate1(TLanes.Xor(w[18], w[23]));
        w[27] = Rotate1(TLanes.Xor(w[19], w[24]));
        w[28] = Rotate1(TLanes.Xor(w[20], w[25]));
        w[29] = Rotate1(TLanes.Xor(length, w[21], w[26]));
        w[30] = Rotate1(TLanes.Xor(w[16], w[22], w[27]));
        w[31] = Rotate1(TLanes.Xor(TLanes.Xor(length, w[17], w[23]), w[28]));
        ExpandFrom(w, start: 32);

        TVector k = TLanes.Splat(K0);
        for (int t = 0; t < 5; t++)
            early[t] = TLanes.Add(w[t], k);
        early[5] = TLanes.Splat(0x80000000 + K0);
        ConstantOnly(early, from: 6);
        early[15] = TLanes.Splat((64 + 20) * 8 + K0);
        for (int t = 16; t < EarlyRounds; t++)
            early[t] = TLanes.Add(w[t], k);
    }

    /// <summary>The rounds of words that are zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ConstantOnly(TVector* early, int from)
    {
        TVector k = TLanes.Splat(K0);
        for (int t = from; t < 15; t++)
            early[t] = k;
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
    private static void Rounds(TVector* w, TVector* early, TVector* state)
    {
        TVector a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];

        for (TVector* next = early; next < early + EarlyRounds; next += 5)
        {
            e = Step(e, next[0], TLanes.Choose(b, c, d), a);
            b = TLanes.RotateLeft(b, 30);
            d = Step(d, next[1], TLanes.Choose(a, b, c), e);
            a = TLanes.RotateLeft(a, 30);
            c = Step(c, next[2], TLanes.Choose(e, a, b), d);
            e = TLanes.RotateLeft(e, 30);
            b = Step(b, next[3], TLanes.Choose(d, e, a), c);
            d = TLanes.RotateLeft(d, 30);
            a = Step(a, next[4], TLanes.Choose(c, d, e), b);
            c = TLanes.RotateLeft(c, 30);
        }

        TVector k = TLanes.Splat(K1);
        for (TVector* next = w + 20; next < w + 40; next += 5)
        {
            e = Step(e, TLanes.Add(next[0], k), TLanes.Xor(b, c, d), a);
            b = TLanes.RotateLeft(b, 30);
            d = Step(d, TLanes.Add(next[1], k), TLanes.Xor(a, b, c), e);
            a = TLanes.RotateLeft(a, 30);
            c = Step(c, TLanes.Add(next[2], k), TLanes.Xor(e, a, b), d);
            e = TLanes.RotateLeft(e, 30);
            b = Step(b, TLanes.Add(next[3], k), TLanes.Xor(d, e, a), c);
            d = TLanes.RotateLeft(d, 30);
            a = Step(a, TLanes.Add(next[4], k), TLanes.Xor(c, d, e), b);
            c = TLanes.RotateLeft(c, 30);
        }

        k = TLanes.Splat(K2);
        for (TVector* next = w + 40; next < w + 60; next += 5)
        {
            e = Step(e, TLanes.Add(next[0], k), TLanes.Majority(b, c, d), a);
            b = TLanes.RotateLeft(b, 30);
            d = Step(d, TLanes.Add(next[1], k), TLanes.Majority(a, b, c), e);
            a = TLanes.RotateLeft(a, 30);
            c = Step(c, TLanes.Add(next[2], k), TLanes.Majority(e, a, b), d);
            e = TLanes.RotateLeft(e, 30);
            b = Step(b, TLanes.Add(next[3], k), TLanes.Majority(d, e, a), c);
            d = TLanes.RotateLeft(d, 30);
            a = Step(a, TLanes.Add(next[4], k), TLanes.Majority(c, d, e), b);
            c = TLanes.RotateLeft(c, 30);
        }

        k = TLanes.Splat(K3);
        for (TVector* next = w + 60; next < w + 80; next += 5)
        {
            e = Step(e, TLanes.Add(next[0], k), TLanes.Xor(b, c, d), a);
            b = TLanes.RotateLeft(b, 30);
            d = Step(d, TLanes.Add(next[1], k), TLanes.Xor(a, b, c), e);
            a = TLanes.RotateLeft(a, 30);
            c = Step(c, TLanes.Add(next[2], k), TLanes.Xor(e, a, b), d);
            e = TLanes.RotateLeft(e, 30);
            b = Step(b, TLanes.Add(next[3], k), TLanes.Xor(d, e, a), c);
            d = TLanes.RotateLeft(d, 30);
            a = Step(a, TLanes.Add(next[4], k), TLanes.Xor(c, d, e), b);
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
