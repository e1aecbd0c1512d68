namespace OathServer.Storage;

/// <summary>A workstation that lends its readers. Of its enrolment code and its credential only keyed hashes are kept.</summary>
internal sealed class DeskAgent
{
    public Guid Id { get; set; }

    /// <summary>What its readers are called by, e.g. <c>desk-3</c>.</summary>
    public required string Name { get; set; }

    /// <summary>The enrolment code; null once it was used.</summary>
    public byte[]? EnrolmentHash { get; set; }

    public DateTimeOffset? EnrolmentUntil { get; set; }

    /// <summary>The agent's own credential; null until it enrolled.</summary>
    public byte[]? CredentialHash { get; set; }

    public required string CreatedBy { get; set; }

    public DateTimeOffset CreatedAt { get; set; }

    public DateTimeOffset? EnrolledAt { get; set; }

    public DateTimeOffset? LastSeenAt { get; set; }

    public DateTimeOffset? RevokedAt { get; set; }
}
