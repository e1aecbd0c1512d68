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

    public static readonly string[] All = [Administrator, Provisioner, HelpDesk, Auditor, RelyingParty];

    /// <summary>Whether somebody works here, as opposed to a relying party.</summary>
    public static bool IsStaff(ClaimsPrincipal who) => !who.IsInRole(RelyingParty);
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

    /// <summary>Anybody of staff, for what is their own: the password.</summary>
    public const string OwnAccount = "own-account";

    public static readonly IReadOnlyDictionary<string, string[]> RolesOf = new Dictionary<string, string[]>
    {
        [Validate] = [Roles.RelyingParty, Roles.Administrator],
        [Resynchronise] = [Roles.RelyingParty, Roles.HelpDesk, Roles.Administrator],
        [Read] = [Roles.HelpDesk, Roles.Provisioner, Roles.Auditor, Roles.Administrator],
        [Help] = [Roles.HelpDesk, Roles.Administrator],
        [Provision] = [Roles.Provisioner, Roles.Administrator],
        [ReadAudit] = [Roles.Auditor, Roles.Administrator],
        [Administer] = [Roles.Administrator],
        [OwnAccount] = [Roles.HelpDesk, Roles.Provisioner, Roles.Auditor, Roles.Administrator],
    };
}
