namespace OathServer.Storage;

/// <summary>A reveal that waits for a second person. Kept for good: it says who let whom see what.</summary>
internal sealed class RevealAsk
{
    public Guid Id { get; set; }

    public required string Cuid { get; set; }

    /// <summary><c>puk</c> or <c>pin</c>.</summary>
    public required string What { get; set; }

    public required string Reason { get; set; }

    public required string AskedBy { get; set; }

    public DateTimeOffset AskedAt { get; set; }

    /// <summary>Neither an approval nor the reveal comes later than this.</summary>
    public DateTimeOffset ExpiresAt { get; set; }

    /// <summary>The second person.</summary>
    public string? DecidedBy { get; set; }

    public DateTimeOffset? DecidedAt { get; set; }

    public bool Approved { get; set; }

    /// <summary>When the one who asked was shown it; an approval is good for one reveal.</summary>
    public DateTimeOffset? ShownAt { get; set; }
}
