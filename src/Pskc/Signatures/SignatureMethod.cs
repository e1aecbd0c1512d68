using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Pskc.Signatures;

/// <summary>
/// The signature and digest algorithms of XML Signature that certificates sign with. No HMAC: that is no signature.
/// </summary>
internal static class SignatureMethod
{
    public static HashAlgorithmName? Digest(string uri) => uri switch
    {
        "http://www.w3.org/2000/09/xmldsig#sha1" => HashAlgorithmName.SHA1,
        "http://www.w3.org/2001/04/xmlenc#sha256" => HashAlgorithmName.SHA256,
        "http://www.w3.org/2001/04/xmldsig-more#sha384" => HashAlgorithmName.SHA384,
        "http://www.w3.org/2001/04/xmlenc#sha512" => HashAlgorithmName.SHA512,
        _ => null,
    };

    public static bool Verify(X509Certificate2 certificate, string uri, byte[] signedOctets, byte[] signature)
    {
        var fragment = uri[(uri.LastIndexOf('#') + 1)..];
        HashAlgorithmName? hash = fragment[(fragment.IndexOf('-', StringComparison.Ordinal) + 1)..] switch
        {
            "sha1" => HashAlgorithmName.SHA1,
            "sha256" => HashAlgorithmName.SHA256,
            "sha384" => HashAlgorithmName.SHA384,
            "sha512" => HashAlgorithmName.SHA512,
            _ => null,
        };
        if (hash is null)
        {
            return false;
        }
        try
        {
            if (fragment.StartsWith("rsa-", StringComparison.Ordinal))
            {
                using var rsa = certificate.GetRSAPublicKey();
                return rsa?.VerifyData(signedOctets, signature, hash.Value, RSASignaturePadding.Pkcs1) ?? false;
            }
            if (fragment.StartsWith("ecdsa-", StringComparison.Ordinal))
            {
                using var ecdsa = certificate.GetECDsaPublicKey();
                return ecdsa?.VerifyData(signedOctets, signature, hash.Value, DSASignatureFormat.IeeeP1363FixedFieldConcatenation)
                    ?? false;
            }
        }
        catch (CryptographicException)
        {
            // A key or signature of an impossible form verifies nothing.
        }
        return false;
    }
}
