namespace Pskc;

/// <summary>What is known against a secret by looking at it alone.</summary>
internal static class WeakSecret
{
    // RFC 4226 appendix D, RFC 6238 appendix B and countless examples: the ASCII digits, repeated.
    private static bool IsAsciiCount(ReadOnlySpan<byte> secret)
    {
        for (var i = 0; i < secret.Length; i++)
        {
            if (secret[i] != '0' + ((i + 1) % 10))
            {
                return false;
            }
        }
        return true;
    }

    public static string? Why(byte[]? secret, KeyAlgorithm algorithm)
    {
        // A PIN is short by nature, and no key.
        if (secret is null || algorithm == KeyAlgorithm.Pin)
        {
            return null;
        }
        if (secret.Length > 0 && secret.AsSpan().IndexOfAnyExcept(secret[0]) < 0)
        {
            return "its secret is one octet repeated";
        }
        if (IsAsciiCount(secret))
        {
            return "its secret is the published test value 1234567890…";
        }
        // RFC 4226 section 4, R6: at least 128 bits.
        return secret.Length < 16 ? $"its secret has {secret.Length * 8} bits, fewer than the 128 of RFC 4226" : null;
    }
}
