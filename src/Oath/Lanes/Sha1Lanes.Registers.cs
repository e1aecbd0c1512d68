using System.Runtime.CompilerServices;

namespace Oath.Lanes;

/// <content>
/// The rounds where the processor has thirty-two vector registers: sixteen words, the state and a constant fit, so each word
/// is expanded in the registers just before its round, and none is written to memory and read again.
/// </content>
internal static unsafe partial class Sha1Lanes<TLanes, TVector>
{
    /// <summary>Rounds 20 to 79 and the sum with the midstate; words 16 to 31 are there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RoundsInRegisters(TVector* w, TVector* state, uint* midstate)
    {
        TVector a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];

        TVector w00 = w[16], w01 = w[17], w02 = w[18], w03 = w[19];
        TVector w04 = w[20], w05 = w[21], w06 = w[22], w07 = w[23];
        TVector w08 = w[24], w09 = w[25], w10 = w[26], w11 = w[27];
        TVector w12 = w[28], w13 = w[29], w14 = w[30], w15 = w[31];

        TVector k = TLanes.Splat(K1);
        e = Step(e, TLanes.Add(w04, k), TLanes.Xor(b, c, d), a);
        b = TLanes.RotateLeft(b, 30);
        d = Step(d, TLanes.Add(w05, k), TLanes.Xor(a, b, c), e);
        a = TLanes.RotateLeft(a, 30);
        c = Step(c, TLanes.Add(w06, k), TLanes.Xor(e, a, b), d);
        e = TLanes.RotateLeft(e, 30);
        b = Step(b, TLanes.Add(w07, k), TLanes.Xor(d, e, a), c);
        d = TLanes.RotateLeft(d, 30);
        a = Step(a, TLanes.Add(w08, k), TLanes.Xor(c, d, e), b);
        c = TLanes.RotateLeft(c, 30);
        e = Step(e, TLanes.Add(w09, k), TLanes.Xor(b, c, d), a);
        b = TLanes.RotateLeft(b, 30);
        d = Step(d, TLanes.Add(w10, k), TLanes.Xor(a, b, c), e);
        a = TLanes.RotateLeft(a, 30);
        c = Step(c, TLanes.Add(w11, k), TLanes.Xor(e, a, b), d);
        e = TLanes.RotateLeft(e, 30);
        b = Step(b, TLanes.Add(w12, k), TLanes.Xor(d, e, a), c);
        d = TLanes.RotateLeft(d, 30);
        a = Step(a, TLanes.Add(w13, k), TLanes.Xor(c, d, e), b);
        c = TLanes.RotateLeft(c, 30);
        e = Step(e, TLanes.Add(w14, k), TLanes.Xor(b, c, d), a);
        b = TLanes.RotateLeft(b, 30);
        d = Step(d, TLanes.Add(w15, k), TLanes.Xor(a, b, c), e);
        a = TLanes.RotateLeft(a, 30);
        w00 = Next(w00, w02, w08, w13);
        c = Step(c, TLanes.Add(w00, k), TLanes.Xor(e, a, b), d);
        e = TLanes.RotateLeft(e, 30);
        w01 = Next(w01, w03, w09, w14);
        b = Step(b, TLanes.Add(w01, k), TLanes.Xor(d, e, a), c);
        d = TLanes.RotateLeft(d, 30);
        w02 = Next(w02, w04, w10, w15);
        a = Step(a, TLanes.Add(w02, k), TLanes.Xor(c, d, e), b);
        c = TLanes.RotateLeft(c, 30);
        w03 = Next(w03, w05, w11, w00);
        e = Step(e, TLanes.Add(w03, k), TLanes.Xor(b, c, d), a);
        b = TLanes.RotateLeft(b, 30);
        w04 = Next(w04, w06, w12, w01);
        d = Step(d, TLanes.Add(w04, k), TLanes.Xor(a, b, c), e);
        a = TLanes.RotateLeft(a, 30);
        w05 = Next(w05, w07, w13, w02);
        c = Step(c, TLanes.Add(w05, k), TLanes.Xor(e, a, b), d);
        e = TLanes.RotateLeft(e, 30);
        w06 = Next(w06, w08, w14, w03);
        b = Step(b, TLanes.Add(w06, k), TLanes.Xor(d, e, a), c);
        d = TLanes.RotateLeft(d, 30);
        w07 = Next(w07, w09, w15, w04);
        a = Step(a, TLanes.Add(w07, k), TLanes.Xor(c, d, e), b);
        c = TLanes.RotateLeft(c, 30);

        k = TLanes.Splat(K2);
        w08 = Next(w08, w10, w00, w05);
        e = Step(e, TLanes.Add(w08, k), TLanes.Majority(b, c, d), a);
        b = TLanes.RotateLeft(b, 30);
        w09 = Next(w09, w11, w01, w06);
        d = Step(d, TLanes.Add(w09, k), TLanes.Majority(a, b, c), e);
        a = TLanes.RotateLeft(a, 30);
        w10 = Next(w10, w12, w02, w07);
        c = Step(c, TLanes.Add(w10, k), TLanes.Majority(e, a, b), d);
        e = TLanes.RotateLeft(e, 30);
        w11 = Next(w11, w13, w03, w08);
        b = Step(b, TLanes.Add(w11, k), TLanes.Majority(d, e, a), c);
        d = TLanes.RotateLeft(d, 30);
        w12 = Next(w12, w14, w04, w09);
        a = Step(a, TLanes.Add(w12, k), TLanes.Majority(c, d, e), b);
        c = TLanes.RotateLeft(c, 30);
        w13 = Next(w13, w15, w05, w10);
        e = Step(e, TLanes.Add(w13, k), TLanes.Majority(b, c, d), a);
        b = TLanes.RotateLeft(b, 30);
        w14 = Next(w14, w00, w06, w11);
        d = Step(d, TLanes.Add(w14, k), TLanes.Majority(a, b, c), e);
        a = TLanes.RotateLeft(a, 30);
        w15 = Next(w15, w01, w07, w12);
        c = Step(c, TLanes.Add(w15, k), TLanes.Majority(e, a, b), d);
        e = TLanes.RotateLeft(e, 30);
        w00 = Next(w00, w02, w08, w13);
        b = Step(b, TLanes.Add(w00, k), TLanes.Majority(d, e, a), c);
        d = TLanes.RotateLeft(d, 30);
        w01 = Next(w01, w03, w09, w14);
        a = Step(a, TLanes.Add(w01, k), TLanes.Majority(c, d, e), b);
        c = TLanes.RotateLeft(c, 30);
        w02 = Next(w02, w04, w10, w15);
        e = Step(e, TLanes.Add(w02, k), TLanes.Majority(b, c, d), a);
        b = TLanes.RotateLeft(b, 30);
        w03 = Next(w03, w05, w11, w00);
        d = Step(d, TLanes.Add(w03, k), TLanes.Majority(a, b, c), e);
        a = TLanes.RotateLeft(a, 30);
        w04 = Next(w04, w06, w12, w01);
        c = Step(c, TLanes.Add(w04, k), TLanes.Majority(e, a, b), d);
        e = TLanes.RotateLeft(e, 30);
        w05 = Next(w05, w07, w13, w02);
        b = Step(b, TLanes.Add(w05, k), TLanes.Majority(d, e, a), c);
        d = TLanes.RotateLeft(d, 30);
        w06 = Next(w06, w08, w14, w03);
        a = Step(a, TLanes.Add(w06, k), TLanes.Majority(c, d, e), b);
        c = TLanes.RotateLeft(c, 30);
        w07 = Next(w07, w09, w15, w04);
        e = Step(e, TLanes.Add(w07, k), TLanes.Majority(b, c, d), a);
        b = TLanes.RotateLeft(b, 30);
        w08 = Next(w08, w10, w00, w05);
        d = Step(d, TLanes.Add(w08, k), TLanes.Majority(a, b, c), e);
        a = TLanes.RotateLeft(a, 30);
        w09 = Next(w09, w11, w01, w06);
        c = Step(c, TLanes.Add(w09, k), TLanes.Majority(e, a, b), d);
        e = TLanes.RotateLeft(e, 30);
        w10 = Next(w10, w12, w02, w07);
        b = Step(b, TLanes.Add(w10, k), TLanes.Majority(d, e, a), c);
        d = TLanes.RotateLeft(d, 30);
        w11 = Next(w11, w13, w03, w08);
        a = Step(a, TLanes.Add(w11, k), TLanes.Majority(c, d, e), b);
        c = TLanes.RotateLeft(c, 30);

        k = TLanes.Splat(K3);
        w12 = Next(w12, w14, w04, w09);
        e = Step(e, TLanes.Add(w12, k), TLanes.Xor(b, c, d), a);
        b = TLanes.RotateLeft(b, 30);
        w13 = Next(w13, w15, w05, w10);
        d = Step(d, TLanes.Add(w13, k), TLanes.Xor(a, b, c), e);
        a = TLanes.RotateLeft(a, 30);
        w14 = Next(w14, w00, w06, w11);
        c = Step(c, TLanes.Add(w14, k), TLanes.Xor(e, a, b), d);
        e = TLanes.RotateLeft(e, 30);
        w15 = Next(w15, w01, w07, w12);
        b = Step(b, TLanes.Add(w15, k), TLanes.Xor(d, e, a), c);
        d = TLanes.RotateLeft(d, 30);
        w00 = Next(w00, w02, w08, w13);
        a = Step(a, TLanes.Add(w00, k), TLanes.Xor(c, d, e), b);
        c = TLanes.RotateLeft(c, 30);
        w01 = Next(w01, w03, w09, w14);
        e = Step(e, TLanes.Add(w01, k), TLanes.Xor(b, c, d), a);
        b = TLanes.RotateLeft(b, 30);
        w02 = Next(w02, w04, w10, w15);
        d = Step(d, TLanes.Add(w02, k), TLanes.Xor(a, b, c), e);
        a = TLanes.RotateLeft(a, 30);
        w03 = Next(w03, w05, w11, w00);
        c = Step(c, TLanes.Add(w03, k), TLanes.Xor(e, a, b), d);
        e = TLanes.RotateLeft(e, 30);
        w04 = Next(w04, w06, w12, w01);
        b = Step(b, TLanes.Add(w04, k), TLanes.Xor(d, e, a), c);
        d = TLanes.RotateLeft(d, 30);
        w05 = Next(w05, w07, w13, w02);
        a = Step(a, TLanes.Add(w05, k), TLanes.Xor(c, d, e), b);
        c = TLanes.RotateLeft(c, 30);
        w06 = Next(w06, w08, w14, w03);
        e = Step(e, TLanes.Add(w06, k), TLanes.Xor(b, c, d), a);
        b = TLanes.RotateLeft(b, 30);
        w07 = Next(w07, w09, w15, w04);
        d = Step(d, TLanes.Add(w07, k), TLanes.Xor(a, b, c), e);
        a = TLanes.RotateLeft(a, 30);
        w08 = Next(w08, w10, w00, w05);
        c = Step(c, TLanes.Add(w08, k), TLanes.Xor(e, a, b), d);
        e = TLanes.RotateLeft(e, 30);
        w09 = Next(w09, w11, w01, w06);
        b = Step(b, TLanes.Add(w09, k), TLanes.Xor(d, e, a), c);
        d = TLanes.RotateLeft(d, 30);
        w10 = Next(w10, w12, w02, w07);
        a = Step(a, TLanes.Add(w10, k), TLanes.Xor(c, d, e), b);
        c = TLanes.RotateLeft(c, 30);
        w11 = Next(w11, w13, w03, w08);
        e = Step(e, TLanes.Add(w11, k), TLanes.Xor(b, c, d), a);
        b = TLanes.RotateLeft(b, 30);
        w12 = Next(w12, w14, w04, w09);
        d = Step(d, TLanes.Add(w12, k), TLanes.Xor(a, b, c), e);
        a = TLanes.RotateLeft(a, 30);
        w13 = Next(w13, w15, w05, w10);
        c = Step(c, TLanes.Add(w13, k), TLanes.Xor(e, a, b), d);
        e = TLanes.RotateLeft(e, 30);
        w14 = Next(w14, w00, w06, w11);
        b = Step(b, TLanes.Add(w14, k), TLanes.Xor(d, e, a), c);
        d = TLanes.RotateLeft(d, 30);
        w15 = Next(w15, w01, w07, w12);
        a = Step(a, TLanes.Add(w15, k), TLanes.Xor(c, d, e), b);
        c = TLanes.RotateLeft(c, 30);

        state[0] = TLanes.Add(a, TLanes.Splat(midstate[0]));
        state[1] = TLanes.Add(b, TLanes.Splat(midstate[1]));
        state[2] = TLanes.Add(c, TLanes.Splat(midstate[2]));
        state[3] = TLanes.Add(d, TLanes.Splat(midstate[3]));
        state[4] = TLanes.Add(e, TLanes.Splat(midstate[4]));
    }

    /// <summary>The word sixteen on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Next(TVector word, TVector twoOn, TVector eightOn, TVector thirteenOn) =>
        Rotate1(TLanes.Xor(TLanes.Xor(word, twoOn, eightOn), thirteenOn));
}
