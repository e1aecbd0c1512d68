using System.Globalization;
using OathServer.Storage;

namespace OathServer.Import.Formats;

/// <summary>FreeIPA's tokens as an LDIF export of <c>cn=otp</c> by the directory manager: entries of the classes
/// <c>ipatokenHOTP</c> and <c>ipatokenTOTP</c>. The counter there is the next one.</summary>
internal static class FreeIpaSeeds
{
    public static IEnumerable<SeedKey> Read(Stream stream, ImportOptions options)
    {
        foreach (var entry in Ldif.Read(stream))
        {
            if (Key(entry, options) is { } key)
            {
                yield return key;
            }
        }
    }

    /// <summary>The entry as a key; null when it is none of a token.</summary>
    private static SeedKey? Key(LdifEntry entry, ImportOptions options)
    {
        var hotp = entry.IsOf("ipatokenHOTP");
        if (!hotp && !entry.IsOf("ipatokenTOTP"))
        {
            return null;
        }

        var step = entry.Text("ipatokenTOTPtimeStep") is { Length: > 0 } seconds ? seconds : "30";
        var key = new SeedKey
        {
            Line = entry.Line,
            DeviceSerial = entry.Text("ipatokenSerial") is { Length: > 0 } serial ? serial : entry.Text("ipatokenUniqueID"),
            KeyId = entry.Text("ipatokenUniqueID"),
            Manufacturer = entry.Text("ipatokenVendor") is { Length: > 0 } vendor ? vendor : null,
            Owner = OwnerOf(entry.Text("ipatokenOwner")),
            Type = hotp ? TokenType.Hotp : TokenType.Totp,
            Drift = hotp ? 0 : DriftOf(entry.Text("ipatokenTOTPclockOffset"), step),
            Disabled = Is(entry.Text("ipatokenDisabled"), "TRUE") ? "it was disabled in FreeIPA" : null,
            Secret = entry.Octets("ipatokenOTPkey"),
        };
        Fields.Digits(key, entry.Text("ipatokenOTPdigits"), options);
        Fields.Algorithm(key, entry.Text("ipatokenOTPalgorithm"), options);
        if (hotp)
        {
            Fields.Counter(key, entry.Text("ipatokenHOTPcounter"));
        }
        else
        {
            Fields.TimeStep(key, step);
        }

        if (key.Secret.Length == 0)
        {
            Fields.Bad(key, "it has no ipatokenOTPkey: export as the directory manager, others may not read it");
        }

        return key;
    }

    /// <summary><c>uid=alice,cn=users,…</c> is alice.</summary>
    private static string? OwnerOf(string name) =>
        name.Split(',', 2)[0].Split('=', 2) is [var type, { Length: > 0 } value] && Is(type.Trim(), "uid") ? value.Trim() : null;

    /// <summary>FreeIPA keeps the drift in seconds; here it is in time steps.</summary>
    private static int DriftOf(string seconds, string step) =>
        int.TryParse(seconds, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var drift)
        && int.TryParse(step, NumberStyles.None, CultureInfo.InvariantCulture, out var length) && length > 0 ? drift / length : 0;

    private static bool Is(string text, string name) => text.Equals(name, StringComparison.OrdinalIgnoreCase);
}
