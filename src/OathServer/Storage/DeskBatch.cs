namespace OathServer.Storage;

/// <summary>Where a batch at the desk stands.</summary>
internal enum DeskBatchState
{
    Running,
    Paused,
    Stopped,
    Finished,
}

/// <summary>Where one user of a batch stands.</summary>
internal enum DeskLineState
{
    Waiting,

    /// <summary>A key was claimed for the user and is being written.</summary>
    Working,

    /// <summary>Confirmed.</summary>
    Done,

    /// <summary>The job is open: the same key must come back.</summary>
    Interrupted,

    /// <summary>The key was taken from the user again before handout.</summary>
    Unassigned,
}

/// <summary>Users who get their keys at a desk, one key inserted after the other.</summary>
internal sealed class DeskBatch
{
    public Guid Id { get; set; }

    public required string Name { get; set; }

    public required string ProfileName { get; set; }

    /// <summary>The shipment the tokens are taken from, where a line names none.</summary>
    public string? Shipment { get; set; }

    public string? Realm { get; set; }

    /// <summary>The readers it listens to, one a line; empty means all.</summary>
    public required string Readers { get; set; }

    public DeskBatchState State { get; set; }

    /// <summary>What the operator should know now, e.g. of a key that was not taken; null while all is well.</summary>
    public string? Notice { get; set; }

    public required string CreatedBy { get; set; }

    public DateTimeOffset CreatedAt { get; set; }

    public DateTimeOffset? EndedAt { get; set; }

    public List<DeskBatchLine> Lines { get; } = [];
}

/// <summary>One user of a batch.</summary>
internal sealed class DeskBatchLine
{
    public Guid BatchId { get; set; }

    public int Ordinal { get; set; }

    public required string UserName { get; set; }

    /// <summary>The token asked for; null for the next free one of the shipment.</summary>
    public string? Serial { get; set; }

    public DeskLineState State { get; set; }

    public string? Cuid { get; set; }

    public Guid? JobId { get; set; }

    /// <summary>While a key is at work: until when its claim is good without a job that somebody drives.</summary>
    public DateTimeOffset? ClaimedUntil { get; set; }

    public string? Trouble { get; set; }

    /// <summary>Milliseconds from the key being seen to the job confirmed, of the last time it was driven.</summary>
    public int? Milliseconds { get; set; }
}
