namespace OathServer.Storage;

/// <summary>One link of the audit chain. Append-only; <see cref="Mac"/> covers the link before it.</summary>
internal sealed class AuditEntry
{
    /// <summary>Without gaps from 1.</summary>
    public long Sequence { get; set; }

    public DateTimeOffset At { get; set; }

    public required string Actor { get; set; }

    /// <summary>What was done, e.g. <c>puk.reveal</c>.</summary>
    public required string Action { get; set; }

    public string? Cuid { get; set; }

    public string? Serial { get; set; }

    /// <summary>Null too once it was erased; then <see cref="UserHash"/> still stands in the chain for it.</summary>
    public string? UserName { get; set; }

    /// <summary>Without it nobody finds the name behind <see cref="UserHash"/>; erased with the name.</summary>
    public byte[]? UserSalt { get; set; }

    /// <summary>What the chain covers in place of the name: its HMAC under the salt.</summary>
    public byte[]? UserHash { get; set; }

    /// <summary>Where the request came from.</summary>
    public string? Origin { get; set; }

    public required string Outcome { get; set; }

    /// <summary>The true reason, in words for staff; never a secret.</summary>
    public string? Detail { get; set; }

    /// <summary>As <see cref="UserSalt"/>, of <see cref="Detail"/>.</summary>
    public byte[]? DetailSalt { get; set; }

    /// <summary>As <see cref="UserHash"/>, of <see cref="Detail"/>.</summary>
    public byte[]? DetailHash { get; set; }

    public required byte[] Mac { get; set; }
}

/// <summary>A batch of validations, committed with the counters it decided; chained as <see cref="AuditEntry"/> is.</summary>
internal sealed class ValidationBatch
{
    /// <summary>The node that wrote it: each node keeps a chain of its own.</summary>
    public int Node { get; set; }

    /// <summary>Without gaps from 1 within a node.</summary>
    public long Sequence { get; set; }

    public DateTimeOffset At { get; set; }

    /// <summary>The attempts, packed by <see cref="ValidationLog"/>.</summary>
    public required byte[] Entries { get; set; }

    public required byte[] Mac { get; set; }
}
