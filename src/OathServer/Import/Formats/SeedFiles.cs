namespace OathServer.Import.Formats;

/// <summary>Opens a seed file as what it is.</summary>
internal static class SeedFiles
{
    private const string Unprotected = "The file is not protected: its secrets travelled in the open.";

    public static SeedFile Open(SeedStream stream, ImportOptions options, DateTimeOffset now)
    {
        var head = stream.Head();
        if (options.From is { } system)
        {
            return OpenFrom(system, stream, options, now);
        }

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

        if (format == SeedFormat.SafewordDat)
        {
            var file = SafeWordSeeds.Open(stream, options, Words(format));
            file.Warnings.Add(Unprotected);
            return file;
        }

        var separator = Recognition.Separator(head);
        var withUser = Recognition.IsOathCsvVersion2(head);
        var pins = new OldPins();
        CsvTable Table() => new(stream, separator);
        var (keys, encoding) = format switch
        {
            SeedFormat.SerialSecretCounter => (CsvSeeds.SerialSecretCounter(Table(), options), options.Encoding),
            SeedFormat.OathCsv => (CsvSeeds.OathCsv(Table(), options, withUser), options.Encoding ?? SecretEncoding.Hex),
            SeedFormat.YubicoLog => (YubicoSeeds.Read(Table(), options), SecretEncoding.Hex),
            SeedFormat.EntraCsv => (CsvSeeds.Entra(Table(), options), options.Encoding ?? SecretEncoding.Base32),
            SeedFormat.UsersOath => (UsersOathSeeds.Read(stream, options, pins), SecretEncoding.Hex),
            SeedFormat.SafenetXml => (SafeNetSeeds.Read(stream, options), SecretEncoding.Hex),
            _ => (CsvSeeds.Mapped(Table(), options), options.Encoding),
        };
        // Decoding reads the file to its end: its PINs are counted then.
        var decoded = SecretText.Decode(keys, encoding);
        return new SeedFile(Words(format), decoded, [Unprotected, .. pins.Sentences()]) { PinSource = format == SeedFormat.UsersOath ? OldSystems.Words(OldSystem.PamOath) : null };
    }

    /// <summary>As any other file of its format, and told what is left behind.</summary>
    private static SeedFile OpenFrom(OldSystem system, SeedStream stream, ImportOptions options, DateTimeOffset now)
    {
        var head = stream.Head();
        var left = new NotCarried();
        SeedFile file;
        if (options.Format is null && options.Key is null && OldSystems.IsTable(system, head))
        {
            var table = new CsvTable(stream, Recognition.Separator(head));
            // Decoding reads the table to its end: what is left behind is counted then.
            var keys = SecretText.Decode(OldTableSeeds.Read(table, options, system, left), options.Encoding ?? SecretEncoding.Hex);
            file = new SeedFile($"token table of {OldSystems.Words(system)}", keys, [Unprotected]) { PinSource = OldSystems.Words(system) };
        }
        else
        {
            file = Open(stream, options with { From = null, Format = options.Format ?? OldSystems.FormatOf(system) }, now);
        }

        file.Warnings.AddRange(left.Sentences());
        file.Warnings.Add(OldSystems.LeftBehind(system));
        return file;
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
        SeedFormat.SafewordDat => "SafeWord authenticator records",
        SeedFormat.Pskc => "PSKC",
        _ => "CSV with named columns",
    };
}
