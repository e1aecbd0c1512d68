namespace OathServer.Import.Formats;

/// <summary>How a secret is written in text.</summary>
internal enum SecretEncoding
{
    Hex,
    Base32,
    Base64,
}
