namespace OathServer.Storage;

/// <summary>Where a provisioning job stands.</summary>
internal enum JobState
{
    Open,
    Confirmed,
    Abandoned,
}

/// <summary>One run of the workflow over one key. At most one is open for a CUID, on any node.</summary>
internal sealed class ProvisioningJob
{
    public Guid Id { get; set; }

    public required string Cuid { get; set; }

    /// <summary>The CUID while the job is open, null after: its unique index is what keeps jobs apart.</summary>
    public string? OpenCuid { get; set; }

    public JobState State { get; set; }

    public required string ProfileName { get; set; }

    public int ProfileVersion { get; set; }

    /// <summary>The token whose credential is written; null when the profile writes none.</summary>
    public long? TokenId { get; set; }

    public long? PersonId { get; set; }

    /// <summary>Only the PUK is renewed; everything else on the key stays.</summary>
    public bool IsPukOnly { get; set; }

    /// <summary>Where the record stood before; null when the job made it.</summary>
    public KeyStatus? StatusBefore { get; set; }

    public required string Operator { get; set; }

    public DateTimeOffset StartedAt { get; set; }

    public DateTimeOffset? EndedAt { get; set; }

    /// <summary>What stopped the job last, in words for the operator; null while all is well.</summary>
    public string? Trouble { get; set; }

    /// <summary>Who drives it now (node and time), so that a second driver is refused.</summary>
    public string? Lease { get; set; }

    public DateTimeOffset? LeaseUntil { get; set; }

    public List<ProvisioningStep> Steps { get; } = [];
}

/// <summary>Where one step of a job stands.</summary>
internal enum StepState
{
    Planned,

    /// <summary>The new value is committed, the key may hold the old or the new one.</summary>
    Intended,

    /// <summary>Read back from the key.</summary>
    Done,

    /// <summary>Not applicable to this key or profile; <see cref="ProvisioningStep.Detail"/> says why.</summary>
    Skipped,
}

/// <summary>Which of the two values a key may hold was last tried on it.</summary>
internal enum ProbedValue
{
    None,
    Old,
    New,

    /// <summary>The old value, when no other could be there: nothing was sent before, or the new one was refused.</summary>
    SurelyOld,

    /// <summary>The new value, when no other could be there: the old one was refused.</summary>
    SurelyNew,

    /// <summary>Refused: neither value is on the key. Nothing more is tried without a person's word.</summary>
    Refused,
}

/// <summary>A line of the journal: what is to be on the key, kept before it is sent.</summary>
internal sealed class ProvisioningStep
{
    public Guid JobId { get; set; }

    public int Ordinal { get; set; }

    /// <summary>The object on the key: <c>retries</c>, <c>management-key</c>, <c>identity</c>, <c>puk</c>, <c>oath</c>, <c>fido</c>,
    /// <c>pin</c>, <c>first-code</c>, <c>earlier-credential</c>, <c>record</c>.</summary>
    public required string Name { get; set; }

    public StepState State { get; set; }

    /// <summary>The value on the key before, sealed; null when it is the factory value or there is none.</summary>
    public byte[]? SealedOld { get; set; }

    /// <summary>The value the key gets, sealed; null for steps without a secret.</summary>
    public byte[]? SealedNew { get; set; }

    public string? Detail { get; set; }

    /// <summary>PUK: the version of the master secret it was derived with; 0 when it was not.</summary>
    public int MasterVersion { get; set; }

    /// <summary>PUK: the attempt number of the derivation.</summary>
    public int Attempt { get; set; }

    /// <summary>What was last sent against a try counter, committed before it was sent: the other candidate is next.</summary>
    public ProbedValue LastTried { get; set; }

    /// <summary>What stood before: tries left before a probe, the server's counter before the first code.</summary>
    public long? Before { get; set; }

    public DateTimeOffset? ChangedAt { get; set; }
}
