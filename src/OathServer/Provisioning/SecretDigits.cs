using System.Security.Cryptography;
using SecurityKeys;

namespace OathServer.Provisioning;

/// <summary>PINs and PUKs, of digits or of what else a make of key takes: made evenly, and never one that is guessed
/// first.</summary>
internal static class SecretDigits
{
    public const int LengthMax = 32;

    /// <summary>A random value; the caller clears it.</summary>
    public static byte[] Random(int length, string alphabet = SecretRule.Digits)
    {
        var made = GC.AllocateArray<byte>(length, pinned: true);
        do
        {
            for (var i = 0; i < made.Length; i++)
            {
                made[i] = (byte)alphabet[RandomNumberGenerator.GetInt32(alphabet.Length)];
            }
        }
        while (IsWeak(made, alphabet));
        return made;
    }

    /// <summary>Even bits as a number in base of the alphabet's size, modulo what so many characters hold. The caller gives
    /// bits enough: with 42 more than the value holds, the bias is below 10^-12.</summary>
    public static byte[] Reduce(ReadOnlySpan<byte> bits, int length, string alphabet = SecretRule.Digits)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, LengthMax);
        Span<byte> number = stackalloc byte[bits.Length];
        bits.CopyTo(number);
        var text = GC.AllocateArray<byte>(length, pinned: true);
        for (var i = length - 1; i >= 0; i--)
        {
            var rest = 0;
            foreach (ref var place in number)
            {
                (var quotient, rest) = Math.DivRem((rest << 8) | place, alphabet.Length);
                place = (byte)quotient;
            }

            text[i] = (byte)alphabet[rest];
        }

        CryptographicOperations.ZeroMemory(number);
        return text;
    }

    /// <summary>Usual factory values, one character repeated, and runs up or down the alphabet.</summary>
    public static bool IsWeak(ReadOnlySpan<byte> value, string alphabet = SecretRule.Digits)
    {
        if (value.SequenceEqual("123456"u8) || value.SequenceEqual("12345678"u8) || value.SequenceEqual("000000"u8))
        {
            return true;
        }

        var step = StepOf(value, 1, alphabet);
        if (step != 0 && step != 1 && step != alphabet.Length - 1)
        {
            return false;
        }

        for (var i = 2; i < value.Length; i++)
        {
            if (StepOf(value, i, alphabet) != step)
            {
                return false;
            }
        }

        return true;
    }

    private static int StepOf(ReadOnlySpan<byte> value, int at, string alphabet) =>
        (alphabet.IndexOf((char)value[at]) - alphabet.IndexOf((char)value[at - 1]) + alphabet.Length) % alphabet.Length;
}
