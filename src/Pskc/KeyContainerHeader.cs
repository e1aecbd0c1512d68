namespace Pskc;

/// <summary>What a container says of itself before its first key package (RFC 6030 sections 4 and 6).</summary>
public sealed record KeyContainerHeader
{
    /// <summary>The container's version; null where a draft had none.</summary>
    public string? Version { get; init; }

    /// <summary>The container's Id.</summary>
    public string? Id { get; init; }

    /// <summary>The form of the file.</summary>
    public Dialect Dialect { get; init; }

    /// <summary>Whether the container announces encryption.</summary>
    public bool IsEncrypted => EncryptionKind != EncryptionKind.None;

    /// <summary>How the encryption key is agreed on.</summary>
    public EncryptionKind EncryptionKind { get; init; }

    /// <summary>Names of the encryption key, as a hint to who holds it.</summary>
    public IReadOnlyList<string> KeyNames { get; init; } = [];

    /// <summary>The algorithm of the values, where the header already tells it.</summary>
    public string? EncryptionAlgorithm { get; init; }

    /// <summary>The MAC algorithm (RFC 6030 section 6.1.1).</summary>
    public string? MacAlgorithm { get; init; }

    /// <summary>The name of a MAC key agreed outside the file.</summary>
    public string? MacKeyReference { get; init; }

    /// <summary>Iterations of PBKDF2 (RFC 6030 section 6.2).</summary>
    public long? Pbkdf2Iterations { get; init; }

    /// <summary>Subject of the certificate the values are encrypted to (RFC 6030 section 6.3).</summary>
    public string? RecipientSubject { get; init; }

    /// <summary>
    /// Subject of who signed it, once verified against a trust anchor (RFC 6030 section 7); else null.
    /// </summary>
    public string? SignerSubject { get; init; }
}

/// <summary>How the encryption key of a container is agreed on (RFC 6030 section 6).</summary>
public enum EncryptionKind
{
    /// <summary>The header names no encryption.</summary>
    None,

    /// <summary>A key both sides hold (section 6.1).</summary>
    PreSharedKey,

    /// <summary>A passphrase (section 6.2).</summary>
    Passphrase,

    /// <summary>The recipient's RSA key (section 6.3).</summary>
    PrivateKey,
}
