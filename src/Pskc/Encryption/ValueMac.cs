using System.Security.Cryptography;
using Org.BouncyCastle.Crypto;
using Org.BouncyCastle.Crypto.Digests;
using Org.BouncyCastle.Crypto.Macs;
using Org.BouncyCastle.Crypto.Parameters;

namespace Pskc.Encryption;

/// <summary>The MAC over one encrypted value (RFC 6030 section 6.1.1).</summary>
internal sealed class ValueMac
{
    private const string More = "http://www.w3.org/2001/04/xmldsig-more#";

    private delegate int Hash(ReadOnlySpan<byte> key, ReadOnlySpan<byte> source, Span<byte> destination);

    private readonly Hash hash;

    private ValueMac(string name, string uri, int octets, Hash hash)
    {
        Name = name;
        Uri = uri;
        Octets = octets;
        this.hash = hash;
    }

    public string Name { get; }

    public string Uri { get; }

    public int Octets { get; }

    private static readonly ValueMac[] known =
    [
        new("hmac-sha1", "http://www.w3.org/2000/09/xmldsig#hmac-sha1", 20, HMACSHA1.HashData),
        new("hmac-sha224", More + "hmac-sha224", 28, (k, s, d) => Bouncy(new Sha224Digest(), k, s, d)),
        new("hmac-sha256", More + "hmac-sha256", 32, HMACSHA256.HashData),
        new("hmac-sha384", More + "hmac-sha384", 48, HMACSHA384.HashData),
        new("hmac-sha512", More + "hmac-sha512", 64, HMACSHA512.HashData),
        new("hmac-md5", More + "hmac-md5", 16, HMACMD5.HashData),
        new("hmac-ripemd160", More + "hmac-ripemd160", 20, (k, s, d) => Bouncy(new RipeMD160Digest(), k, s, d)),
    ];

    /// <summary>The MAC a URI names; null when it names none we know, which is never taken for another.</summary>
    public static ValueMac? Find(string uri)
    {
        var name = uri[(uri.LastIndexOf('#') + 1)..].Trim().ToLowerInvariant()
            .Replace("-sha-", "-sha", StringComparison.Ordinal).Replace("-ripemd-", "-ripemd", StringComparison.Ordinal);
        return Array.Find(known, mac => mac.Name == name);
    }

    public byte[] Compute(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var mac = new byte[Octets];
        hash(key, value, mac);
        return mac;
    }

    /// <summary>Compares in constant time; a MAC of another length never matches.</summary>
    public bool Matches(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, ReadOnlySpan<byte> expected)
    {
        Span<byte> mac = stackalloc byte[Octets];
        hash(key, value, mac);
        return CryptographicOperations.FixedTimeEquals(mac, expected);
    }

    private static int Bouncy(IDigest digest, ReadOnlySpan<byte> key, ReadOnlySpan<byte> source, Span<byte> destination)
    {
        var hmac = new HMac(digest);
        hmac.Init(new KeyParameter(key));
        hmac.BlockUpdate(source);
        return hmac.DoFinal(destination);
    }
}
