using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Pskc;

/// <summary>What opens a container's encrypted values (RFC 6030 section 6). Disposing it clears it.</summary>
public abstract class KeySource : IDisposable
{
    private protected KeySource()
    {
    }

    /// <summary>A key both sides hold (section 6.1). The octets are copied.</summary>
    public static KeySource PreSharedKey(ReadOnlySpan<byte> key) => new PreSharedKeySource(key.ToArray());

    /// <summary>A key both sides hold (section 6.1). The octets are copied.</summary>
    public static KeySource PreSharedKey(byte[] key) => PreSharedKey(key.AsSpan());

    /// <summary>A passphrase, used as UTF-8 (section 6.2).</summary>
    public static KeySource Passphrase(string passphrase) => new PassphraseSource(Encoding.UTF8.GetBytes(passphrase));

    /// <summary>A passphrase in UTF-8 (section 6.2). The octets are copied.</summary>
    public static KeySource Passphrase(ReadOnlySpan<byte> passphrase) => new PassphraseSource(passphrase.ToArray());

    /// <summary>The recipient's RSA key (section 6.3). The source takes it over and disposes it.</summary>
    public static KeySource PrivateKey(RSA key) => new PrivateKeySource(key);

    /// <summary>The RSA key that goes with a certificate (section 6.3).</summary>
    public static KeySource PrivateKey(X509Certificate2 certificate) => new PrivateKeySource(
        certificate.GetRSAPrivateKey() ?? throw new PskcException(PskcFault.KeyRequired,
            "The certificate has no RSA private key with it. Give a PFX or PEM file that holds the key."));

    /// <summary>The RSA key of a PEM text, encrypted or not.</summary>
    public static KeySource FromPem(string pem, string? passphrase = null)
    {
        var rsa = RSA.Create();
        try
        {
            if (passphrase is null)
            {
                rsa.ImportFromPem(pem);
            }
            else
            {
                rsa.ImportFromEncryptedPem(pem, passphrase);
            }
            return new PrivateKeySource(rsa);
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            rsa.Dispose();
            throw new PskcException(PskcFault.KeyRequired, "The PEM text holds no RSA private key that opens: " +
                "it must have one, and its passphrase if it is encrypted.", e);
        }
    }

    /// <summary>The RSA key of a PFX (PKCS #12) file.</summary>
    public static KeySource FromPfx(ReadOnlySpan<byte> pfx, string? passphrase = null)
    {
        try
        {
            using var certificate = X509CertificateLoader.LoadPkcs12(pfx, passphrase,
                X509KeyStorageFlags.EphemeralKeySet);
            return PrivateKey(certificate);
        }
        catch (CryptographicException e)
        {
            throw new PskcException(PskcFault.KeyRequired, "The PFX file does not open with this passphrase.", e);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Clear();
        GC.SuppressFinalize(this);
    }

    private protected abstract void Clear();

    internal sealed class PreSharedKeySource(byte[] key) : KeySource
    {
        public byte[] Key => key;

        private protected override void Clear() => CryptographicOperations.ZeroMemory(key);
    }

    internal sealed class PassphraseSource(byte[] passphrase) : KeySource
    {
        public byte[] Utf8 => passphrase;

        private protected override void Clear() => CryptographicOperations.ZeroMemory(passphrase);
    }

    internal sealed class PrivateKeySource(RSA rsa) : KeySource
    {
        public RSA Rsa => rsa;

        private protected override void Clear() => rsa.Dispose();
    }
}
