namespace Oath;

/// <summary>The hash under the HMAC: SHA-1 in RFC 4226, SHA-256 and SHA-512 added by RFC 6238 section 1.2.</summary>
public enum OathAlgorithm : byte
{
    /// <summary>HMAC-SHA-1, RFC 4226 section 5.2.</summary>
    Sha1,

    /// <summary>HMAC-SHA-256, RFC 6238 section 1.2.</summary>
    Sha256,

    /// <summary>HMAC-SHA-512, RFC 6238 section 1.2.</summary>
    Sha512,
}
