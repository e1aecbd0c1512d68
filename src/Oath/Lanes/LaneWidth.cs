namespace Oath.Lanes;

/// <summary>How many counters are hashed side by side, and with which instructions.</summary>
internal enum LaneWidth
{
    /// <summary>The best this processor has for the number of counters at hand.</summary>
    Widest,

    /// <summary>One counter at a time, no vectors; also how one single value is computed.</summary>
    Scalar,

    /// <summary>128 bits through the portable vector type: Arm64, and x86 before AVX2.</summary>
    Portable128,

    /// <summary>256 bits, AVX2.</summary>
    Avx2,

    /// <summary>256 bits with the rotations and three-input logic of AVX-512VL: ahead for short windows.</summary>
    Avx512Vl,

    /// <summary>512 bits, AVX-512F.</summary>
    Avx512,
}
