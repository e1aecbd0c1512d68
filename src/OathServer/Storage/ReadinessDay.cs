namespace OathServer.Storage;

/// <summary>How far the rollout was on a day, for the keys of one batch and profile: what a trend is drawn from. Kept as
/// counts; whose keys they were is not in it.</summary>
internal sealed class ReadinessDay
{
    /// <summary>The day in UTC as a number, e.g. 20261125.</summary>
    public int Day { get; set; }

    /// <summary>The shipment; empty for keys without one.</summary>
    public required string Batch { get; set; }

    /// <summary>The rollout profile; empty for keys without one.</summary>
    public required string Profile { get; set; }

    /// <summary>Keys in use or on their way there.</summary>
    public int Keys { get; set; }

    public int Puk { get; set; }

    public int Pin { get; set; }

    public int FirstCode { get; set; }

    public int Fido { get; set; }

    public int Record { get; set; }

    /// <summary>Tokens in use that no record knows; they stand under no profile.</summary>
    public int Orphans { get; set; }
}
