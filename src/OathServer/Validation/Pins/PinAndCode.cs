namespace OathServer.Validation.Pins;

/// <summary>What was typed into one field: the PIN, and the code after it.</summary>
internal static class PinAndCode
{
    /// <summary>The longest there can be: a PIN, a token identifier and a code.</summary>
    public const int LengthMax = ValidationPolicy.PinLengthMax + TokenIdentifier.Length + Oath.Hotp.MaxDigits;

    /// <summary>Parts it for a token of that many digits; what is too short for a code has no PIN.</summary>
    /// <param name="typed">What was typed.</param>
    /// <param name="digits">Digits of the token's codes.</param>
    /// <param name="identifiers">Whether a key may type its token identifier between the two.</param>
    public static (string Pin, string Code) Part(string typed, int digits, bool identifiers)
    {
        if (typed.Length <= digits)
        {
            return ("", typed);
        }

        var before = typed.Length - digits;
        var pin = before - TokenIdentifier.Length;
        if (identifiers && pin >= 0 && TokenIdentifier.Strip(typed[pin..]).Length == digits)
        {
            before = pin;
        }

        return (typed[..before], typed[^digits..]);
    }
}
