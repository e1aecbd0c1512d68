namespace OathServer.Storage;

/// <summary>An API key of a relying party or an automation; the key itself is shown once and kept as a keyed hash.</summary>
internal sealed class ApiKey
{
    public int Id { get; set; }

    public required string Name { get; set; }

    /// <summary>HMAC-SHA-256 of the key under the server's hashing key.</summary>
    public required byte[] Hash { get; set; }

    /// <summary>The key before the last rotation; it works until <see cref="PreviousUntil"/>.</summary>
    public byte[]? PreviousHash { get; set; }

    public DateTimeOffset? PreviousUntil { get; set; }

    public required string Role { get; set; }

    /// <summary>Realms it may validate, comma-separated; empty means all.</summary>
    public required string Realms { get; set; }

    /// <summary>SHA-256 of the client certificate it must come with, in upper-case hexadecimal; null for any or none.</summary>
    public string? ClientCertificate { get; set; }

    public DateTimeOffset CreatedAt { get; set; }

    public DateTimeOffset? ExpiresAt { get; set; }

    public DateTimeOffset? RevokedAt { get; set; }

    public DateTimeOffset? LastUsedAt { get; set; }
}
