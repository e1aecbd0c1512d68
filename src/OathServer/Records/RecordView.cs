using OathServer.Storage;

namespace OathServer.Records;

/// <summary>A record as staff see it. PIN, PUK and secrets are never part of it; whether they can be had is.</summary>
public sealed record RecordView(
    string Cuid, string CuidSource, string? DeviceSerial, string? Model, string? Firmware, string Status, string? User, string? DisplayName,
    string? Mail, string? Realm, string? Profile, int ProfileVersion, string? Batch, string? ProvisionedBy, DateTimeOffset? ProvisionedAt,
    PinStateView Pin, PukStateView Puk, bool ManagementKeyEscrowed, string? FidoPolicy, string? FidoStatus,
    DateTimeOffset? FirstCodeAcceptedAt, IReadOnlyList<RecordCredential> Credentials, string? Notes, DateTimeOffset UpdatedAt);

/// <summary>How the initial PIN was set, and whether it can still be shown (once).</summary>
public sealed record PinStateView(string Method, bool CanBeRevealed);

/// <summary>How the PUK was made, whether it can be had, and whether a person has seen it.</summary>
public sealed record PukStateView(string Method, bool Available, int? MasterVersion, bool KnownToPerson);

/// <summary>An OATH credential on the key, with the file its seed came from.</summary>
public sealed record RecordCredential(
    string Serial, string Type, string State, long Counter, int Failures, DateTimeOffset? LastAcceptedAt, string? File, string? FileDigest, string? KeyId)
{
    /// <summary>What weakened its import: that MACs were not checked. Null as a rule.</summary>
    public string? ImportCaution { get; init; }
}

/// <summary>Makes views of records.</summary>
internal static class RecordViews
{
    public static RecordView Of(KeyRecord record) => new(
        record.Cuid, record.CuidSource, record.DeviceSerial, record.Model, record.Firmware, Words(record.Status),
        record.Person?.Name, record.Person?.DisplayName, record.Person?.Mail, record.Person?.Realm,
        record.ProfileName, record.ProfileVersion, record.Batch, record.ProvisionedBy, record.ProvisionedAt,
        new PinStateView(Kebab(record.PinMethod.ToString()), record.SealedPin is not null),
        new PukStateView(
            Kebab(record.PukMethod.ToString()), record.PukMethod != PukMethod.NotSet,
            record.PukMethod == PukMethod.Derived ? record.PukMasterVersion : null, record.PukKnownToPerson),
        record.SealedManagementKey is not null, record.FidoPolicy, record.FidoStatus, record.FirstCodeAcceptedAt,
        [.. record.Tokens.Select(Of)], record.Notes, record.UpdatedAt);

    public static string Words(KeyStatus status) => Kebab(status.ToString());

    /// <summary>The status of that name, or null.</summary>
    public static KeyStatus? Parse(string words) =>
        Enum.GetValues<KeyStatus>().Where(s => Words(s) == words).Select(s => (KeyStatus?)s).FirstOrDefault();

    private static RecordCredential Of(Token token) => new(
        token.Serial, token.Type == TokenType.Totp ? "totp" : "hotp", Kebab(token.Counter!.State.ToString()), token.Counter.Counter,
        token.Counter.Failures,
        token.Counter.LastAcceptedAt == 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(token.Counter.LastAcceptedAt),
        token.Import?.FileName, token.Import?.Digest, token.KeyId)
    { ImportCaution = token.Import?.Caution };

    private static string Kebab(string name) => System.Text.Json.JsonNamingPolicy.KebabCaseLower.ConvertName(name);
}
