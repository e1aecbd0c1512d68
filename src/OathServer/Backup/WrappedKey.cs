using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace OathServer.Backup;

/// <summary>The content key of a backup, wrapped for whoever may open it.</summary>
/// <param name="Method"><c>rsa-oaep-sha256</c>, <c>ecdh-hkdf-aes-gcm</c> or <c>pbkdf2-aes-gcm</c>.</param>
/// <param name="Recipient">SHA-256 of the public key, hex; null for a passphrase.</param>
/// <param name="Value">The wrapped key.</param>
/// <param name="Salt">PBKDF2's salt, or the ephemeral public key of ECDH.</param>
/// <param name="Iterations">Of PBKDF2.</param>
internal sealed record WrappedKey(string Method, string? Recipient, byte[] Value, byte[]? Salt = null, int Iterations = 0)
{
    private const string Rsa = "rsa-oaep-sha256";
    private const string Ecdh = "ecdh-hkdf-aes-gcm";
    private const string Passphrase = "pbkdf2-aes-gcm";

    // OWASP's figure for PBKDF2 with HMAC-SHA-256; passphrases guard all seeds at once.
    private const int PassphraseIterations = 600_000;
    private const int IterationsMax = 10_000_000;
    private const int PassphraseMin = 12;

    public bool NeedsPassphrase => Method == Passphrase;

    /// <summary>Wraps for a certificate or a bare public key, PEM; RSA from 2048 bits or an elliptic curve.</summary>
    /// <exception cref="InvalidOperationException">There is no usable key in it.</exception>
    public static WrappedKey For(string pem, byte[] key)
    {
        using var rsa = PublicKey<RSA>(pem, c => c.GetRSAPublicKey(), RSA.Create);
        if (rsa is not null)
        {
            return rsa.KeySize < 2048
                ? throw new InvalidOperationException($"The recipient's RSA key has {rsa.KeySize} bits; at least 2048 are asked for.")
                : new WrappedKey(Rsa, Name(rsa.ExportSubjectPublicKeyInfo()), rsa.Encrypt(key, RSAEncryptionPadding.OaepSHA256));
        }

        using var recipient = PublicKey<ECDiffieHellman>(pem, c => c.GetECDiffieHellmanPublicKey(), ECDiffieHellman.Create)
            ?? throw new InvalidOperationException("The recipient is neither a certificate nor a public key (PEM) with an RSA or elliptic-curve key.");
        using var ephemeral = ECDiffieHellman.Create(recipient.ExportParameters(includePrivateParameters: false).Curve);
        var name = recipient.ExportSubjectPublicKeyInfo();
        var sender = ephemeral.ExportSubjectPublicKeyInfo();
        var shared = ephemeral.DeriveRawSecretAgreement(recipient.PublicKey);
        return new WrappedKey(Ecdh, Name(name), Wrap(Agreed(shared, sender, name), key), sender);
    }

    /// <exception cref="InvalidOperationException">It is too short.</exception>
    public static WrappedKey ForPassphrase(string passphrase, byte[] key)
    {
        if (passphrase.Length < PassphraseMin)
        {
            throw new InvalidOperationException($"The passphrase has {passphrase.Length} characters; at least {PassphraseMin} are asked for.");
        }

        var salt = RandomNumberGenerator.GetBytes(16);
        var wrapping = Rfc2898DeriveBytes.Pbkdf2(passphrase, salt, PassphraseIterations, HashAlgorithmName.SHA256, 32);
        return new WrappedKey(Passphrase, null, Wrap(wrapping, key), salt, PassphraseIterations);
    }

    /// <exception cref="InvalidOperationException">The passphrase is not the one.</exception>
    public byte[] OpenWithPassphrase(string passphrase) => Method == Passphrase && Iterations is > 0 and <= IterationsMax
        ? Unwrap(Rfc2898DeriveBytes.Pbkdf2(passphrase, Salt!, Iterations, HashAlgorithmName.SHA256, 32), "The passphrase does not open this backup.")
        : throw new InvalidOperationException("This backup is for a private key, not for a passphrase: --private-key-file.");

    /// <summary>Opens with a private key, PEM, encrypted or not.</summary>
    /// <exception cref="InvalidOperationException">The key is not the recipient's.</exception>
    public byte[] OpenWithKey(string pem, string? password)
    {
        const string wrong = "This private key is not the recipient's.";
        try
        {
            if (Method == Rsa)
            {
                using var rsa = RSA.Create();
                Import(rsa, pem, password);
                return rsa.Decrypt(Value, RSAEncryptionPadding.OaepSHA256);
            }

            if (Method != Ecdh)
            {
                throw new InvalidOperationException("This backup is for a passphrase, not for a private key: --passphrase-file.");
            }

            using var mine = ECDiffieHellman.Create();
            Import(mine, pem, password);
            using var sender = ECDiffieHellman.Create();
            sender.ImportSubjectPublicKeyInfo(Salt, out _);
            return Unwrap(Agreed(mine.DeriveRawSecretAgreement(sender.PublicKey), Salt!, mine.ExportSubjectPublicKeyInfo()), wrong);
        }
        catch (Exception fault) when (fault is CryptographicException or ArgumentException)
        {
            throw new InvalidOperationException($"{wrong} It needs the one whose public key has the SHA-256 {Recipient}.");
        }
    }

    private static void Import(AsymmetricAlgorithm algorithm, string pem, string? password)
    {
        if (password is null)
        {
            algorithm.ImportFromPem(pem);
        }
        else
        {
            algorithm.ImportFromEncryptedPem(pem, password);
        }
    }

    private static T? PublicKey<T>(string pem, Func<X509Certificate2, T?> ofCertificate, Func<T> create) where T : AsymmetricAlgorithm
    {
        try
        {
            if (pem.Contains("BEGIN CERTIFICATE", StringComparison.Ordinal))
            {
                using var certificate = X509Certificate2.CreateFromPem(pem);
                return ofCertificate(certificate);
            }
        }
        catch (CryptographicException)
        {
            return null;
        }

        var algorithm = create();
        try
        {
            algorithm.ImportFromPem(pem);
            return algorithm;
        }
        catch (Exception fault) when (fault is CryptographicException or ArgumentException)
        {
            algorithm.Dispose();
            return null;
        }
    }

    private static string Name(byte[] publicKey) => Convert.ToHexString(SHA256.HashData(publicKey));

    private static byte[] Agreed(byte[] shared, byte[] sender, byte[] recipient) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, shared, 32, salt: [.. sender, .. recipient], info: "backup wrap"u8.ToArray());

    // Each wrapping key wraps one key, so the nonce may be fixed.
    private static byte[] Wrap(byte[] wrapping, byte[] key)
    {
        var blob = new byte[key.Length + 16];
        using var cipher = new AesGcm(wrapping, 16);
        cipher.Encrypt(new byte[12], key, blob.AsSpan(0, key.Length), blob.AsSpan(key.Length));
        CryptographicOperations.ZeroMemory(wrapping);
        return blob;
    }

    private byte[] Unwrap(byte[] wrapping, string wrong)
    {
        try
        {
            var key = new byte[Value.Length - 16];
            using var cipher = new AesGcm(wrapping, 16);
            cipher.Decrypt(new byte[12], Value.AsSpan(0, key.Length), Value.AsSpan(key.Length), key);
            return key;
        }
        catch (Exception fault) when (fault is AuthenticationTagMismatchException or OverflowException)
        {
            throw new InvalidOperationException(wrong);
        }
    }
}
