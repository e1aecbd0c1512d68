using System.Text.Json;
using SecurityKeys;

namespace OathServer.Keys;

/// <summary>What a key says of itself, in words for a person and as JSON for a script.</summary>
internal static class KeyWords
{
    private static readonly JsonSerializerOptions Indented = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        // Readers are called "OTP+FIDO+CCID"; this goes to a terminal, not into a page.
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull,
        Converters = { new System.Text.Json.Serialization.JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    /// <summary>An array, one object a key: <c>{reader,cuid,cuidSource,serial,firmware,applications,piv,oath,otpSlots,fido}</c>.
    /// What a key cannot tell is left out.</summary>
    public static string Json(IEnumerable<object> keys) => JsonSerializer.Serialize(keys, Indented);

    public static object Of(SecurityKeyReport report) => new
    {
        report.Reader,
        Cuid = report.Cuid?.Text,
        CuidSource = report.Cuid?.Source,
        report.Serial,
        Firmware = report.Firmware?.ToString(),
        report.Applications,
        Piv = report.Piv is not { } piv ? null : new
        {
            PinIsDefault = piv.Pin?.IsDefault,
            PinTriesLeft = piv.Pin?.TriesLeft ?? piv.PinTriesLeft,
            PukIsDefault = piv.Puk?.IsDefault,
            PukTriesLeft = piv.Puk?.TriesLeft,
            ManagementKeyIsDefault = piv.ManagementKey?.IsDefault,
            ManagementKeyAlgorithm = piv.ManagementKey?.Algorithm,
            piv.ChuidGuid,
            piv.CardIdentifier,
        },
        Oath = report.Oath is not { } oath ? null : new
        {
            oath.IsLocked,
            Credentials = oath.Credentials?.Select(c => new { c.Name, c.Type, c.Algorithm }),
        },
        report.OtpSlots,
        Fido = report.Fido is not { } fido ? null : new
        {
            fido.Info?.Versions,
            fido.Info?.PinIsSet,
            fido.PinTriesLeft,
            fido.Info?.MinPinLength,
            fido.Info?.ForcePinChange,
        },
    };

    public static IEnumerable<string> Lines(SecurityKeyReport report)
    {
        yield return $"{report.Reader}";
        yield return $"  CUID          {report.Cuid?.Text ?? "none"}{(report.Cuid is { } cuid ? $" (read from {Source(cuid)})" : "")}";
        yield return $"  serial        {report.Serial?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "not told"}";
        yield return $"  firmware      {report.Firmware?.ToString() ?? "not told"}";
        yield return $"  applications  {(report.Applications.Count == 0 ? "none that we know" : string.Join(", ", report.Applications))}";
        if (report.Piv is { } piv)
        {
            yield return $"  PIV PIN       {Reference(piv.Pin?.IsDefault, piv.Pin?.TriesLeft ?? piv.PinTriesLeft)}";
            yield return $"  PIV PUK       {Reference(piv.Puk?.IsDefault, piv.Puk?.TriesLeft)}";
            yield return $"  PIV mgmt key  {(piv.ManagementKey is { } key ? $"{(key.IsDefault ? "factory value" : "changed")}, {key.Algorithm}" : "cannot tell")}";
        }

        if (report.Oath is { } oath)
        {
            yield return oath.Credentials is null
                ? "  OATH          hidden behind an access code"
                : $"  OATH          {(oath.Credentials.Count == 0 ? "no credential" : string.Join(", ", oath.Credentials.Select(c => $"{c.Name} ({c.Type.ToString().ToUpperInvariant()})")))}";
        }

        if (report.OtpSlots is { } slots)
        {
            yield return $"  OTP slots     1 {(slots.IsSlot1Configured ? "in use" : "empty")}, 2 {(slots.IsSlot2Configured ? "in use" : "empty")}";
        }

        yield return report.Fido is { Info: { } info } fido
            ? $"  FIDO2         PIN {(info.PinIsSet == true ? $"set, {fido.PinTriesLeft} tries left" : "not set")}, at least {info.MinPinLength} characters{(info.ForcePinChange ? ", must be changed" : "")}"
            : "  FIDO2         not reachable through this reader";
    }

    private static string Reference(bool? isDefault, int? triesLeft)
    {
        var value = isDefault switch { true => "factory value", false => "changed", null => "cannot tell whether factory value" };
        return triesLeft switch { null => value, 0 => $"{value}, BLOCKED", 1 => $"{value}, 1 try left", _ => $"{value}, {triesLeft} tries left" };
    }

    private static string Source(SecurityKeys.Cards.Cuid cuid) => cuid.Source switch
    {
        SecurityKeys.Cards.CuidSource.DeviceSerial => "the device's serial number",
        SecurityKeys.Cards.CuidSource.Cplc => "the card's production data",
        SecurityKeys.Cards.CuidSource.ChuidGuid => "the CHUID",
        SecurityKeys.Cards.CuidSource.CccCardId => "the card capability container",
        SecurityKeys.Cards.CuidSource.External => "its external driver",
        _ => "an unstated place",
    };
}
