using System.Security.Claims;
using OathServer.Access;
using OathServer.Storage;

namespace OathServer.Pages;

/// <summary>What the store says, in the words of somebody on the telephone, and how grave it is.</summary>
internal static class Words
{
    public static (string Text, string Kind) Of(Outcome outcome) => outcome switch
    {
        Outcome.Accepted => ("accepted", "good"),
        Outcome.Repeated => ("accepted, asked again", "good"),
        Outcome.Resynchronised => ("resynchronised", "good"),
        Outcome.AcceptedElsewhere => ("accepted by the old server", "good"),
        Outcome.CaughtUp => ("moved past codes used on the old server", "good"),
        Outcome.RefusedElsewhere => ("refused by the old server", "bad"),
        Outcome.Unlocked => ("unlocked", "good"),
        Outcome.WrongCode => ("wrong code: not within the look-ahead window", "bad"),
        Outcome.WrongPin => ("wrong PIN: the code was not looked at", "bad"),
        Outcome.Replayed => ("code used before", "warn"),
        Outcome.Throttled => ("refused unseen: waiting after failures", "warn"),
        Outcome.Locked => ("refused unseen: locked", "bad"),
        Outcome.UnknownUser => ("no such user", "bad"),
        Outcome.UnknownToken => ("no such token", "bad"),
        Outcome.NotInUse => ("token not in use", "bad"),
        Outcome.ResyncRequired => ("needs two codes first", "warn"),
        Outcome.ResyncFirstCodeNotFound => ("resync: first code not found", "bad"),
        Outcome.ResyncNotConsecutive => ("resync: second code does not follow", "warn"),
        Outcome.ResyncAmbiguous => ("resync: codes fit two places", "warn"),
        Outcome.ResyncAlreadyUsed => ("resync: codes used before", "warn"),
        Outcome.OtherRealm => ("not this relying party's realm", "bad"),
        _ => ("refused", "bad"),
    };

    public static (string Text, string Kind) Of(KeyStatus status) => status switch
    {
        KeyStatus.ReadyForHandout => ("ready for handout", "good"),
        KeyStatus.HandedOut => ("handed out", "good"),
        KeyStatus.InProvisioning => ("being provisioned", "warn"),
        KeyStatus.InDoubt => ("in doubt", "bad"),
        KeyStatus.Suspended => ("suspended", "warn"),
        KeyStatus.Lost => ("lost", "bad"),
        _ => ("retired", ""),
    };

    /// <summary>The state of a token, with what stands in its way.</summary>
    public static (string Text, string Kind) Of(TokenCounter row, DateTimeOffset now) => row switch
    {
        { State: TokenState.Disabled } => ("disabled", "bad"),
        { State: TokenState.Suspended } => ("suspended", "warn"),
        { State: TokenState.Pending } => ("being provisioned", "warn"),
        _ when row.Flags.HasFlag(CounterFlags.Locked) => ("locked", "bad"),
        _ when row.LockedUntil > now.ToUnixTimeMilliseconds() => ("waiting", "warn"),
        _ when row.Flags.HasFlag(CounterFlags.ResyncRequired) => ("needs two codes", "warn"),
        { State: TokenState.Imported } => ("imported, not proven yet", ""),
        { State: TokenState.Active } => ("active", "good"),
        _ => ("none", "bad"),
    };

    public static string Of(PinMethod method) => method switch
    {
        PinMethod.FactoryDefault => "still the factory PIN",
        PinMethod.UniqueInitial => "unique initial PIN",
        PinMethod.ForcedChange => "unique initial PIN, change forced",
        _ => "set by the holder",
    };

    public static (string Text, string Kind) PukOf(KeyRecord record) => record.PukMethod switch
    {
        PukMethod.NotSet => ("never set: nothing can unblock the PIN", "bad"),
        PukMethod.Derived => ("derived, can be shown", "good"),
        PukMethod.Batch when record.SealedPuk is not null => ("one for the batch, can be shown", "warn"),
        _ when record.SealedPuk is not null => ("escrowed, can be shown", "good"),
        _ => ("set, but not on record", "bad"),
    };

    /// <summary>The role of who is signed in.</summary>
    public static string OfRole(ClaimsPrincipal who) => OfRole(Array.Find(Roles.All, who.IsInRole));

    public static string OfRole(string? role) => role switch
    {
        Roles.Administrator => "administrator",
        Roles.Provisioner => "provisioner",
        Roles.HelpDesk => "help desk",
        Roles.Auditor => "auditor",
        Roles.RelyingParty => "relying party",
        Roles.Directory => "directory",
        Roles.Monitor => "monitor",
        _ => "no role",
    };

    /// <summary>What a role may do.</summary>
    public static string DutiesOf(string role) => role switch
    {
        Roles.Administrator => "everything, profiles, keys of programs and staff included",
        Roles.Provisioner => "imports files, writes keys, hands them out",
        Roles.HelpDesk => "resynchronises, unlocks, shows a PUK with a reason, suspends",
        Roles.Auditor => "looks at everything and reads the trail, changes nothing",
        _ => "works for a program, not for a person",
    };

    public static (string Text, string Kind) Of(StaffMember staff, DateTimeOffset now) => staff switch
    {
        { DisabledAt: not null } => ("may not sign in", "bad"),
        { PasswordHash: null } => ("has not chosen a password yet", "warn"),
        _ when staff.LockoutEnd > now => ("locked out for a while", "warn"),
        _ => ("may sign in", "good"),
    };

    public static (string Text, string Kind) Of(ApiKey key, DateTimeOffset now) => key switch
    {
        { RevokedAt: not null } => ("revoked", "bad"),
        _ when key.ExpiresAt <= now => ("expired", "bad"),
        _ when key.PreviousUntil > now => ("being rotated", "warn"),
        { LastUsedAt: null } => ("never used", ""),
        _ => ("works", "good"),
    };

    /// <summary>The state of a desk agent.</summary>
    public static (string Text, string Kind) Of(DeskAgent agent, bool isConnected, DateTimeOffset now) => agent switch
    {
        { RevokedAt: not null } => ("revoked", "bad"),
        _ when isConnected => ("connected", "good"),
        { CredentialHash: not null } => ("not connected", "warn"),
        _ when agent.EnrolmentUntil > now => ("invited", ""),
        _ => ("the code ran out", "bad"),
    };

    /// <summary>How an act of the trail went.</summary>
    public static string OfOutcome(string outcome) => outcome switch
    {
        "done" => "done",
        "refused" => "not done",
        "read" => "looked at",
        "started" => "started",
        "alarm" => "alarm",
        "open" => "still open",
        "staged" => "prepared",
        "unchanged" => "nothing to do",
        _ => outcome,
    };

    public static DateTimeOffset? Time(long milliseconds) => milliseconds == 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
}
