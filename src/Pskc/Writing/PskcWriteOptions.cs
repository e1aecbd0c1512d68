using System.Security.Cryptography.X509Certificates;

namespace Pskc;

/// <summary>How a container is written.</summary>
public sealed record PskcWriteOptions
{
    /// <summary>What protects the values. The caller keeps it and disposes it.</summary>
    public required ContainerProtection Protection { get; init; }

    /// <summary>The container's Id; an XML name.</summary>
    public string? Id { get; init; }

    /// <summary>
    /// Also encrypts Counter, Time, TimeInterval and TimeDrift, 8 and 4 octets big-endian, which puts them under a MAC.
    /// Several peers cannot read them then.
    /// </summary>
    public bool EncryptIntegers { get; init; }

    /// <summary>Signs the container (RFC 6030 section 7): an RSA certificate with its private key.</summary>
    public X509Certificate2? Signer { get; init; }

    /// <summary>Certificates between the signer and a trust anchor, put into the signature.</summary>
    public X509Certificate2Collection? SignerChain { get; init; }

    /// <summary>One element a line. Off saves a fifth of the file.</summary>
    public bool Indent { get; init; } = true;
}
