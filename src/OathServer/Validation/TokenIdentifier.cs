namespace OathServer.Validation;

/// <summary>
/// What a key may type before a code: the OATH token identifier, 12 characters of OMP (2), TT (2) and MUI (8). A YubiKey's
/// slot writes its first two, four or all in modhex, e.g. <c>ubom05174211</c>. It is public and proves nothing: it is
/// dropped, and whose code it is stays what the request says.
/// </summary>
internal static class TokenIdentifier
{
    public const int Length = 12;
    private const string Modhex = "cbdefghijklnrtuv";

    /// <summary>The code without the identifier before it, if one is; else what was typed.</summary>
    /// <remarks>Only where the first two characters are modhex: a longer row of digits alone stays what it is, as a PIN may
    /// stand before a code.</remarks>
    public static string Strip(string typed)
    {
        var digits = typed.Length - Length;
        if (digits is not (6 or 8) || !IsModhex(typed[0]) || !IsModhex(typed[1]))
        {
            return typed;
        }

        for (var i = 2; i < typed.Length; i++)
        {
            if (!char.IsAsciiDigit(typed[i]) && (i >= Length || !IsModhex(typed[i])))
            {
                return typed;
            }
        }

        return typed[Length..];
    }

    private static bool IsModhex(char character) => Modhex.Contains(char.ToLowerInvariant(character), StringComparison.Ordinal) && character < 128;
}
