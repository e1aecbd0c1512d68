namespace OathServer.Storage;

/// <summary>Whether a token may be validated.</summary>
internal enum TokenState : byte
{
    /// <summary>Nothing said yet: refused. The default of a row nobody wrote.</summary>
    None = 0,

    /// <summary>In the store, alignment with a key not proven yet. Validated as usual: many shipments come programmed.</summary>
    Imported = 1,

    /// <summary>A provisioning job is writing it to a key: refused until the job is confirmed.</summary>
    Pending = 2,

    /// <summary>In use.</summary>
    Active = 3,

    /// <summary>Refused until help desk resumes it.</summary>
    Suspended = 4,

    /// <summary>Refused for good: retired, expired, or unusable by its own policy.</summary>
    Disabled = 5,
}

/// <summary>Bits of <see cref="TokenCounter.Flags"/>.</summary>
[Flags]
internal enum CounterFlags : byte
{
    None = 0,

    /// <summary>Restored without an acceptance journal: the next acceptance needs two consecutive codes.</summary>
    ResyncRequired = 1,

    /// <summary>One code was accepted since import; a second, directly following one proves alignment.</summary>
    OneCodeSeen = 2,

    /// <summary>Locked by the hard cap of consecutive failures until help desk unlocks.</summary>
    Locked = 4,

    /// <summary>The holder left the organisation (SCIM <c>active: false</c>): refused until they are back or the token
    /// has another holder. A flag and not a state, so that a return restores what was.</summary>
    HolderInactive = 8,

    /// <summary>A new seed waits beside the old one (<see cref="PendingSeed"/>).</summary>
    ReseedPending = 16,

    /// <summary>The token has a PIN (<see cref="TokenPin"/>), which a realm's policy may ask for before the code.</summary>
    HasPin = 32,
}

/// <summary>
/// The moving part of a token: one narrow row, the only truth about what may still be accepted. Acceptances are
/// written by <see cref="CounterCommit"/> alone, other changes by one conditional statement, never by a tracked entity;
/// a trigger refuses a counter that would fall within one generation.
/// </summary>
internal sealed class TokenCounter
{
    public long TokenId { get; set; }

    /// <summary>HOTP: the next counter accepted (RFC 4226 C). TOTP: the first time step still accepted.</summary>
    public long Counter { get; set; }

    /// <summary>Rises with each reseed; cached secrets of another generation are stale.</summary>
    public int Generation { get; set; }

    public TokenState State { get; set; }

    public CounterFlags Flags { get; set; }

    /// <summary>Consecutive failures (RFC 4226 §7.3), counted before the compare.</summary>
    public int Failures { get; set; }

    /// <summary>Unix milliseconds until which attempts are refused unseen; 0 when open.</summary>
    public long LockedUntil { get; set; }

    /// <summary>TOTP: remembered drift in time steps (RFC 6238 §6). HOTP: 0, but while <see cref="CounterFlags.ResyncRequired"/>
    /// stands, or before first use, how far past the counter the second of two consecutive codes is expected.</summary>
    public int Drift { get; set; }

    /// <summary>Unix milliseconds of the last acceptance; 0 before the first.</summary>
    public long LastAcceptedAt { get; set; }

    /// <summary>A keyed hash of the request that was last accepted (relying party, request id, subject and code), so
    /// that its repetition after a lost reply gets the same answer; 0 when it gave no request id.</summary>
    public long LastRequest { get; set; }
}
