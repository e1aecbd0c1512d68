namespace OathServer.Import.Formats;

/// <summary>What a seed file can be. The names are those of <c>?format=</c> and <c>--format</c>.</summary>
internal enum SeedFormat
{
    /// <summary>RFC 6030 and its drafts.</summary>
    Pskc,

    /// <summary>Headerless <c>SN,Secret,EventCounter</c>; the counter is the next one.</summary>
    SerialSecretCounter,

    /// <summary>privacyIDEA's OATH CSV: <c>serial,key,type,digits,counter or step</c>.</summary>
    OathCsv,

    /// <summary>Yubico's configuration log, in the "traditional" and the "Yubico" format.</summary>
    YubicoLog,

    /// <summary>Microsoft Entra ID hardware tokens, which Token2 and Feitian deliver: with a header, Base32, TOTP.</summary>
    EntraCsv,

    /// <summary>pam_oath's <c>users.oath</c>; its counter is the one last used.</summary>
    UsersOath,

    /// <summary>SafeNet and Aladdin: <c>Tokens/Token/Applications/Application/Seed</c>.</summary>
    SafenetXml,

    /// <summary>FreeIPA's tokens, exported as LDIF by the directory manager.</summary>
    FreeipaLdif,

    /// <summary>SafeWord's authenticator records (<c>.dat</c>), which came with eToken PASS.</summary>
    SafewordDat,

    /// <summary>Any table whose columns the operator names.</summary>
    Columns,
}

/// <summary>A seed file being read: its keys come one at a time, and nothing of it may be used before the last.</summary>
/// <param name="Format">What it was recognised as, for people.</param>
/// <param name="Keys">The keys, once, in the order of the file.</param>
/// <param name="Warnings">What concerns the file as a whole; complete once the keys were read.</param>
internal sealed record SeedFile(string Format, IEnumerable<SeedKey> Keys, List<string> Warnings)
{
    /// <summary>What every later report must say of tokens from this file; null as a rule.</summary>
    public string? Caution { get; init; }

    /// <summary>The server whose PINs it brings along; null when it can hold none.</summary>
    public string? PinSource { get; init; }
}
