using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Pskc.Encryption;

namespace Pskc;

/// <summary>How values are encrypted and authenticated in a container being written (RFC 6030 section 6).</summary>
public enum ValueEncryption
{
    /// <summary>AES-CBC with HMAC-SHA-1: what every peer that decrypts anything reads, with a 128-bit key.</summary>
    AesCbcHmacSha1,

    /// <summary>AES-CBC with HMAC-SHA-256: what the careful ones read.</summary>
    AesCbcHmacSha256,

    /// <summary>AES-GCM of XML Encryption 1.1. The best there is, and no other PSKC tool reads it yet.</summary>
    AesGcm,

    /// <summary>AES key wrap (RFC 3394); a secret it cannot hold is wrapped padded, as peers do.</summary>
    AesKeyWrap,

    /// <summary>AES key wrap with padding (RFC 5649).</summary>
    AesKeyWrapPadded,

    /// <summary>3DES-CBC with HMAC-SHA-1, for systems that know nothing else.</summary>
    TripleDesCbcHmacSha1,
}

/// <summary>What protects a container being written. Disposing it clears its key.</summary>
public sealed class ContainerProtection : IDisposable
{
    private ContainerProtection(ValueEncryption encryption)
    {
        Encryption = encryption;
    }

    /// <summary>Nothing: secrets stand in the file as they are.</summary>
    public static ContainerProtection None() => new(ValueEncryption.AesCbcHmacSha1);

    /// <summary>A key both sides hold (section 6.1): 16, 24 or 32 octets, which choose AES-128, -192 or -256.</summary>
    public static ContainerProtection PreSharedKey(
        ReadOnlySpan<byte> key, string keyName = "Pre-shared-key", ValueEncryption encryption = ValueEncryption.AesCbcHmacSha1)
    {
        var fits = encryption == ValueEncryption.TripleDesCbcHmacSha1
            ? key.Length is 16 or 24 && !ValueCipher.IsWeak(key.ToArray())
            : key.Length is 16 or 24 or 32;
        return fits
            ? new ContainerProtection(encryption) { Kind = EncryptionKind.PreSharedKey, Key = key.ToArray(), KeyName = keyName }
            : throw new ArgumentException($"A key of {key.Length} octets does not fit {encryption}, or is a weak one.", nameof(key));
    }

    /// <summary>A passphrase (section 6.2), stretched by PBKDF2 with a fresh salt.</summary>
    /// <param name="passphrase">The passphrase, used as UTF-8.</param>
    /// <param name="iterations">Iterations; readers pay for them once a file.</param>
    /// <param name="encryption">How values are encrypted.</param>
    /// <param name="keyOctets">16, 24 or 32.</param>
    /// <param name="prf">The PRF; SHA-1 is the standard's default and the only one most peers know.</param>
    public static ContainerProtection Passphrase(
        string passphrase,
        int iterations = 600_000,
        ValueEncryption encryption = ValueEncryption.AesCbcHmacSha1,
        int keyOctets = 16,
        HashAlgorithmName? prf = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(passphrase);
        ArgumentOutOfRangeException.ThrowIfLessThan(iterations, 1);
        var salt = RandomNumberGenerator.GetBytes(16);
        var hash = prf ?? HashAlgorithmName.SHA1;
        return new ContainerProtection(encryption)
        {
            Kind = EncryptionKind.Passphrase,
            Key = Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(passphrase), salt, iterations, hash, keyOctets),
            KeyName = "Passphrase",
            Salt = salt,
            Iterations = iterations,
            Prf = hash,
        };
    }

    /// <summary>
    /// The recipient's RSA certificate (section 6.3), by RSA-OAEP as XML Encryption 1.0 has it, with MACs.
    /// </summary>
    public static ContainerProtection Recipient(X509Certificate2 certificate)
    {
        using var rsa = certificate.GetRSAPublicKey()
            ?? throw new ArgumentException("The certificate has no RSA key.", nameof(certificate));
        return new ContainerProtection(ValueEncryption.AesCbcHmacSha256)
        {
            Kind = EncryptionKind.PrivateKey,
            Certificate = X509CertificateLoader.LoadCertificate(certificate.RawData),
        };
    }

    /// <summary>Whether values are encrypted at all.</summary>
    public bool IsEncrypted => Kind != EncryptionKind.None;

    internal ValueEncryption Encryption { get; }

    internal EncryptionKind Kind { get; private init; }

    internal byte[] Key { get; private init; } = [];

    internal string? KeyName { get; private init; }

    internal byte[] Salt { get; private init; } = [];

    internal int Iterations { get; private init; }

    internal HashAlgorithmName Prf { get; private init; }

    internal X509Certificate2? Certificate { get; private init; }

    /// <inheritdoc/>
    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(Key);
        Certificate?.Dispose();
    }
}
