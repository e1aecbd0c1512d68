namespace OathServer.Storage;

/// <summary>Somebody who is told of acts as they happen. The audit trail is the queue: what was delivered is a place in it,
/// so nothing is lost by a restart and nothing is kept twice.</summary>
internal sealed class Webhook
{
    public int Id { get; set; }

    public required string Name { get; set; }

    public required string Url { get; set; }

    /// <summary>What is told: actions, or their first part with a star (<c>token.*</c>), separated by commas.</summary>
    public required string Actions { get; set; }

    /// <summary>The signing secret, sealed (<see cref="Secrets.SealedPlace.WebhookSecret"/>).</summary>
    public required byte[] SealedSecret { get; set; }

    /// <summary>The last entry of the trail that was delivered or is not wanted.</summary>
    public long Cursor { get; set; }

    /// <summary>Deliveries that failed since the last that did not.</summary>
    public int Failures { get; set; }

    /// <summary>Not before; also how one node keeps the others off while it delivers.</summary>
    public DateTimeOffset NextAttemptAt { get; set; }

    public DateTimeOffset? LastDeliveredAt { get; set; }

    /// <summary>Why the last delivery failed, in words for staff.</summary>
    public string? LastFault { get; set; }

    public DateTimeOffset CreatedAt { get; set; }
}
