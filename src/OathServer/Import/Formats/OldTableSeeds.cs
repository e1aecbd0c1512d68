using System.Globalization;
using System.Text.Json;
using OathServer.Storage;

namespace OathServer.Import.Formats;

/// <summary>The token table of another server, as its database writes it to CSV: a header with its own column names, and
/// the secrets opened by its own tool.</summary>
internal static class OldTableSeeds
{
    public static IEnumerable<SeedKey> Read(CsvTable table, ImportOptions options, OldSystem system, NotCarried left)
    {
        var places = Places(table, system);
        string Text(string field) => places.TryGetValue(field, out var place) ? Filled(table.Text(place)) : "";
        while (table.Read())
        {
            yield return Key(table, options, places, Text, left);
        }
    }

    private static SeedKey Key(CsvTable table, ImportOptions options, Dictionary<string, int> places, Func<string, string> text, NotCarried left)
    {
        var type = TypeOf(text("type"));
        if (type is null)
        {
            left.Type(text("type"));
            return new SeedKey { Line = table.Line, DeviceSerial = text("serial"), NotEnrolled = $"tokens of type {text("type")} are not validated here" };
        }

        var (hash, step) = Info(text("info"));
        var key = CsvSeeds.NewKey(table, places["serial"], places["secret"]);
        key.Type = type.Value;
        key.Manufacturer = text("maker") is { Length: > 0 } maker ? maker : null;
        Owner(key, text("user"));
        Fields.Digits(key, text("digits"), options);
        Fields.Algorithm(key, text("hash") is { Length: > 0 } own ? own : hash, options);
        if (type == TokenType.Totp)
        {
            Fields.TimeStep(key, text("step") is { Length: > 0 } seconds ? seconds : step);
        }
        else
        {
            Counter(key, text);
        }

        State(key, text);
        left.Window(text("window"));
        key.Pin = left.Pins.OfHash(text("pin"), text("pinSeed")) ?? left.Pins.OfPlain(text("plainPin"));
        return key;
    }

    /// <summary>LinOTP calls HOTP HMAC; a row without a type is HOTP there and in privacyIDEA.</summary>
    private static TokenType? TypeOf(string text) => text.ToUpperInvariant() switch
    {
        "" or "HOTP" or "HMAC" => TokenType.Hotp,
        "TOTP" => TokenType.Totp,
        _ => null,
    };

    private static void Counter(SeedKey key, Func<string, string> text)
    {
        if (text("lastCounter") is { Length: > 0 } last)
        {
            // multiOTP writes -1 until the first use.
            Fields.Counter(key, last == "-1" ? "0" : last, isLastUsed: last != "-1");
            return;
        }

        Fields.Counter(key, text("counter"));
    }

    private static void State(SeedKey key, Func<string, string> text)
    {
        if (IsTrue(text("revoked")))
        {
            key.Disabled = "it was revoked on the old server";
        }
        else if (text("active") is { Length: > 0 } active && !IsTrue(active))
        {
            key.Suspended = "it was switched off on the old server";
        }
        else if (IsTrue(text("locked")))
        {
            key.Suspended = "it was locked on the old server";
        }
        else if (int.TryParse(text("failures"), NumberStyles.None, CultureInfo.InvariantCulture, out var failures)
            && int.TryParse(text("failuresMax"), NumberStyles.None, CultureInfo.InvariantCulture, out var most) && most > 0 && failures >= most)
        {
            key.Suspended = "its failure counter was full on the old server";
        }
    }

    private static void Owner(SeedKey key, string users)
    {
        var names = users.Split([',', ';'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (names.Length == 1)
        {
            key.Owner = names[0];
        }
        else if (names.Length > 1)
        {
            key.Warn($"{names.Length} users shared it on the old server; a token has one holder here, so it was given to none");
        }
    }

    /// <summary>LinOTP's <c>LinOtpTokenInfo</c>: JSON with <c>hashlib</c> and <c>timeStep</c>.</summary>
    private static (string Hash, string Step) Info(string json)
    {
        if (json.Length == 0)
        {
            return ("", "");
        }

        try
        {
            using var document = JsonDocument.Parse(json);
            string Of(string name) => document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty(name, out var value) ? value.ToString() : "";
            return (Of("hashlib"), Of("timeStep"));
        }
        catch (JsonException)
        {
            return ("", "");
        }
    }

    private static Dictionary<string, int> Places(CsvTable table, OldSystem system)
    {
        var header = new List<string>();
        if (table.Read())
        {
            header.AddRange(Enumerable.Range(0, table.Count).Select(table.Text));
        }

        var places = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (field, names) in OldSystems.ColumnsOf(system))
        {
            if (header.FindIndex(h => names.Contains(h, StringComparer.OrdinalIgnoreCase)) is >= 0 and var place)
            {
                places.Add(field, place);
            }
        }

        if (!places.ContainsKey("secret"))
        {
            throw new ImportRefusedException(Fault.UnknownFormat, places.ContainsKey("sealed")
                ? $"The secrets in this table are encrypted under {OldSystems.Words(system)}'s own key. Export with its own tool (PSKC or OATH CSV), or add a column secret with what its tool opens."
                : $"The first line names no column with secrets ({string.Join(", ", OldSystems.ColumnsOf(system)["secret"])}). It has: {string.Join(", ", header)}.", line: table.Line);
        }

        return places;
    }

    /// <summary>Databases write a missing value as NULL or \N.</summary>
    private static string Filled(string text) => text is "NULL" or "\\N" or "None" ? "" : text;

    private static bool IsTrue(string text) => text.ToUpperInvariant() is "1" or "TRUE" or "T" or "YES";
}
