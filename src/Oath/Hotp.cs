using Oath.Lanes;

namespace Oath;

/// <summary>One HOTP value (RFC 4226 section 5.3), and the text a person reads off a key.</summary>
public static class Hotp
{
    /// <summary>The fewest digits RFC 4226 requirement R4 allows.</summary>
    public const int MinDigits = 6;

    /// <summary>The most digits a 31-bit value can have.</summary>
    public const int MaxDigits = 10;

    /// <summary>The value of one counter: truncated HMAC modulo 10^digits (RFC 4226 section 5.3).</summary>
    /// <exception cref="ObjectDisposedException">The key was cleared.</exception>
    public static uint Compute(OathKey key, ulong counter, int digits)
    {
        ArgumentNullException.ThrowIfNull(key);
        CheckDigits(digits);

        var values = default(ValueGroup);
        HotpValues.Fill(key, counter, count: 1, LaneWidth.Scalar, ref values);
        // Ten digits hold every 31-bit value; 10^10 itself would not fit in 32 bits.
        return digits == MaxDigits ? values[0] : values[0] % (uint)PowerOfTen(digits);
    }

    /// <summary>Writes the value with its leading zeros; false when the destination is too short.</summary>
    public static bool TryFormat(uint value, int digits, Span<char> destination)
    {
        CheckDigits(digits);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual<ulong>(value, PowerOfTen(digits));
        if (destination.Length < digits)
            return false;

        for (int i = digits - 1; i >= 0; i--)
        {
            destination[i] = (char)('0' + value % 10);
            value /= 10;
        }

        return true;
    }

    /// <summary>The value as text with its leading zeros.</summary>
    public static string Format(uint value, int digits)
    {
        Span<char> text = stackalloc char[MaxDigits];
        TryFormat(value, digits, text);
        return new string(text[..digits]);
    }

    internal static void CheckDigits(int digits)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(digits, MinDigits);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(digits, MaxDigits);
    }

    internal static ulong PowerOfTen(int digits) => PowersOfTen[digits];

    private static ReadOnlySpan<ulong> PowersOfTen =>
        [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000];
}
