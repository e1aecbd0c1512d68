using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace OathServer.Validation.Pins;

/// <summary>SHA-256 of the PIN followed by a seed: <c>hash:seed</c>, both in hexadecimal. LinOTP's form
/// (<c>LinOtpPinHash</c>, <c>LinOtpSeed</c>) and that of privacyIDEA before it took to passlib.</summary>
internal sealed class SaltedSha256Hash
{
    private const int SeedMax = 32;

    private readonly byte[] hash;
    private readonly byte[] seed;

    private SaltedSha256Hash(byte[] hash, byte[] seed) => (this.hash, this.seed) = (hash, seed);

    public static bool TryParse(string text, [NotNullWhen(true)] out SaltedSha256Hash? parsed)
    {
        parsed = null;
        if (text.Split(':') is not [{ Length: 2 * SHA256.HashSizeInBytes } hash, { Length: > 0 and <= 2 * SeedMax } seed]
            || seed.Length % 2 != 0 || !hash.All(char.IsAsciiHexDigit) || !seed.All(char.IsAsciiHexDigit))
        {
            return false;
        }

        parsed = new SaltedSha256Hash(Convert.FromHexString(hash), Convert.FromHexString(seed));
        return true;
    }

    public bool Is(byte[] pin)
    {
        byte[] salted = [.. pin, .. seed];
        var matches = CryptographicOperations.FixedTimeEquals(SHA256.HashData(salted), hash);
        CryptographicOperations.ZeroMemory(salted);
        return matches;
    }
}
