namespace OathServer.Import.Formats;

/// <summary>Yubico's configuration log, its two formats possibly in one file. It never holds the counter a slot starts
/// from, and the Yubico format neither the digits.</summary>
internal static class YubicoSeeds
{
    private static readonly string[] kinds = ["OATH-HOTP", "Yubico OTP", "Static Password", "Challenge-Response", "LOGGING START"];

    public static bool IsTraditional(string first) => Array.Exists(kinds, k => first.StartsWith(k, StringComparison.OrdinalIgnoreCase));

    public static bool IsYubicoFormat(string[] fields) =>
        fields.Length >= 6 && fields[0].Length > 0 && fields[0].All(char.IsAsciiDigit) && fields[5].Contains('-', StringComparison.Ordinal);

    public static IEnumerable<SeedKey> Read(CsvTable table, ImportOptions options)
    {
        while (table.Read())
        {
            var first = table.Text(0);
            if (first.StartsWith("LOGGING START", StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            yield return first.Length > 0 && first.All(char.IsAsciiDigit) ? Yubico(table, options) : Traditional(table, first, options);
        }
    }

    /// <summary><c>OATH-HOTP,date,slot,public id,private id,secret,access codes,…,digits in column 12</c>.</summary>
    private static SeedKey Traditional(CsvTable table, string kind, ImportOptions options)
    {
        if (!kind.Equals("OATH-HOTP", StringComparison.OrdinalIgnoreCase))
        {
            return new SeedKey { Line = table.Line, DeviceSerial = table.Text(3), NotEnrolled = $"{(IsTraditional(kind) ? kind : "this row")} is not a one-time password validated here" };
        }

        var key = CsvSeeds.NewKey(table, serial: 3, secret: 5);
        key.Manufacturer = "Yubico";
        key.KeyId = $"slot {table.Text(2)}";
        Fields.Digits(key, table.Text(11), options);
        key.Warn("the log does not hold the counter the slot starts from; 0 assumed");
        if (key.Fault == Fault.NoSerial)
        {
            key.FaultText = "the log holds neither a serial number nor a public id for it; add the serial as public id in column 4";
        }

        return key;
    }

    /// <summary><c>serial,public id,private id,secret,access code,date</c>; private id 0 is HOTP, none is a static password.</summary>
    private static SeedKey Yubico(CsvTable table, ImportOptions options)
    {
        if (table.Text(2) != "0")
        {
            return new SeedKey
            {
                Line = table.Line,
                DeviceSerial = table.Text(0),
                NotEnrolled = table.Text(2).Length == 0 ? "a static password is not validated here" : "Yubico's own one-time passwords are not validated here",
            };
        }

        var key = CsvSeeds.NewKey(table, serial: 0, secret: 3);
        key.Manufacturer = "Yubico";
        key.Digits = options.Digits ?? 6;
        key.Warn($"the log holds neither digits nor counter; {key.Digits} digits and 0 assumed");
        return key;
    }
}
