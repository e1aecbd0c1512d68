using System.Runtime.Intrinsics;

namespace Oath.Lanes;

/// <summary>
/// Asks of many 31-bit values v whether v mod 10^d is the typed code, without dividing.
/// </summary>
/// <remarks>
/// v = code + q * 10^d with a whole q from 0 to (2^31-1) / 10^d. Take n = v - code modulo 2^32. Multiplying by the
/// inverse of 5^d modulo 2^32 divides n by 5^d if it can be divided, and rotating right by d divides by 2^d if it can
/// be; where either cannot, the result is larger than any such q. A v below the code wraps to an n above 2^31, whose
/// quotient is larger too. Ten digits hold every value: then d counts as 0, n must be 0, and so must q.
/// </remarks>
internal readonly struct CodeMatch
{
    private const uint MaxValue = int.MaxValue;

    private readonly uint code;
    private readonly uint inverse;
    private readonly uint maxQuotient;
    private readonly int rotation;

    public CodeMatch(OtpCode typed)
    {
        bool whole = typed.Digits is 0 or Hotp.MaxDigits;
        // No 31-bit value is uint.MaxValue: a ten-digit code past 32 bits, and the default code, match nothing.
        code = typed.Digits == 0 ? uint.MaxValue : (uint)Math.Min(typed.Value, uint.MaxValue);
        rotation = whole ? 0 : typed.Digits;
        maxQuotient = whole ? 0 : MaxValue / (uint)Hotp.PowerOfTen(typed.Digits);
        inverse = InversesOfPowersOfFive[rotation];
    }

    /// <summary>5^-d modulo 2^32; a test multiplies them back.</summary>
    internal static ReadOnlySpan<uint> InversesOfPowersOfFive =>
    [
        0x00000001, 0xCCCCCCCD, 0xC28F5C29, 0x26E978D5, 0x3AFB7E91,
        0x0BCBE61D, 0x68C26139, 0xAE8D46A5, 0x22E90E21, 0x3A2E9C6D,
    ];

    /// <summary>Bit i is set where value i is the code; only the first <paramref name="count"/> bits can be.</summary>
    public ulong Among(ref ValueGroup values, int count)
    {
        ulong bits = Vector512.IsHardwareAccelerated ? By16(ref values, count) : By4(ref values, count);
        return bits & (ulong.MaxValue >> (ValueGroup.Size - count));
    }

    private ulong By16(ref ValueGroup values, int count)
    {
        ulong bits = 0;
        for (int i = 0; i < count; i += Vector512<uint>.Count)
        {
            Vector512<uint> n = Vector512.LoadUnsafe(ref values[i]) - Vector512.Create(code);
            n *= Vector512.Create(inverse);
            n = (n >>> rotation) | (n << (32 - rotation));
            bits |= Vector512.LessThanOrEqual(n, Vector512.Create(maxQuotient)).ExtractMostSignificantBits() << i;
        }

        return bits;
    }

    /// <summary>The same by four: Arm64 and older x86. Software stands in where there are no vectors at all.</summary>
    internal ulong By4(ref ValueGroup values, int count)
    {
        ulong bits = 0;
        for (int i = 0; i < count; i += Vector128<uint>.Count)
        {
            Vector128<uint> n = Vector128.LoadUnsafe(ref values[i]) - Vector128.Create(code);
            n *= Vector128.Create(inverse);
            n = (n >>> rotation) | (n << (32 - rotation));
            uint four = Vector128.LessThanOrEqual(n, Vector128.Create(maxQuotient)).ExtractMostSignificantBits();
            bits |= (ulong)four << i;
        }

        return bits;
    }
}
