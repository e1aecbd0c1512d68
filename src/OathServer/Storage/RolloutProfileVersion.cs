namespace OathServer.Storage;

/// <summary>A version of a rollout profile; an edit adds a version, so that a record always knows its own.</summary>
internal sealed class RolloutProfileVersion
{
    public required string Name { get; set; }

    public int Version { get; set; }

    /// <summary>The decisions, as JSON of the provisioning room's profile type.</summary>
    public required string Decisions { get; set; }

    public required string EditedBy { get; set; }

    public DateTimeOffset EditedAt { get; set; }
}
