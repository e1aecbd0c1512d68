namespace OathServer.Import.Formats;

/// <summary>Opens a seed file as what it is.</summary>
internal static class SeedFiles
{
    private const string Unprotected = "The file is not protected: its secrets travelled in the open.";

    public static SeedFile Open(SeedStream stream, ImportOptions options, DateTimeOffset now)
    {
        var head = stream.Head();
        var format = options.Format ?? Recognition.Of(head);
        if (format == SeedFormat.Pskc)
        {
            return PskcSeeds.Open(stream, options, now);
        }

        if (options.Key is not null)
        {
            throw new ImportRefusedException(Fault.KeyNotNeeded,
                $"A key or passphrase was given, but the file is {Words(format)}, which is never encrypted. Is it the right file?");
        }

        if (format == SeedFormat.FreeipaLdif)
        {
            return new SeedFile(Words(format), FreeIpaSeeds.Read(stream, options), [Unprotected]);
        }

        var separator = Recognition.Separator(head);
        var withUser = Recognition.IsOathCsvVersion2(head);
        CsvTable Table() => new(stream, separator);
        var (keys, encoding) = format switch
        {
            SeedFormat.SerialSecretCounter => (CsvSeeds.SerialSecretCounter(Table(), options), options.Encoding),
            SeedFormat.OathCsv => (CsvSeeds.OathCsv(Table(), options, withUser), options.Encoding ?? SecretEncoding.Hex),
            SeedFormat.YubicoLog => (YubicoSeeds.Read(Table(), options), SecretEncoding.Hex),
            SeedFormat.EntraCsv => (CsvSeeds.Entra(Table(), options), options.Encoding ?? SecretEncoding.Base32),
            SeedFormat.UsersOath => (UsersOathSeeds.Read(stream, options), SecretEncoding.Hex),
            SeedFormat.SafenetXml => (SafeNetSeeds.Read(stream, options), SecretEncoding.Hex),
            _ => (CsvSeeds.Mapped(Table(), options), options.Encoding),
        };
        return new SeedFile(Words(format), SecretText.Decode(keys, encoding), [Unprotected]);
    }

    private static string Words(SeedFormat format) => format switch
    {
        SeedFormat.SerialSecretCounter => "CSV of serial, secret, counter",
        SeedFormat.OathCsv => "privacyIDEA OATH CSV",
        SeedFormat.YubicoLog => "Yubico configuration log",
        SeedFormat.EntraCsv => "Entra ID hardware-token CSV",
        SeedFormat.UsersOath => "pam_oath users file",
        SeedFormat.SafenetXml => "SafeNet XML",
        SeedFormat.FreeipaLdif => "FreeIPA LDIF",
        SeedFormat.Pskc => "PSKC",
        _ => "CSV with named columns",
    };
}
