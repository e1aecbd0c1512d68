namespace OathServer.Storage;

/// <summary>What stands in the field of a code.</summary>
internal enum PinRule
{
    /// <summary>The code alone; PINs rest.</summary>
    None,

    /// <summary>The PIN of a token that has one, and the code after it.</summary>
    BeforeCode,
}

/// <summary>How far and how often a code may miss in one realm, where it is not as the settings say. Bounds and meaning
/// are those of the settings of the same names (section <c>Validation</c>).</summary>
internal sealed class RealmPolicy
{
    public required string Realm { get; set; }

    /// <summary>Rises with each change, so that of two who edit the same one the second is told.</summary>
    public int Version { get; set; }

    public int LookAhead { get; set; }

    public int ResyncWindow { get; set; }

    public int FirstUseWindow { get; set; }

    public int TimeStepTolerance { get; set; }

    public int FastFailures { get; set; }

    public int FirstDelaySeconds { get; set; }

    public int LongestDelaySeconds { get; set; }

    public int HardCap { get; set; }

    public PinRule Pin { get; set; }

    public required string ChangedBy { get; set; }

    public DateTimeOffset ChangedAt { get; set; }
}
