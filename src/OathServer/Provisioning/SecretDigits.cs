using System.Buffers.Binary;
using System.Security.Cryptography;

namespace OathServer.Provisioning;

/// <summary>PINs and PUKs as ASCII digits: made evenly, and never one that is guessed first.</summary>
internal static class SecretDigits
{
    public const int DigitsMax = 16;

    /// <summary>Random digits; the caller clears them.</summary>
    public static byte[] Random(int digits)
    {
        Span<byte> random = stackalloc byte[16];
        while (true)
        {
            RandomNumberGenerator.Fill(random);
            var value = Reduce(random, digits);
            if (!IsWeak(value))
            {
                CryptographicOperations.ZeroMemory(random);
                return value;
            }
        }
    }

    /// <summary>128 random bits modulo 10^digits: the bias is below 10^-22 for 16 digits, so nothing is rejected.</summary>
    public static byte[] Reduce(ReadOnlySpan<byte> bits, int digits)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(digits, DigitsMax);
        var value = BinaryPrimitives.ReadUInt128BigEndian(bits);
        var text = GC.AllocateArray<byte>(digits, pinned: true);
        for (var i = digits - 1; i >= 0; i--)
        {
            (value, var digit) = UInt128.DivRem(value, 10);
            text[i] = (byte)('0' + (int)digit);
        }

        return text;
    }

    /// <summary>Factory values, one digit repeated, and runs up or down.</summary>
    public static bool IsWeak(ReadOnlySpan<byte> digits)
    {
        if (digits.SequenceEqual("123456"u8) || digits.SequenceEqual("12345678"u8) || digits.SequenceEqual("000000"u8))
        {
            return true;
        }

        var step = (digits[1] - digits[0] + 10) % 10;
        if (step is not (0 or 1 or 9))
        {
            return false;
        }

        for (var i = 2; i < digits.Length; i++)
        {
            if ((digits[i] - digits[i - 1] + 10) % 10 != step)
            {
                return false;
            }
        }

        return true;
    }
}
