using OathServer.Storage;

namespace OathServer.Import.Formats;

/// <summary>The tables people have: a row a key.</summary>
internal static class CsvSeeds
{
    /// <summary>Headerless <c>SN,Secret,EventCounter</c>; the counter is the next one.</summary>
    public static IEnumerable<SeedKey> SerialSecretCounter(CsvTable table, ImportOptions options)
    {
        while (table.Read())
        {
            var key = NewKey(table, serial: 0, secret: 1);
            Fields.Counter(key, table.Text(2));
            Fields.Digits(key, "", options);
            Fields.Algorithm(key, "", options);
            Expect(table, key, 2, 3);
            yield return key;
        }
    }

    /// <summary>privacyIDEA's and LinOTP's OATH CSV: <c>serial,key[,type[,digits[,counter or step[,hash]]]]</c>; version 2
    /// has user, resolver and realm before them.</summary>
    public static IEnumerable<SeedKey> OathCsv(CsvTable table, ImportOptions options, bool withUser)
    {
        var from = withUser ? 3 : 0;
        while (table.Read())
        {
            var key = NewKey(table, from, from + 1);
            key.Owner = withUser ? table.TextOrNull(0) : null;
            Fields.Type(key, table.Text(from + 2));
            if (key.NotEnrolled is not null)
            {
                yield return key;
                continue;
            }

            Fields.Digits(key, table.Text(from + 3), options);
            Fields.Algorithm(key, table.Text(from + 5), options);
            if (key.Type == TokenType.Totp)
            {
                Fields.TimeStep(key, table.Text(from + 4));
            }
            else if (table.Text(from + 5).Length > 0 && table.Text(from + 4).Length > 0)
            {
                // LinOTP has a time step in this column, privacyIDEA a counter; only LinOTP has the hash after it.
                Fields.Bad(key, "its fifth column could be a counter or a time step; map the columns to say which");
            }
            else
            {
                Fields.Counter(key, table.Text(from + 4));
            }

            Expect(table, key, from + 2, from + 7);
            yield return key;
        }
    }

    /// <summary>Microsoft Entra ID hardware tokens: a header, Base32 secrets, TOTP only.</summary>
    public static IEnumerable<SeedKey> Entra(CsvTable table, ImportOptions options)
    {
        var header = Header(table);
        int Column(string name) => header.IndexOf(name);
        var (upn, serial, secret, interval, maker, hash) = (Column("upn"), Column("serial number"), Column("secret key"),
            Column("time interval"), Column("manufacturer"), Math.Max(Column("hash function"), Column("hashfunction")));
        while (table.Read())
        {
            var key = NewKey(table, serial, secret);
            key.Type = TokenType.Totp;
            key.Owner = Field(table, upn);
            key.Manufacturer = Field(table, maker);
            Fields.TimeStep(key, Field(table, interval) ?? "");
            Fields.Digits(key, "", options);
            Fields.Algorithm(key, Field(table, hash) ?? "", options);
            yield return key;
        }
    }

    /// <summary>Any table, by the operator's map of its columns.</summary>
    public static IEnumerable<SeedKey> Mapped(CsvTable table, ImportOptions options)
    {
        var map = options.Columns ?? throw new ImportRefusedException(Fault.UnknownFormat, "Say which column holds what (columns).");
        var places = Places(table, map);
        string Text(string field) => places.TryGetValue(field, out var place) ? table.Text(place) : "";
        while (table.Read())
        {
            var key = NewKey(table, places["serial"], places["secret"]);
            key.Owner = Text("user") is { Length: > 0 } user ? user : null;
            key.Manufacturer = Text("manufacturer") is { Length: > 0 } maker ? maker : null;
            key.KeyId = Text("keyId") is { Length: > 0 } id ? id : null;
            Fields.Type(key, Text("type"));
            Fields.Digits(key, Text("digits"), options);
            Fields.Algorithm(key, Text("algorithm"), options);
            if (key.Type == TokenType.Totp)
            {
                Fields.TimeStep(key, Text("timeStep"));
            }
            else
            {
                Fields.Counter(key, Text("lastCounter") is { Length: > 0 } last ? last : Text("counter"), places.ContainsKey("lastCounter"));
            }

            yield return key;
        }
    }

    /// <summary>A key with its serial, and the text of its secret for <see cref="SecretText"/> to decode.</summary>
    internal static SeedKey NewKey(CsvTable table, int serial, int secret)
    {
        var key = new SeedKey { Line = table.Line, DeviceSerial = table.Text(serial), Secret = table.Octets(secret).ToArray() };
        if (key.DeviceSerial.Length == 0)
        {
            key.Fault = Fault.NoSerial;
            key.FaultText = "it has no serial number";
        }
        else if (key.Secret.Length == 0)
        {
            key.Fault = Fault.BadSecret;
            key.FaultText = "it has no secret";
        }

        return key;
    }

    private static void Expect(CsvTable table, SeedKey key, int least, int most)
    {
        if (table.Count < least || table.Filled > most)
        {
            Fields.Bad(key, $"its row has {table.Count} columns, not {least} to {most}");
        }
    }

    private static List<string> Header(CsvTable table)
    {
        var header = new List<string>();
        if (table.Read())
        {
            for (var i = 0; i < table.Count; i++)
            {
                header.Add(table.Text(i).ToLowerInvariant());
            }
        }

        return header.Contains("serial number") && header.Contains("secret key")
            ? header
            : throw new ImportRefusedException(Fault.UnknownFormat, "line 1: the header names no columns serial number and secret key.", line: 1);
    }

    private static string? Field(CsvTable table, int column) => column < 0 ? null : table.TextOrNull(column);

    private static Dictionary<string, int> Places(CsvTable table, ColumnMap map)
    {
        var places = new Dictionary<string, int>(StringComparer.Ordinal);
        var named = map.Columns.Where(c => !int.TryParse(c.Value, out _)).ToList();
        foreach (var (field, column) in map.Columns.Except(named))
        {
            places[field] = int.Parse(column, System.Globalization.CultureInfo.InvariantCulture) - 1;
            if (places[field] < 0)
            {
                throw new ImportRefusedException(Fault.UnknownFormat, $"There is no column {column}; they are counted from 1.");
            }
        }

        if (named.Count > 0 && table.Read())
        {
            var header = Enumerable.Range(0, table.Count).Select(table.Text).ToList();
            foreach (var (field, column) in named)
            {
                places[field] = header.FindIndex(h => h.Equals(column, StringComparison.OrdinalIgnoreCase)) is >= 0 and var place
                    ? place
                    : throw new ImportRefusedException(Fault.UnknownFormat, $"The first row has no column {column}. It has: {string.Join(", ", header)}.", line: table.Line);
            }
        }

        return places;
    }
}
