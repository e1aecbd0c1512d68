using System.Security.Claims;

namespace OathServer.Access;

/// <summary>Who may do what. Staff roles follow the work; a relying party may validate and nothing else.</summary>
internal static class Roles
{
    public const string Administrator = "administrator";
    public const string Provisioner = "provisioner";
    public const string HelpDesk = "help-desk";
    public const string Auditor = "auditor";
    public const string RelyingParty = "relying-party";

    /// <summary>The organisation's directory, which keeps people up to date (SCIM) and does nothing else.</summary>
    public const string Directory = "directory";

    /// <summary>Whatever reads the metrics (Prometheus) and does nothing else.</summary>
    public const string Monitor = "monitor";

    /// <summary>Roles of people who work here; the strongest first.</summary>
    public static readonly string[] Staff = [Administrator, Provisioner, HelpDesk, Auditor];

    public static readonly string[] All = [.. Staff, RelyingParty, Directory, Monitor];

    /// <summary>Whether somebody works here, as opposed to a program of the organisation.</summary>
    public static bool IsStaff(ClaimsPrincipal who) => Array.Exists(Staff, who.IsInRole);
}

/// <summary>The rules an endpoint names. An endpoint that names none may be entered by nobody.</summary>
internal static class Rules
{
    /// <summary>Validate codes: relying parties, and administrators trying things out.</summary>
    public const string Validate = "validate";

    /// <summary>Resynchronise a token: help desk or a relying party.</summary>
    public const string Resynchronise = "resynchronise";

    /// <summary>Read tokens, records and readiness.</summary>
    public const string Read = "read";

    /// <summary>Unlock, suspend, resume, reveal.</summary>
    public const string Help = "help";

    /// <summary>Import files and write keys.</summary>
    public const string Provision = "provision";

    /// <summary>Read the audit trail.</summary>
    public const string ReadAudit = "read-audit";

    /// <summary>Profiles, API keys, policies.</summary>
    public const string Administer = "administer";

    /// <summary>Tell who is in the organisation.</summary>
    public const string KeepPeople = "keep-people";

    /// <summary>Read the server's metrics.</summary>
    public const string ReadMetrics = "read-metrics";

    /// <summary>Anybody of staff, for what is their own: the password.</summary>
    public const string OwnAccount = "own-account";

    /// <summary>A person who holds keys, for their own (<see cref="HolderSignIn"/>); no role of staff and no API key has it.</summary>
    public const string OwnKeys = "own-keys";

    public static readonly IReadOnlyDictionary<string, string[]> RolesOf = new Dictionary<string, string[]>
    {
        [Validate] = [Roles.RelyingParty, Roles.Administrator],
        [Resynchronise] = [Roles.RelyingParty, Roles.HelpDesk, Roles.Administrator],
        [Read] = [Roles.HelpDesk, Roles.Provisioner, Roles.Auditor, Roles.Administrator],
        [Help] = [Roles.HelpDesk, Roles.Administrator],
        [Provision] = [Roles.Provisioner, Roles.Administrator],
        [ReadAudit] = [Roles.Auditor, Roles.Administrator],
        [Administer] = [Roles.Administrator],
        [KeepPeople] = [Roles.Directory, Roles.Administrator],
        [ReadMetrics] = [Roles.Monitor, Roles.Administrator],
        [OwnAccount] = [Roles.HelpDesk, Roles.Provisioner, Roles.Auditor, Roles.Administrator],
    };
}
