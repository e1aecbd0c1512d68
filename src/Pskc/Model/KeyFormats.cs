namespace Pskc;

/// <summary>How a code or a challenge is written (RFC 6030 section 4.3.4).</summary>
public enum ValueEncoding
{
    /// <summary>Decimal digits.</summary>
#pragma warning disable CA1720 // The name RFC 6030 gives it; also the name of a type.
    Decimal,
#pragma warning restore CA1720

    /// <summary>Hexadecimal digits.</summary>
    Hexadecimal,

    /// <summary>Letters and digits.</summary>
    Alphanumeric,

    /// <summary>Base64.</summary>
    Base64,

    /// <summary>Octets.</summary>
    Binary,
}

/// <summary>What the device shows (RFC 6030 section 4.3.4).</summary>
/// <param name="Encoding">How it is written; null when the file does not say.</param>
/// <param name="Length">How many characters.</param>
/// <param name="CheckDigits">Whether a Luhn check digit is appended; null when the file does not say.</param>
public sealed record ResponseFormat(ValueEncoding? Encoding, int? Length, bool? CheckDigits = null);

/// <summary>What the device takes as a challenge (RFC 6030 section 4.3.4).</summary>
/// <param name="Encoding">How it is written.</param>
/// <param name="Min">The least number of characters.</param>
/// <param name="Max">The greatest number of characters.</param>
/// <param name="CheckDigits">Whether a Luhn check digit is checked.</param>
public sealed record ChallengeFormat(ValueEncoding? Encoding, int? Min, int? Max, bool? CheckDigits = null);
