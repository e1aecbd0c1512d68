namespace Pskc;

/// <summary>
/// What a key is for, whatever name a draft gave it (RFC 6030 section 10 and the algorithm profiles draft).
/// </summary>
public enum KeyAlgorithm
{
    /// <summary>The file does not say.</summary>
    Unspecified,

    /// <summary>RFC 4226.</summary>
    Hotp,

    /// <summary>RFC 6238.</summary>
    Totp,

    /// <summary>RFC 6287; the suite says which.</summary>
    Ocra,

    /// <summary>A PIN, never an OTP key (RFC 6030 section 10.2).</summary>
    Pin,

    /// <summary>Yubico's own one-time passwords.</summary>
    YubiKeyAes,

    /// <summary>One this library does not name.</summary>
    Other,
}

/// <summary>The hash under a HOTP or TOTP key.</summary>
public enum OtpHash
{
    /// <summary>SHA-1, the default of RFC 4226.</summary>
    Sha1,

    /// <summary>SHA-256.</summary>
    Sha256,

    /// <summary>SHA-512.</summary>
    Sha512,
}

/// <summary>The names algorithms and suites go by in the wild, in one table.</summary>
internal static class AlgorithmNames
{
    /// <summary>The names RFC 6030 and its profiles give; written by us.</summary>
    public const string Prefix = "urn:ietf:params:xml:ns:keyprov:pskc:";

    private static readonly string[] prefixes =
    [
        Prefix,
        "urn:ietf:params:xml:ns:keyprov:pskc#",
        "urn:ietf:params:xml:ns:keyprov:pskc:1.0#",
        "urn:ietf:params:xml:ns:keyprov:container#",
        "http://www.ietf.org/keyprov/pskc#",
        "",
    ];

    public static (KeyAlgorithm Algorithm, string? SuiteInUri) Algorithm(string? uri)
    {
        if (string.IsNullOrEmpty(uri))
        {
            return (KeyAlgorithm.Unspecified, null);
        }
        if (uri.Equals("http://www.yubico.com/#yubikey-aes", StringComparison.OrdinalIgnoreCase))
        {
            return (KeyAlgorithm.YubiKeyAes, null);
        }
        foreach (var prefix in prefixes)
        {
            if (!uri.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }
            var tail = uri.AsSpan(prefix.Length);
            if (tail.StartsWith("OCRA-", StringComparison.OrdinalIgnoreCase))
            {
                return (KeyAlgorithm.Ocra, tail.ToString());
            }
            return (ByName(tail), null);
        }
        return (KeyAlgorithm.Other, null);
    }

    private static KeyAlgorithm ByName(ReadOnlySpan<char> name)
    {
        Span<char> lower = stackalloc char[8];
        return name.Length > lower.Length || name.ToLowerInvariant(lower) < 0
            ? KeyAlgorithm.Other
            : lower[..name.Length] switch
            {
                "hotp" => KeyAlgorithm.Hotp,
                "totp" => KeyAlgorithm.Totp,
                "ocra" => KeyAlgorithm.Ocra,
                "pin" => KeyAlgorithm.Pin,
                _ => KeyAlgorithm.Other,
            };
    }

    /// <summary>The hash a suite text names; null when it names none we know. Never a guess by secret length.</summary>
    public static OtpHash? Hash(string? suite)
    {
        if (string.IsNullOrWhiteSpace(suite))
        {
            return OtpHash.Sha1;
        }
        var name = suite.Trim().ToUpperInvariant().Replace("-", "", StringComparison.Ordinal)
            .Replace("_", "", StringComparison.Ordinal);
        name = name[(name.LastIndexOf('#') + 1)..];
        name = name.StartsWith("HOTP", StringComparison.Ordinal) || name.StartsWith("TOTP", StringComparison.Ordinal)
            ? name[4..]
            : name;
        name = name.StartsWith("HMAC", StringComparison.Ordinal) ? name[4..] : name;
        return name switch
        {
            "SHA1" => OtpHash.Sha1,
            "SHA256" => OtpHash.Sha256,
            "SHA512" => OtpHash.Sha512,
            _ => null,
        };
    }

    public static string Uri(KeyAlgorithm algorithm) => algorithm switch
    {
        KeyAlgorithm.Hotp => Prefix + "hotp",
        KeyAlgorithm.Totp => Prefix + "totp",
        KeyAlgorithm.Ocra => Prefix + "ocra",
        KeyAlgorithm.Pin => Prefix + "pin",
        KeyAlgorithm.YubiKeyAes => "http://www.yubico.com/#yubikey-aes",
        _ => throw new ArgumentOutOfRangeException(nameof(algorithm), algorithm, "Give the key an AlgorithmUri."),
    };

    public static string Suite(OtpHash hash) => hash switch
    {
        OtpHash.Sha256 => "HMAC-SHA256",
        OtpHash.Sha512 => "HMAC-SHA512",
        _ => "HMAC-SHA1",
    };
}
