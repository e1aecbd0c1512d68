using System.Security.Cryptography.X509Certificates;

namespace Pskc;

/// <summary>What becomes of a value whose MAC is missing or does not match (RFC 6030 section 6.1.1).</summary>
public enum MacPolicy
{
    /// <summary>The file is refused. The default.</summary>
    FailHard,

    /// <summary>The key is returned without its secret, unusable, with a warning; the others are read.</summary>
    SkipKey,

    /// <summary>MACs are not looked at. A warning stands on every report.</summary>
    NoCheck,
}

/// <summary>
/// How an encrypted integer is read that is not of the standard's 8 or 4 octets and could mean two numbers.
/// </summary>
public enum IntegerReading
{
    /// <summary>Refuse it, naming both readings.</summary>
    Refuse,

    /// <summary>Octets that are all ASCII digits are decimal text.</summary>
    DecimalText,

    /// <summary>Always a big-endian number.</summary>
    BigEndian,
}

/// <summary>How a key container is read. Everything that weakens a check is off unless named here.</summary>
public sealed record PskcReadOptions
{
    /// <summary>What opens the encrypted values; null for a plain file. The caller keeps it and disposes it.</summary>
    public KeySource? Key { get; init; }

    /// <summary>
    /// The MAC key, for a file that only refers to it (<c>MACKeyReference</c>, RFC 6030 section 6.1.1).
    /// </summary>
    public ReadOnlyMemory<byte> MacKey { get; init; }

    /// <summary>An initialisation vector agreed outside the file; empty when it stands before the ciphertext.</summary>
    public ReadOnlyMemory<byte> Iv { get; init; }

    /// <summary>Bounds on size and work.</summary>
    public PskcLimits Limits { get; init; } = PskcLimits.Default;

    /// <summary>What a bad MAC does.</summary>
    public MacPolicy MacPolicy { get; init; }

    /// <summary>
    /// Read AES-CBC, 3DES or Camellia values of a file that names no MAC method and carries no MAC at all.
    /// </summary>
    public bool AllowUnauthenticated { get; init; }

    /// <summary>
    /// Read RSA PKCS#1 v1.5 values. Only offline: it is a padding oracle wherever replies can be counted.
    /// </summary>
    public bool AllowRsa15 { get; init; }

    /// <summary>Read a container of version 1.x with x above 0.</summary>
    public bool AllowNewerMinorVersion { get; init; }

    /// <summary>How an ambiguous encrypted integer is read.</summary>
    public IntegerReading IntegerReading { get; init; }

    /// <summary>Forces a dialect; null recognises it by root element and namespace.</summary>
    public Dialect? Dialect { get; init; }

    /// <summary>Read everything but encrypted values; keys come without secret, marked unusable.</summary>
    public bool StructureOnly { get; init; }

    /// <summary>
    /// Certificates of who may sign (RFC 6030 section 7). When any is given, the container must be signed, the
    /// signature must cover it whole, and its certificate must chain to one of these.
    /// </summary>
    public X509Certificate2Collection? TrustAnchors { get; init; }

    /// <summary>Accept signatures by certificates that had expired; shipments are read years later.</summary>
    public bool IgnoreCertificateTime { get; init; } = true;
}
