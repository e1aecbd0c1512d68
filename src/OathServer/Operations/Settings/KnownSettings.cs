using OathServer.Access;
using OathServer.Interop;
using OathServer.Monitoring;
using OathServer.Storage;
using OathServer.Validation;
using OathServer.Validation.Elsewhere;
using static OathServer.Operations.Settings.Setting;

namespace OathServer.Operations.Settings;

/// <summary>Every setting there is. What a setting means is decided where it is used; here is what it may look like.</summary>
internal static class KnownSettings
{
    private static readonly ValidationPolicy Validation = new();
    private static readonly LimitsPolicy Limits = new();
    private static readonly ParallelRunPolicy Parallel = new();

    public static readonly IReadOnlyList<Setting> All =
    [
        Text("Data:Folder", "Folder of the SQLite database, the sealing key and what this node keeps for itself (`data`)."),
        OneOf("Storage:Provider", "`Sqlite` (one machine) or `PostgreSql` (any number of nodes).", StorageOptions.Sqlite, StorageOptions.PostgreSql),
        Whole(DiskReserve.SizeSetting, 0, 1 << 20, $"Space kept back for a full disk, SQLite only ({DiskReserve.DefaultMegabytes})."),
        Secret("ConnectionStrings:Oath", "Of PostgreSQL: `Host=db;Database=oath;Username=oath;Password=…`. Several hosts with commas."),
        OneOf("Secrets:Provider", "Which key seals: `File`, `Settings` or `Pkcs11` (the token when one is set, else the settings, else the file).", "File", "Settings", "Pkcs11"),
        Text("Secrets:KeyFile", "File of the sealing key (`sealing.key` in the data folder). The same on every node."),
        Secret("Secrets:Key", "The sealing key itself, 64 hexadecimal digits, where there is no file."),
        Secret("Secrets:RetiredKeys", "Earlier ones that still open, with commas."),
        Text("Secrets:Pkcs11:Library", "The PKCS#11 library of a hardware security module."),
        Text("Secrets:Pkcs11:Token", "Label of the token in it."),
        Text("Secrets:Pkcs11:Key", "Label of the key on the token."),
        Text("Secrets:Pkcs11:PinFile", "File with the token's PIN, mode 0600."),
        Secret("Secrets:Pkcs11:Pin", "The PIN itself, from the environment."),
        Flag("Memory:Dumpable", "Whether the process may be dumped by a debugger (`false`)."),
        Text("Journal:File", "Journal of acceptances on another disk; makes a restore exact."),
        Text("Audit:AnchorFile", "File of the anchors, best on another disk (`anchors.jsonl` in the data folder)."),
        Text("Audit:Syslog", "Where anchors go too: `udp://log.example:514` or `tcp://…`."),
        Whole("Validation:LookAhead", 0, ValidationPolicy.LookAheadMax, $"Codes tried past the counter ({Validation.LookAhead})."),
        Whole("Validation:ResyncWindow", 2, ValidationPolicy.ResyncWindowMax, $"Counters a resynchronisation searches ({Validation.ResyncWindow})."),
        Whole("Validation:FirstUseWindow", 0, ValidationPolicy.FirstUseWindowMax, $"The same for a token never used ({Validation.FirstUseWindow}), in ordinary validation too; 0 turns that off."),
        Whole("Validation:TimeStepTolerance", 0, 10, $"Time steps accepted before and after the present one ({Validation.TimeStepTolerance})."),
        Whole("Validation:FastFailures", 1, ValidationPolicy.HardCapMax, $"Failures without a delay ({Validation.FastFailures})."),
        Duration("Validation:FirstDelay", $"The first delay; it doubles ({Validation.FirstDelay})."),
        Duration("Validation:LongestDelay", $"The longest delay ({Validation.LongestDelay})."),
        Whole("Validation:HardCap", 1, ValidationPolicy.HardCapMax, $"Failures in a row after which help desk unlocks ({Validation.HardCap})."),
        Whole("Validation:ResyncTriesPerHour", 1, ValidationPolicy.ResyncTriesMax, $"Resynchronisations of one token in an hour ({Validation.ResyncTriesPerHour})."),
        Whole("Validation:SameCodeSubjects", 2, int.MaxValue, $"Users one code may fail for before it is an alarm ({Validation.SameCodeSubjects})."),
        Duration("Validation:GuessingWindow", $"How long that is remembered ({Validation.GuessingWindow})."),
        Whole("Validation:FailingSubjectsPerMinute", 2, int.MaxValue, $"Users that may fail through one relying party ({Validation.FailingSubjectsPerMinute})."),
        Duration("Validation:GuessingDelay", $"How much later failures are answered then ({Validation.GuessingDelay})."),
        OneOf("Validation:Pin", "`BeforeCode`: a token with a PIN takes it before the code, in one field. `None`: codes alone (`None`).", nameof(PinRule.None), nameof(PinRule.BeforeCode)),
        Whole("Validation:PinLengthMin", 1, ValidationPolicy.PinLengthMax, $"Fewest characters of a PIN set here ({Validation.PinLengthMin})."),
        Flag("Validation:TokenIdentifiers", "Whether an OATH token identifier typed before a code (`ubom05174211…`) is dropped (`false`)."),
        Whole("Limits:AtOncePerKey", 1, int.MaxValue, $"Requests of one API key answered at the same time ({Limits.AtOncePerKey})."),
        Whole("Limits:PerSecondPerKey", 0, int.MaxValue, $"Requests a second of one API key; 0 for no limit ({Limits.PerSecondPerKey})."),
        Whole("Limits:UnknownKeysPerMinute", 1, int.MaxValue, $"Unknown API keys from one address in a minute ({Limits.UnknownKeysPerMinute})."),
        Whole("Limits:SignInsPerMinute", 1, int.MaxValue, $"Sign-ins tried from one address in a minute ({Limits.SignInsPerMinute})."),
        Whole("Records:RevealsADay", 0, int.MaxValue, "PUKs and PINs one person may reveal in a day."),
        Text("Records:SecondPersonRealms", "Realms in which a reveal takes two people, with commas; `*` for all (none)."),
        Whole("Records:SecondPersonMinutes", 1, 1440, "Minutes the second has to approve, and the first to look (15)."),
        Flag("Interop:PrivacyIdea", "Offers `/validate/check` as privacyIDEA's clients call it (`false`)."),
        Flag("Interop:FreeRadius", "Offers `/radius/authorize` for FreeRADIUS (`false`)."),
        Text("Interop:Realm", $"The realm of a request without one (`{new InteropPolicy().Realm}`)."),
        Network("Interop:Clients:*", "Networks whose clients need no API key there (this machine)."),
        Flag("Interop:ResyncByChallenge", "Whether a code far ahead is answered by asking for the next (`true`)."),
        Address("ParallelRun:Server", "The server being replaced, asked for whom there is no token here: `https://…/validate/check` or `radius://host:1812` (none)."),
        Secret("ParallelRun:Secret", "The secret shared with a RADIUS server; for REST what goes as `Authorization`."),
        Duration("ParallelRun:Timeout", $"How long it may take ({Parallel.Timeout})."),
        Whole("ParallelRun:AtOnce", 1, ParallelRunPolicy.AtOnceMax, $"Requests put to it at the same time ({Parallel.AtOnce})."),
        Text("ParallelRun:Realms:*", "The realms it is asked for (all)."),
        Flag("ParallelRun:RequireMessageAuthenticator", "Whether a RADIUS answer must be signed (`true`); a server older than July 2024 may not do it."),
        Duration("ParallelRun:Remember", $"How long a code is remembered that it accepted ({Parallel.Remember})."),
        Address("Staff:OpenId:Authority", "Where staff sign in instead (OpenID Connect)."),
        Text("Staff:OpenId:ClientId", "This server's name there."),
        Secret("Staff:OpenId:ClientSecret", "And its secret."),
        Text("Staff:OpenId:RoleClaim", "The claim with the roles (`roles`)."),
        Text("Staff:OpenId:Roles:*", "Their name of a role where it is not ours."),
        Flag("Staff:OpenId:RequireHttps", "Whether the authority must speak HTTPS (`true`)."),
        Text("Staff:PasskeyDomain", "The domain passkeys of staff are made for, where several names under it lead here (the host of the request)."),
        Flag("SelfService:Enabled", "Whether people who hold keys may see their own at /my (`false`)."),
        Text("SelfService:Realm", "The realm they are of (`default`)."),
        Text("SelfService:NameClaim", "The claim that is their name here (`preferred_username`)."),
        Address("SelfService:OpenId:Authority", "Where they sign in (as staff)."),
        Text("SelfService:OpenId:ClientId", "This server's name there (as for staff)."),
        Secret("SelfService:OpenId:ClientSecret", "And its secret (as for staff)."),
        Flag("SelfService:OpenId:RequireHttps", "Whether that authority must speak HTTPS (`true`)."),
        Flag("Https:ClientCertificates", "Asks for client certificates (`false`)."),
        Network("Proxy:Networks:*", "Networks whose forwarded headers are believed (none)."),
        Whole("Proxy:Hops", 1, 16, "Proxies one behind the other (1)."),
        Whole(StandingFigures.PauseSetting, 1, 86_400, $"Seconds between two looks at figures that cost a query ({StandingFigures.DefaultPause})."),
        Whole(Drain.Setting, 0, 600, "Seconds a stopping node says \"not ready\" and still serves (0)."),
        Whole("VirtualKeys:Count", 0, 10_000, "Virtual keys to plug in, for trying out (0)."),
        Text("KeyDrivers:*:Name", "Name of a program that drives keys of another make (`docs/keys.md`); `KeyDrivers:1` and so on for more."),
        Text("KeyDrivers:*:Program", "The program."),
        Text("KeyDrivers:*:Arguments:*", "What it is started with."),
        Whole("KeyDrivers:*:AnswerSeconds", 1, 600, "Seconds it may take to answer (30)."),
        Secret(MoveCommand.TargetSetting, "Where `move` goes to, if not said by `--to`."),
    ];

    /// <summary>Sections the framework reads; what stands in them is its own.</summary>
    private static readonly string[] Foreign = ["Logging", "Kestrel", "HttpLogging", "AllowedHosts", "Urls"];

    /// <summary>The first parts of all settings.</summary>
    public static readonly IReadOnlyList<string> Sections =
        [.. All.Select(s => s.Path.Split(':')[0]).Distinct(StringComparer.OrdinalIgnoreCase)];

    public static bool IsForeign(string section) => Array.Exists(Foreign, f => f.Equals(section, StringComparison.OrdinalIgnoreCase));
}
