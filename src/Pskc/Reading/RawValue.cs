using System.Security.Cryptography;
using Pskc.Encryption;

namespace Pskc.Reading;

/// <summary>A value as it stands in the file: plain, encrypted, or absent (RFC 6030 section 4.1).</summary>
internal sealed class RawValue
{
    public int Line { get; init; }

    /// <summary>The octets of a plain secret, or of an integer the drafts wrote in Base64.</summary>
    public byte[]? Octets { get; set; }

    /// <summary>The text of a plain integer.</summary>
    public string? Text { get; set; }

    public EncryptedData? Encrypted { get; set; }

    public byte[]? Mac { get; set; }

    public void Clear() => CryptographicOperations.ZeroMemory(Octets);
}
