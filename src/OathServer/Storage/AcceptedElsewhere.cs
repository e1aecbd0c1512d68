namespace OathServer.Storage;

/// <summary>A code that was put to the old server for somebody without a token here, kept so that it can never be accepted
/// a second time, by either server. Only keyed hashes are stored: neither the name nor the code.</summary>
internal sealed class AcceptedElsewhere
{
    /// <summary>Keyed hash of whose code it was: a user of a realm, or a serial number.</summary>
    public long Subject { get; set; }

    /// <summary>Keyed hash of subject and code.</summary>
    public long Code { get; set; }

    public DateTimeOffset At { get; set; }
}

/// <summary>Somebody whose codes the old server accepts: who is left to be moved in.</summary>
internal sealed class LivesElsewhere
{
    public long Id { get; set; }

    /// <summary>Empty for a serial number.</summary>
    public required string Realm { get; set; }

    /// <summary>A user, or a serial number.</summary>
    public required string Name { get; set; }

    /// <summary><see cref="Name"/> as it is looked up (<see cref="Person.Normalize"/>); a serial number as it is.</summary>
    public required string NormalizedName { get; set; }

    public bool IsSerial { get; set; }

    /// <summary>The serial number of the token that the old server named, if it did.</summary>
    public string? Token { get; set; }

    public DateTimeOffset FirstAcceptedAt { get; set; }

    public DateTimeOffset LastAcceptedAt { get; set; }

    public int Accepted { get; set; }
}
