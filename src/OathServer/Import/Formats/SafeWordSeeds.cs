using System.Text;
using OathServer.Storage;

namespace OathServer.Import.Formats;

/// <summary>SafeWord's records of authenticators (<c>.dat</c>; eToken PASS, Alpine): LDIF entries whose
/// <c>sccTokenData</c> reads <c>sccKey=…;sccMode=E;sccPwLen=6;…</c>. They carry no counter: such a device starts at 0.</summary>
internal static class SafeWordSeeds
{
    /// <summary>The one word of every such entry.</summary>
    public const string Data = "sccTokenData";

    private const string Unchecked = "SafeWord's signatures over the records (sccSignature) are not checked: the key that would check them is not published.";

    public static SeedFile Open(Stream stream, ImportOptions options, string format)
    {
        var warnings = new List<string> { Unchecked };
        return new SeedFile(format, SecretText.Decode(Keys(stream, options, warnings), SecretEncoding.Hex), warnings);
    }

    private static IEnumerable<SeedKey> Keys(Stream stream, ImportOptions options, List<string> warnings)
    {
        var others = 0;
        foreach (var entry in Ldif.Read(stream))
        {
            if (entry.Octets(Data).Length > 0 || entry.Text("sccAuthenticatorId").Length > 0)
            {
                yield return Key(entry, options);
            }
            else
            {
                others++;
            }
        }

        if (others > 0)
        {
            warnings.Add($"{others} entries are none of an authenticator and were left out, users among them: give owners in a list of their own (owners).");
        }
    }

    private static SeedKey Key(LdifEntry entry, ImportOptions options)
    {
        var data = Members(entry.Text(Data));
        var secret = data.GetValueOrDefault("sccKey", "");
        var byTime = data.GetValueOrDefault("sccMode", "").Equals("T", StringComparison.OrdinalIgnoreCase);
        var key = new SeedKey
        {
            Line = entry.Line,
            Manufacturer = "SafeNet",
            DeviceSerial = entry.Text("sccAuthenticatorId"),
            Type = byTime ? TokenType.Totp : TokenType.Hotp,
            Secret = Encoding.UTF8.GetBytes(secret),
        };
        Fields.Digits(key, data.GetValueOrDefault("sccPwLen", ""), options);
        Fields.Algorithm(key, data.GetValueOrDefault("crypto", ""), options);
        if (byTime)
        {
            Fields.TimeStep(key, data.GetValueOrDefault("sccTick", ""));
            if (data.TryGetValue("sccPrTime", out var since))
            {
                // eToken PASS counts from the beginning of 2000, or from where it was programmed; the file does not say which.
                key.NotEnrolled = $"its clock was set at {since} and does not count from 1970 (RFC 6238 T0)";
            }
        }
        else if (!data.GetValueOrDefault("sccMode", "").Equals("E", StringComparison.OrdinalIgnoreCase))
        {
            Fields.Bad(key, "its sccMode is neither E (by event) nor T (by time)");
        }

        if (secret.Length == 0)
        {
            Fields.Bad(key, "it has no sccKey");
        }
        else if (secret.StartsWith('('))
        {
            Fields.Bad(key, "its sccKey is encrypted under the SafeWord server's own key; export it opened, or ask the maker for the seed file");
        }

        return key;
    }

    private static Dictionary<string, string> Members(string data)
    {
        var members = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var part in data.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var pair = part.Split('=', 2, StringSplitOptions.TrimEntries);
            members[pair[0]] = pair.Length == 2 ? pair[1] : "";
        }

        return members;
    }
}
