using System.Text;

namespace OathServer.Import.Formats;

/// <summary>The server a file comes from, where the operator says so (<c>--from</c>): then its own column names are
/// known, whether it counts the next code or the last one, and what of it cannot be carried.</summary>
internal enum OldSystem
{
    /// <summary>privacyIDEA and its fork eduMFA: PSKC, OATH CSV, or the table <c>token</c> with opened secrets.</summary>
    Privacyidea,

    /// <summary>LinOTP: the table <c>Token</c> with opened secrets, or OATH CSV.</summary>
    Linotp,

    /// <summary>multiOTP: its table of tokens. The counter is the last one used.</summary>
    Multiotp,

    /// <summary>pam_oath: <c>users.oath</c>.</summary>
    PamOath,

    /// <summary>FreeIPA: LDIF of <c>cn=otp</c>.</summary>
    Freeipa,
}

/// <summary>What is known of each.</summary>
internal static class OldSystems
{
    /// <summary>The format a file of that system has in any case; null where it is recognised.</summary>
    public static SeedFormat? FormatOf(OldSystem system) => system switch
    {
        OldSystem.PamOath => SeedFormat.UsersOath,
        OldSystem.Freeipa => SeedFormat.FreeipaLdif,
        _ => null,
    };

    /// <summary>The columns of its token table by the fields of <see cref="OldTableSeeds"/>; empty where it has none.</summary>
    public static IReadOnlyDictionary<string, string[]> ColumnsOf(OldSystem system) => system switch
    {
        OldSystem.Privacyidea => new Dictionary<string, string[]>
        {
            ["serial"] = ["serial"],
            ["secret"] = ["otpkey", "secret", "seed"],
            ["sealed"] = ["key_enc"],
            ["type"] = ["tokentype"],
            ["digits"] = ["otplen"],
            ["counter"] = ["count"],
            ["hash"] = ["hashlib"],
            ["step"] = ["timestep"],
            ["user"] = ["username", "user"],
            ["active"] = ["active"],
            ["revoked"] = ["revoked"],
            ["locked"] = ["locked"],
            ["failures"] = ["failcount"],
            ["failuresMax"] = ["maxfail"],
            ["window"] = ["count_window"],
            ["pin"] = ["pin_hash"],
            ["pinSeed"] = ["pin_seed"],
        },
        OldSystem.Linotp => new Dictionary<string, string[]>
        {
            ["serial"] = ["LinOtpTokenSerialnumber"],
            ["secret"] = ["otpkey", "secret", "seed"],
            ["sealed"] = ["LinOtpKeyEnc"],
            ["type"] = ["LinOtpTokenType"],
            ["digits"] = ["LinOtpOtpLen"],
            ["counter"] = ["LinOtpCount"],
            ["info"] = ["LinOtpTokenInfo"],
            ["user"] = ["username", "user"],
            ["active"] = ["LinOtpIsactive"],
            ["failures"] = ["LinOtpFailCount"],
            ["failuresMax"] = ["LinOtpMaxFail"],
            ["window"] = ["LinOtpCountWindow"],
            ["pin"] = ["LinOtpPinHash"],
            ["pinSeed"] = ["LinOtpSeed"],
        },
        OldSystem.Multiotp => new Dictionary<string, string[]>
        {
            ["serial"] = ["token_serial"],
            ["secret"] = ["token_seed"],
            ["type"] = ["algorithm"],
            ["digits"] = ["number_of_digits"],
            ["lastCounter"] = ["last_event"],
            ["hash"] = ["token_algo_suite"],
            ["step"] = ["time_interval"],
            ["user"] = ["attributed_users"],
            ["locked"] = ["locked"],
            ["maker"] = ["manufacturer"],
            // Of its table of users, where the export joins it.
            ["plainPin"] = ["user_pin"],
        },
        _ => new Dictionary<string, string[]>(),
    };

    /// <summary>Whether the first line names that system's column of serial numbers: a dump of its table, not another
    /// export of it.</summary>
    public static bool IsTable(OldSystem system, ReadOnlySpan<byte> head)
    {
        if (!ColumnsOf(system).TryGetValue("serial", out var names))
        {
            return false;
        }

        var text = Encoding.UTF8.GetString(head[..Math.Min(head.Length, 4096)]).TrimStart('\uFEFF');
        return text.Split('\n', 2)[0].Split([',', ';', '\t'], StringSplitOptions.TrimEntries)
            .Any(column => names.Contains(column.Trim('"'), StringComparer.OrdinalIgnoreCase));
    }

    public static string Words(OldSystem system) => system switch
    {
        OldSystem.Privacyidea => "privacyIDEA",
        OldSystem.Linotp => "LinOTP",
        OldSystem.Multiotp => "multiOTP",
        OldSystem.PamOath => "pam_oath",
        _ => "FreeIPA",
    };

    /// <summary>What no file of that system brings along.</summary>
    public static string LeftBehind(OldSystem system) => $"Not carried from {Words(system)}: {Left(system)}";

    private static string Left(OldSystem system) => system switch
    {
        OldSystem.Privacyidea => "PINs in other files than its token table, realms and resolvers beyond the one realm of this import, policies, event handlers, containers, the audit log.",
        OldSystem.Linotp => "PINs in other files than its token table, realms and resolvers beyond the one realm of this import, policies, the audit log.",
        OldSystem.Multiotp => "users' PINs where the table has no column user_pin, their groups, tokens without a serial number, SMS and mail codes, the log.",
        OldSystem.PamOath => "the window of each PAM line (here Validation:LookAhead, one less for the same reach).",
        _ => "passwords, token policies of users and groups, the validity of a token (not before, not after), the audit log of the directory.",
    };
}
