using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Pskc;

namespace OathServer.Import.Export;

/// <summary>Who may open a container being written: the holder of a key, a passphrase or a certificate's private key.
/// Disposing it clears what it holds.</summary>
internal sealed class Recipient : IDisposable
{
    /// <summary>Shorter ones are found by trying, as whoever has the file may try for ever.</summary>
    public const int PassphraseMin = 12;

    private Recipient(ContainerProtection protection, KeySource? opens, string words)
    {
        Protection = protection;
        Opens = opens;
        Words = words;
    }

    public ContainerProtection Protection { get; }

    /// <summary>What opens the container, to look at it once more; null where only the recipient can.</summary>
    public KeySource? Opens { get; }

    /// <summary>For people and the audit trail; never the secret.</summary>
    public string Words { get; }

    /// <summary>Everybody: the seeds stand in the file in the open.</summary>
    public static Recipient Anybody() => new(ContainerProtection.None(), null, "not encrypted");

    /// <exception cref="ArgumentException">The key's length does not fit.</exception>
    public static Recipient Key(ReadOnlySpan<byte> key, ValueEncryption? encryption)
    {
        var by = encryption ?? ValueEncryption.AesCbcHmacSha256;
        var octets = by == ValueEncryption.TripleDesCbcHmacSha1 ? "16 or 24" : "16, 24 or 32";
        try
        {
            return new Recipient(ContainerProtection.PreSharedKey(key, encryption: by), KeySource.PreSharedKey(key),
                $"for a pre-shared key of {key.Length * 8} bits ({KebabNames.Of(by)})");
        }
        catch (ArgumentException)
        {
            throw new ArgumentException($"The key has {key.Length} octets; {KebabNames.Of(by)} takes {octets}.");
        }
    }

    /// <exception cref="ArgumentException">Too short.</exception>
    public static Recipient Passphrase(string passphrase, ValueEncryption? encryption)
    {
        if (passphrase.Length < PassphraseMin)
        {
            throw new ArgumentException($"The passphrase has {passphrase.Length} characters; use {PassphraseMin} or more, as whoever has the file can try for ever.");
        }

        // Readers that know only SHA-1 MACs know only SHA-1 in PBKDF2 and 128-bit keys either.
        var by = encryption ?? ValueEncryption.AesCbcHmacSha256;
        var old = by is ValueEncryption.AesCbcHmacSha1 or ValueEncryption.TripleDesCbcHmacSha1;
        var (octets, prf) = (by == ValueEncryption.TripleDesCbcHmacSha1 ? 24 : old ? 16 : 32, old ? HashAlgorithmName.SHA1 : HashAlgorithmName.SHA256);
        return new Recipient(ContainerProtection.Passphrase(passphrase, encryption: by, keyOctets: octets, prf: prf),
            KeySource.Passphrase(passphrase), $"for a passphrase ({KebabNames.Of(by)})");
    }

    /// <exception cref="ArgumentException">No RSA certificate.</exception>
    public static Recipient Certificate(X509Certificate2 certificate, ValueEncryption? encryption)
    {
        if (encryption is not null)
        {
            throw new ArgumentException("A container for a certificate is encrypted by RSA-OAEP; leave the encryption out.");
        }

        return new Recipient(ContainerProtection.Recipient(certificate), null, $"for the certificate {certificate.Subject} ({certificate.Thumbprint})");
    }

    public void Dispose()
    {
        Protection.Dispose();
        Opens?.Dispose();
    }
}
