namespace OathServer.Storage;

/// <summary>A key-encryption key known to this database, with a sealed canary that proves at start that it is the right one.</summary>
internal sealed class SealingKey
{
    /// <summary>First four bytes of the SHA-256 of the key, upper-case hex.</summary>
    public required string Id { get; set; }

    public required byte[] Canary { get; set; }

    public DateTimeOffset CreatedAt { get; set; }
}

/// <summary>A secret of the server itself, sealed: the audit chain's key, the API keys' hashing key, a PUK master secret.</summary>
internal sealed class ServerSecret
{
    public required string Purpose { get; set; }

    public int Version { get; set; }

    public required byte[] SealedValue { get; set; }

    public DateTimeOffset CreatedAt { get; set; }
}
