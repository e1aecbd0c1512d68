using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Digests;
using Org.BouncyCastle.Crypto.Generators;
using Org.BouncyCastle.Crypto.Parameters;

namespace Pskc.Encryption;

/// <summary>A key derived from a passphrase (PKCS #5 v2, RFC 6030 section 6.2).</summary>
/// <param name="Salt">The salt.</param>
/// <param name="Iterations">How often the PRF is applied.</param>
/// <param name="KeyLength">Octets to derive; null leaves it to the cipher.</param>
/// <param name="Prf">The PRF's URI; null is HMAC-SHA-1.</param>
internal sealed record Pbkdf2(byte[] Salt, int Iterations, int? KeyLength, string? Prf)
{
    public static bool IsUri(string uri) => uri
        is "http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#pbkdf2"
        or "http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5#pbkdf2"
        or "http://www.w3.org/2009/xmlenc11#pbkdf2"
        or "pbkdf2";

    public byte[] Derive(ReadOnlySpan<byte> passphrase, int octets)
    {
        var hash = PrfName;
        if (hash == "sha224")
        {
            var generator = new Pkcs5S2ParametersGenerator(new Sha224Digest());
            generator.Init(passphrase.ToArray(), Salt, Iterations);
            return ((KeyParameter)generator.GenerateDerivedMacParameters(octets * 8)).GetKey();
        }
        return Rfc2898DeriveBytes.Pbkdf2(passphrase, Salt, Iterations, hash switch
        {
            "sha256" => HashAlgorithmName.SHA256,
            "sha384" => HashAlgorithmName.SHA384,
            "sha512" => HashAlgorithmName.SHA512,
            "sha1" => HashAlgorithmName.SHA1,
            _ => throw new PskcException(PskcFault.UnsupportedAlgorithm,
                $"The passphrase derivation asks for the PRF {PskcException.Printable(Prf ?? "")}, which is not known."),
        }, octets);
    }

    private string PrfName
    {
        get
        {
            if (string.IsNullOrWhiteSpace(Prf))
            {
                return "sha1";
            }
            var name = Prf[(Prf.LastIndexOf('#') + 1)..].Trim().ToLowerInvariant().Replace("-", "", StringComparison.Ordinal);
            return name.StartsWith("hmac", StringComparison.Ordinal) ? name[4..] : name;
        }
    }
}
