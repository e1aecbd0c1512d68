using System.Security.Cryptography;
using System.Text;

namespace OathServer.Audit;

/// <summary>Stands in the chain for a text that names a person: HMAC-SHA-256 of the text under a salt of its own. While the salt
/// is there the text cannot be changed unseen; once text and salt are erased nobody finds out what it was, and the chain
/// still verifies.</summary>
internal static class Commitment
{
    private const int SaltSize = 16;

    /// <summary>Salt and commitment of a text; none for none.</summary>
    public static (byte[]? Salt, byte[]? Hash) Of(string? text)
    {
        if (text is null)
        {
            return (null, null);
        }

        var salt = RandomNumberGenerator.GetBytes(SaltSize);
        return (salt, Hash(salt, text));
    }

    /// <summary>Whether the text is the one committed to, or was erased.</summary>
    public static bool Holds(string? text, byte[]? salt, byte[]? hash) => (text, salt, hash) switch
    {
        (null, null, _) => true,
        ({ } known, { } itsSalt, { } committed) => CryptographicOperations.FixedTimeEquals(Hash(itsSalt, known), committed),
        _ => false,
    };

    /// <summary>Whether there was a text that is no longer there.</summary>
    public static bool IsErased(string? text, byte[]? hash) => text is null && hash is not null;

    private static byte[] Hash(byte[] salt, string text) => HMACSHA256.HashData(salt, Encoding.UTF8.GetBytes(text));
}
