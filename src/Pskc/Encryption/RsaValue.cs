using System.Security.Cryptography;
using Org.BouncyCastle.Crypto;
using Org.BouncyCastle.Crypto.Digests;
using Org.BouncyCastle.Crypto.Encodings;
using Org.BouncyCastle.Crypto.Engines;
using Org.BouncyCastle.Security;

namespace Pskc.Encryption;

/// <summary>
/// Values encrypted to an RSA key (RFC 6030 section 6.3). Null means it does not decrypt; why is not said.
/// </summary>
internal static class RsaValue
{
    public static byte[]? Decrypt(RSA rsa, EncryptedData data)
    {
        try
        {
            if (data.Known!.Kind == CipherKind.Rsa15)
            {
                return rsa.Decrypt(data.Cipher, RSAEncryptionPadding.Pkcs1);
            }
            var digest = HashName(data.OaepDigest) ?? "sha1";
            // XML Encryption 5.5.2: mgf1p is MGF1 with SHA-1 whatever the digest; xmlenc11 names it apart.
            var mask = HashName(data.OaepMask) ?? "sha1";
            return digest == mask
                ? rsa.Decrypt(data.Cipher, RSAEncryptionPadding.CreateOaep(new HashAlgorithmName(digest.ToUpperInvariant())))
                : DecryptMixed(rsa, data.Cipher, digest, mask);
        }
        catch (Exception e) when (e is CryptographicException or InvalidCipherTextException or ArgumentException
            or CryptoException)
        {
            return null;
        }
    }

    private static string? HashName(string? uri) =>
        uri?[(uri.LastIndexOf('#') + 1)..].Trim().ToLowerInvariant().Replace("mgf1", "", StringComparison.Ordinal);

    private static byte[] DecryptMixed(RSA rsa, byte[] cipher, string digest, string mask)
    {
        var engine = new OaepEncoding(new RsaBlindedEngine(), Digest(digest), Digest(mask), encodingParams: null);
        engine.Init(forEncryption: false, DotNetUtilities.GetRsaKeyPair(rsa).Private);
        return engine.ProcessBlock(cipher, 0, cipher.Length);
    }

    private static IDigest Digest(string name) => name switch
    {
        "sha1" => new Sha1Digest(),
        "sha224" => new Sha224Digest(),
        "sha256" => new Sha256Digest(),
        "sha384" => new Sha384Digest(),
        "sha512" => new Sha512Digest(),
        _ => throw new ArgumentException(name),
    };
}
