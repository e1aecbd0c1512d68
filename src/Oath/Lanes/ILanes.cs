namespace Oath.Lanes;

/// <summary>
/// The word operations of FIPS 180-4 section 3 on a vector of words, one word a counter. Each set of instructions
/// implements it once, and the hashes are written once over it; the compiler makes one copy of a hash for each.
/// </summary>
internal interface ILanes<TVector, TWord>
    where TVector : unmanaged
    where TWord : unmanaged
{
    /// <summary>Words in a vector.</summary>
    static abstract int Count { get; }

    /// <summary>Whether a block's sixteen words fit the vector registers beside a state.</summary>
    static abstract bool HasThirtyTwoRegisters { get; }

    static abstract TVector Splat(TWord word);

    /// <summary>start, start + 1, start + 2, ... one a lane.</summary>
    static abstract TVector Sequence(TWord start);

    static abstract TVector Add(TVector x, TVector y);

    static abstract TVector Subtract(TVector x, TVector y);

    static abstract TVector And(TVector x, TVector y);

    static abstract TVector Or(TVector x, TVector y);

    static abstract TVector Xor(TVector x, TVector y);

    /// <summary>x ^ y ^ z: Parity in FIPS 180-4.</summary>
    static abstract TVector Xor(TVector x, TVector y, TVector z);

    /// <summary>Ch: bits of y where x is set, of z elsewhere.</summary>
    static abstract TVector Choose(TVector x, TVector y, TVector z);

    /// <summary>Maj: each bit as at least two of the three have it.</summary>
    static abstract TVector Majority(TVector x, TVector y, TVector z);

    /// <summary>The count is a constant wherever this is called, so that it can be part of the instruction.</summary>
    static abstract TVector RotateLeft(TVector x, [System.Diagnostics.CodeAnalysis.ConstantExpected] byte count);

    static abstract TVector ShiftLeft(TVector x, [System.Diagnostics.CodeAnalysis.ConstantExpected] byte count);

    static abstract TVector ShiftRight(TVector x, [System.Diagnostics.CodeAnalysis.ConstantExpected] byte count);

    /// <summary>Writes the low 32 bits of every lane, in order.</summary>
    static abstract unsafe void StoreLow32(TVector x, uint* destination);
}
