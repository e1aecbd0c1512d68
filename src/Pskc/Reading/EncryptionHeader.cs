using Pskc.Encryption;

namespace Pskc.Reading;

/// <summary>
/// What the head of a container says of its encryption and MAC (RFC 6030 section 6), before any key is used.
/// </summary>
internal sealed class EncryptionHeader
{
    public EncryptionKind Kind { get; set; }

    public List<string> KeyNames { get; } = [];

    public Pbkdf2? Derivation { get; set; }

    /// <summary>A content key wrapped by the recipient's key, as XML Encryption has it.</summary>
    public EncryptedData? WrappedKey { get; set; }

    public byte[]? RecipientCertificate { get; set; }

    /// <summary>The drafts named one algorithm for all values, and one initialisation vector.</summary>
    public string? DefaultAlgorithm { get; set; }

    public byte[] DefaultIv { get; set; } = [];

    public bool HasMacMethod { get; set; }

    public string? MacAlgorithm { get; set; }

    public EncryptedData? MacKey { get; set; }

    public string? MacKeyReference { get; set; }

    public int MacLine { get; set; }
}
