using System.Numerics;
using System.Runtime.CompilerServices;

namespace Oath.Lanes;

/// <summary>
/// HMAC-SHA-1 of consecutive counters, one a lane, from cached midstates (FIPS 180-4 section 6.1, RFC 2104).
/// </summary>
/// <remarks>
/// Two blocks a code: the counter under the inner midstate, its digest under the outer one. What is the same in every
/// lane or in every code is folded: of the counter's block only the low word differs between lanes, so half of its
/// first expanded words are computed in plain registers; words 6 to 14 are zero in both blocks, so terms fall away; and
/// the first rounds of either block, whose state is the midstate's in every lane, are computed there too.
/// </remarks>
internal static unsafe partial class Sha1Lanes<TLanes, TVector>
    where TLanes : ILanes<TVector, uint>
    where TVector : unmanaged
{
    private const int Words = 80;
    private const int ExpandedFirst = 32;
    private const uint Padding = 0x80000000, CounterLength = (64 + 8) * 8, DigestLength = (64 + 20) * 8;
    private const uint K0 = 0x5A827999, K1 = 0x6ED9EBA1, K2 = 0x8F1BBCDC, K3 = 0xCA62C1D6;

    /// <summary>
    /// Writes the truncated 31-bit values (RFC 4226 section 5.3) of <paramref name="count"/> counters. Whole vectors
    /// are written, so the destination must have room past the count. No counter may carry into the high word.
    /// </summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Fill(uint* midstates, ulong counter, int count, uint* values)
    {
        int words = TLanes.HasThirtyTwoRegisters ? ExpandedFirst : Words;
        byte* raw = stackalloc byte[(words + 5 + 1) * sizeof(TVector)];
        TVector* w = Aligned(raw);
        TVector* state = w + words;

        for (int done = 0; done < count; done += TLanes.Count)
        {
            CounterWords(w, counter + (uint)done);
            CounterRounds(w, state, midstates, counter + (uint)done);
            Finish(w, state, midstates);
            DigestWords(w, state);
            DigestRounds(w, state, midstates + 5);
            Finish(w, state, midstates + 5);
            TVector value = Truncation.Of32<TLanes, TVector>(
                state[0], state[1], state[2], state[3], state[4], last: state[4]);
            TLanes.StoreLow32(value, values + done);
        }
    }

    /// <summary>One ordinary block into a state: how midstates are made. For a width of one lane.</summary>
    [SkipLocalsInit]
    public static void Absorb(uint* block, uint* state)
    {
        TVector* w = stackalloc TVector[Words + 5];
        TVector* rounds = w + Words;
        for (int t = 0; t < 16; t++)
            w[t] = TLanes.Splat(block[t]);
        ExpandFrom(w, start: 16, end: 32);

        TVector a = TLanes.Splat(state[0]), b = TLanes.Splat(state[1]), c = TLanes.Splat(state[2]);
        TVector d = TLanes.Splat(state[3]), e = TLanes.Splat(state[4]), k = TLanes.Splat(K0);
        for (TVector* next = w; next < w + 20; next += 5)
        {
            ChooseRound(a, ref b, c, d, ref e, TLanes.Add(next[0], k));
            ChooseRound(e, ref a, b, c, ref d, TLanes.Add(next[1], k));
            ChooseRound(d, ref e, a, b, ref c, TLanes.Add(next[2], k));
            ChooseRound(c, ref d, e, a, ref b, TLanes.Add(next[3], k));
            ChooseRound(b, ref c, d, e, ref a, TLanes.Add(next[4], k));
        }

        (rounds[0], rounds[1], rounds[2], rounds[3], rounds[4]) = (a, b, c, d, e);
        Finish(w, rounds, state);
        for (int t = 0; t < 5; t++)
            TLanes.StoreLow32(rounds[t], state + t);
        new Span<byte>(w, (Words + 5) * sizeof(TVector)).Clear();
    }

    // A vector that straddles a cache line costs two loads.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector* Aligned(byte* raw) =>
        (TVector*)(((nuint)raw + (nuint)sizeof(TVector) - 1) & ~((nuint)sizeof(TVector) - 1));

    /// <summary>The eight bytes of the counter, the padding bit, and the length: 64 + 8 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CounterWords(TVector* w, ulong counter)
    {
        uint u16 = BitOperations.RotateLeft((uint)(counter >> 32) ^ Padding, 1);
        uint u18 = BitOperations.RotateLeft(Padding ^ CounterLength, 1);
        uint u19 = BitOperations.RotateLeft(u16, 1);
        uint u21 = BitOperations.RotateLeft(u18, 1);
        uint u22 = BitOperations.RotateLeft(u19, 1);
        uint u24 = BitOperations.RotateLeft(u16 ^ u21, 1);
        uint u27 = BitOperations.RotateLeft(u19 ^ u24, 1);
        uint u30 = BitOperations.RotateLeft(u16 ^ u22 ^ u27, 1);

        TVector w17 = Rotate1(TLanes.Sequence((uint)counter));
        TVector w20 = Rotate1(w17);
        TVector w23 = Rotate1(TLanes.Xor(w20, TLanes.Splat(CounterLength)));
        TVector w25 = Rotate1(TLanes.Xor(w17, TLanes.Splat(u22)));
        TVector w26 = Rotate1(TLanes.Xor(w23, TLanes.Splat(u18)));
        TVector w28 = Rotate1(TLanes.Xor(w20, w25));
        TVector w29 = Rotate1(TLanes.Xor(w26, TLanes.Splat(u21 ^ CounterLength)));
        TVector w31 = Rotate1(TLanes.Xor(TLanes.Xor(w17, w23, w28), TLanes.Splat(CounterLength)));

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
    }

    /// <summary>Its first twenty rounds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CounterRounds(TVector* w, TVector* state, uint* midstate, ulong counter)
    {
        uint a0 = midstate[0], b0 = midstate[1], c0 = midstate[2], d0 = midstate[3], e0 = midstate[4];
        e0 += (uint)(counter >> 32) + K0 + ScalarLanes32.Choose(b0, c0, d0) + BitOperations.RotateLeft(a0, 5);
        b0 = BitOperations.RotateLeft(b0, 30);
        d0 += K0 + ScalarLanes32.Choose(a0, b0, c0) + BitOperations.RotateLeft(e0, 5);
        a0 = BitOperations.RotateLeft(a0, 30);
        c0 += Padding + K0 + ScalarLanes32.Choose(e0, a0, b0);
        e0 = BitOperations.RotateLeft(e0, 30);

        TVector k = TLanes.Splat(K0), a = TLanes.Splat(a0), e = TLanes.Splat(e0);
        TVector d = TLanes.Add(TLanes.Sequence((uint)counter), TLanes.Splat(d0));
        TVector c = TLanes.Add(TLanes.Splat(c0), TLanes.RotateLeft(d, 5));
        TVector b = Sum(TLanes.Splat(b0 + K0), TLanes.Choose(d, e, a), TLanes.RotateLeft(c, 5));
        d = TLanes.RotateLeft(d, 30);
        a = Sum(TLanes.Splat(a0 + K0), TLanes.Choose(c, d, e), TLanes.RotateLeft(b, 5));
        c = TLanes.RotateLeft(c, 30);
        for (int fives = 0; fives < 2; fives++)
        {
            ChooseRound(a, ref b, c, d, ref e, k);
            ChooseRound(e, ref a, b, c, ref d, k);
            ChooseRound(d, ref e, a, b, ref c, k);
            ChooseRound(c, ref d, e, a, ref b, k);
            ChooseRound(b, ref c, d, e, ref a, k);
        }

        ChooseRound(a, ref b, c, d, ref e, TLanes.Splat(CounterLength + K0));
        ChooseRound(e, ref a, b, c, ref d, TLanes.Add(w[16], k));
        ChooseRound(d, ref e, a, b, ref c, TLanes.Add(w[17], k));
        ChooseRound(c, ref d, e, a, ref b, TLanes.Add(w[18], k));
        ChooseRound(b, ref c, d, e, ref a, TLanes.Add(w[19], k));
        state[0] = a;
        state[1] = b;
        state[2] = c;
        state[3] = d;
        state[4] = e;
    }

    /// <summary>The twenty bytes of the inner digest, the padding bit, and the length: 64 + 20 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void DigestWords(TVector* w, TVector* state)
    {
        TVector padding = TLanes.Splat(Padding), length = TLanes.Splat(DigestLength);
        TVector w0 = state[0], w1 = state[1], w2 = state[2], w3 = state[3], w4 = state[4];
        w[16] = Rotate1(TLanes.Xor(w0, w2));
        w[17] = Rotate1(TLanes.Xor(w1, w3));
        w[18] = Rotate1(TLanes.Xor(w2, w4, length));
        w[19] = Rotate1(TLanes.Xor(w3, padding, w[16]));
        w[20] = Rotate1(TLanes.Xor(w4, w[17]));
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
    }

    /// <summary>Its first twenty rounds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void DigestRounds(TVector* w, TVector* state, uint* midstate)
    {
        uint a0 = midstate[0], b0 = midstate[1], c0 = midstate[2], d0 = midstate[3], e0 = midstate[4];
        e0 += K0 + ScalarLanes32.Choose(b0, c0, d0) + BitOperations.RotateLeft(a0, 5);
        b0 = BitOperations.RotateLeft(b0, 30);
        d0 += K0 + ScalarLanes32.Choose(a0, b0, c0);
        a0 = BitOperations.RotateLeft(a0, 30);

        TVector k = TLanes.Splat(K0), a = TLanes.Splat(a0), b = TLanes.Splat(b0);
        TVector e = TLanes.Add(state[0], TLanes.Splat(e0));
        TVector d = Sum(state[1], TLanes.Splat(d0), TLanes.RotateLeft(e, 5));
        TVector c = Step(state[2], TLanes.Splat(c0 + K0), TLanes.Choose(e, a, b), d);
        e = TLanes.RotateLeft(e, 30);
        b = Step(state[3], TLanes.Splat(b0 + K0), TLanes.Choose(d, e, a), c);
        d = TLanes.RotateLeft(d, 30);
        a = Step(state[4], TLanes.Splat(a0 + K0), TLanes.Choose(c, d, e), b);
        c = TLanes.RotateLeft(c, 30);
        ChooseRound(a, ref b, c, d, ref e, TLanes.Splat(Padding + K0));
        ChooseRound(e, ref a, b, c, ref d, k);
        ChooseRound(d, ref e, a, b, ref c, k);
        ChooseRound(c, ref d, e, a, ref b, k);
        ChooseRound(b, ref c, d, e, ref a, k);
        ChooseRound(a, ref b, c, d, ref e, k);
        ChooseRound(e, ref a, b, c, ref d, k);
        ChooseRound(d, ref e, a, b, ref c, k);
        ChooseRound(c, ref d, e, a, ref b, k);
        ChooseRound(b, ref c, d, e, ref a, k);
        ChooseRound(a, ref b, c, d, ref e, TLanes.Splat(DigestLength + K0));
        ChooseRound(e, ref a, b, c, ref d, TLanes.Add(w[16], k));
        ChooseRound(d, ref e, a, b, ref c, TLanes.Add(w[17], k));
        ChooseRound(c, ref d, e, a, ref b, TLanes.Add(w[18], k));
        ChooseRound(b, ref c, d, e, ref a, TLanes.Add(w[19], k));
        state[0] = a;
        state[1] = b;
        state[2] = c;
        state[3] = d;
        state[4] = e;
    }

    /// <summary>Words between two multiples of four; the chain of three words back stays in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ExpandFrom(TVector* w, int start, int end)
    {
        TVector x = w[start - 3], y = w[start - 2], z = w[start - 1];
        for (TVector* next = w + start; next < w + end; next += 4)
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

    /// <summary>The state after a block of whose rounds twenty are done; its words 16 to 31 are there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(TVector* w, TVector* state, uint* midstate)
    {
        if (TLanes.HasThirtyTwoRegisters)
        {
            RoundsInRegisters(w, state, midstate);
        }
        else
        {
            ExpandFrom(w, start: 32, end: Words);
            Rounds(w, state, midstate);
        }
    }

    /// <summary>Sixty rounds over expanded words, five at a time so that no register moves to another.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rounds(TVector* w, TVector* state, uint* midstate)
    {
        TVector a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];

        TVector k = TLanes.Splat(K1);
        for (TVector* next = w + 20; next < w + 40; next += 5)
        {
            ParityRound(a, ref b, c, d, ref e, TLanes.Add(next[0], k));
            ParityRound(e, ref a, b, c, ref d, TLanes.Add(next[1], k));
            ParityRound(d, ref e, a, b, ref c, TLanes.Add(next[2], k));
            ParityRound(c, ref d, e, a, ref b, TLanes.Add(next[3], k));
            ParityRound(b, ref c, d, e, ref a, TLanes.Add(next[4], k));
        }

        k = TLanes.Splat(K2);
        for (TVector* next = w + 40; next < w + 60; next += 5)
        {
            MajorityRound(a, ref b, c, d, ref e, TLanes.Add(next[0], k));
            MajorityRound(e, ref a, b, c, ref d, TLanes.Add(next[1], k));
            MajorityRound(d, ref e, a, b, ref c, TLanes.Add(next[2], k));
            MajorityRound(c, ref d, e, a, ref b, TLanes.Add(next[3], k));
            MajorityRound(b, ref c, d, e, ref a, TLanes.Add(next[4], k));
        }

        k = TLanes.Splat(K3);
        for (TVector* next = w + 60; next < w + 80; next += 5)
        {
            ParityRound(a, ref b, c, d, ref e, TLanes.Add(next[0], k));
            ParityRound(e, ref a, b, c, ref d, TLanes.Add(next[1], k));
            ParityRound(d, ref e, a, b, ref c, TLanes.Add(next[2], k));
            ParityRound(c, ref d, e, a, ref b, TLanes.Add(next[3], k));
            ParityRound(b, ref c, d, e, ref a, TLanes.Add(next[4], k));
        }

        state[0] = TLanes.Add(a, TLanes.Splat(midstate[0]));
        state[1] = TLanes.Add(b, TLanes.Splat(midstate[1]));
        state[2] = TLanes.Add(c, TLanes.Splat(midstate[2]));
        state[3] = TLanes.Add(d, TLanes.Splat(midstate[3]));
        state[4] = TLanes.Add(e, TLanes.Splat(midstate[4]));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ChooseRound(TVector a, ref TVector b, TVector c, TVector d, ref TVector e, TVector word)
    {
        e = Step(e, word, TLanes.Choose(b, c, d), a);
        b = TLanes.RotateLeft(b, 30);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ParityRound(TVector a, ref TVector b, TVector c, TVector d, ref TVector e, TVector word)
    {
        e = Step(e, word, TLanes.Xor(b, c, d), a);
        b = TLanes.RotateLeft(b, 30);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MajorityRound(TVector a, ref TVector b, TVector c, TVector d, ref TVector e, TVector word)
    {
        e = Step(e, word, TLanes.Majority(b, c, d), a);
        b = TLanes.RotateLeft(b, 30);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Sum(TVector x, TVector y, TVector z) => TLanes.Add(TLanes.Add(x, y), z);

    // The rotation comes last: only it waits for the round before.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Step(TVector e, TVector word, TVector f, TVector a) =>
        TLanes.Add(TLanes.Add(TLanes.Add(e, word), f), TLanes.RotateLeft(a, 5));
}
