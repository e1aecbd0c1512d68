using System.Diagnostics;

namespace Oath;

/// <summary>
/// A typed code (RFC 4226 section 5.3): exactly the agreed number of ASCII digits. The default value matches nothing.
/// </summary>
[DebuggerDisplay("{ToString(),nq}")]
public readonly record struct OtpCode
{
    // Ten digits go past 32 bits.
    private readonly ulong value;

    private OtpCode(ulong value, int digits)
    {
        this.value = value;
        Digits = digits;
    }

    /// <summary>How many digits were typed; 0 only in the default value.</summary>
    public int Digits { get; }

    internal ulong Value => value;

    /// <summary>Parses exactly <paramref name="digits"/> characters, each from '0' to '9', and nothing else.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number of digits is not 6 to 10.</exception>
    public static bool TryParse(ReadOnlySpan<char> text, int digits, out OtpCode code)
    {
        Hotp.CheckDigits(digits);
        code = default;
        if (text.Length != digits)
            return false;

        ulong value = 0;
        foreach (char character in text)
        {
            // Not char.IsDigit: that lets Arabic and full-width digits in.
            uint digit = (uint)character - '0';
            if (digit > 9)
                return false;
            value = value * 10 + digit;
        }

        code = new OtpCode(value, digits);
        return true;
    }

    /// <summary>Parses exactly <paramref name="digits"/> bytes, each from '0' to '9', and nothing else.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number of digits is not 6 to 10.</exception>
    public static bool TryParse(ReadOnlySpan<byte> utf8, int digits, out OtpCode code)
    {
        Hotp.CheckDigits(digits);
        code = default;
        if (utf8.Length != digits)
            return false;

        ulong value = 0;
        foreach (byte character in utf8)
        {
            uint digit = (uint)character - '0';
            if (digit > 9)
                return false;
            value = value * 10 + digit;
        }

        code = new OtpCode(value, digits);
        return true;
    }

    /// <summary>Says how long the code is, never what it is: a code in a log is a credential.</summary>
    public override string ToString() => $"code of {Digits} digits";
}
