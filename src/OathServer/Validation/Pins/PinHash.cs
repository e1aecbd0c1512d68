using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Identity;
using OathServer.Storage;

namespace OathServer.Validation.Pins;

/// <summary>A PIN as it is kept: its scheme and the hash in the scheme's own form. Never the PIN.</summary>
internal sealed class PinHash
{
    private static readonly PasswordHasher<TokenPin> Hasher = new();

    private readonly string text;

    private PinHash(PinScheme scheme, string text) => (Scheme, this.text) = (scheme, text);

    public PinScheme Scheme { get; }

    /// <summary>As the server that made it wrote it; to be made anew once the PIN is known.</summary>
    public bool IsForeign => Scheme != PinScheme.Own;

    /// <summary>Hashes a PIN that is known. Takes some ten milliseconds.</summary>
    public static PinHash Of(string pin) => new(PinScheme.Own, Hasher.HashPassword(null!, pin));

    /// <summary>A hash as passlib writes it, which is what privacyIDEA keeps; null when it is none that can be checked.</summary>
    public static PinHash? OfPasslib(string hash) =>
        Argon2Hash.TryParse(hash, out _) ? new(PinScheme.Argon2, hash)
        : Pbkdf2Hash.TryParse(hash, out _) ? new(PinScheme.Pbkdf2, hash)
        : null;

    /// <summary>SHA-256 of PIN and seed, both in hexadecimal; null when they are not that.</summary>
    public static PinHash? OfSaltedSha256(string hash, string seed) =>
        SaltedSha256Hash.TryParse($"{hash}:{seed}", out _) ? new(PinScheme.SaltedSha256, $"{hash}:{seed}") : null;

    /// <summary>What was sealed, opened.</summary>
    public static PinHash Opened(PinScheme scheme, ReadOnlySpan<byte> value) => new(scheme, Encoding.UTF8.GetString(value));

    /// <summary>What is sealed; the caller clears it.</summary>
    public byte[] ToSeal() => Encoding.UTF8.GetBytes(text);

    /// <summary>Whether this is the PIN. Takes milliseconds, Argon2 as privacyIDEA sets it up to seconds and 100 MB.</summary>
    public bool Is(string pin)
    {
        var typed = Encoding.UTF8.GetBytes(pin);
        try
        {
            return Scheme switch
            {
                // Never empty, so that an empty field costs nothing.
                PinScheme.Own => pin.Length > 0 && Hasher.VerifyHashedPassword(null!, text, pin) != PasswordVerificationResult.Failed,
                PinScheme.Argon2 => Argon2Hash.TryParse(text, out var argon2) && argon2.Is(typed),
                PinScheme.Pbkdf2 => Pbkdf2Hash.TryParse(text, out var pbkdf2) && pbkdf2.Is(typed),
                PinScheme.SaltedSha256 => SaltedSha256Hash.TryParse(text, out var sha256) && sha256.Is(typed),
                _ => false,
            };
        }
        finally
        {
            CryptographicOperations.ZeroMemory(typed);
        }
    }

    /// <summary>Never the hash.</summary>
    public override string ToString() => Scheme.ToString();
}
