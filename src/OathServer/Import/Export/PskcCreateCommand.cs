using System.CommandLine;
using Oath;
using OathServer.Import.Formats;
using OathServer.Storage;
using Pskc;

namespace OathServer.Import.Export;

/// <summary><c>pskc create FILE</c>: a key container with fresh seeds, or with those of a file of any format that
/// <c>import</c> reads. Touches no server.</summary>
internal static class PskcCreateCommand
{
    private static readonly Argument<string> file = new("FILE") { Description = "The container to write. An existing file is not overwritten; - writes to standard output." };
    private static readonly Option<int?> count = new("--count") { Description = "Make this many fresh keys." };
    private static readonly Option<string> firstSerial = new("--first-serial") { Description = "The serial number of the first; its last digits are counted up.", DefaultValueFactory = _ => "OSK00000001" };
    private static readonly Option<string?> type = ImportCommand.Words<TokenType>("--type", "What they are; hotp when left out.");
    private static readonly Option<string?> algorithm = ImportCommand.Words<OathAlgorithm>("--algorithm", "The hash, where --from does not say; sha1 when left out.");
    private static readonly Option<int?> digits = new("--digits") { Description = "Digits of a code, where --from does not say; 6 when left out." };
    private static readonly Option<int> timeStep = new("--time-step") { Description = "TOTP: seconds.", DefaultValueFactory = _ => 30 };
    private static readonly Option<int> secretOctets = new("--secret-octets") { Description = "Octets of a fresh secret.", DefaultValueFactory = _ => 20 };
    private static readonly Option<long?> counter = new("--counter") { Description = "HOTP: the counter fresh keys start from; 0 when left out." };
    private static readonly Option<bool> randomCounter = new("--random-counter") { Description = "HOTP: a random start counter for each, below a million." };
    private static readonly Option<string?> manufacturer = new("--manufacturer") { Description = "Who made the devices, e.g. oath.UB." };
    private static readonly Option<string?> from = new("--from") { Description = "Take the keys of this file instead: PSKC, or any table import reads. - reads standard input." };
    private static readonly Option<string?> format = ImportCommand.Words<SeedFormat>("--format", "What --from is, when its content leaves it open.");
    private static readonly Option<string?> columns = new("--columns") { Description = "Which column of --from holds what: serial=1,secret=3,counter=4, or header names." };
    private static readonly Option<string?> encoding = ImportCommand.Words<SecretEncoding>("--encoding", "How secrets of --from are written, when its format leaves it open.");
    private static readonly Option<string?> signCertificate = new("--sign-certificate-file") { Description = "Sign the container: the signer's RSA certificate in PEM." };
    private static readonly Option<string?> signKey = new("--sign-key-file") { Description = "The signer's private key in PEM." };

    public static Command Create()
    {
        var source = new KeyFileOptions();
        var recipient = new RecipientOptions(allowPlain: true);
        var command = new Command("create", "Writes a key container: fresh seeds (--count), or those of another file (--from), sealed for whom you say.")
        {
            file, count, firstSerial, type, algorithm, digits, timeStep, secretOctets, counter, randomCounter, manufacturer,
            from, format, columns, encoding, signCertificate, signKey,
        };
        recipient.AddTo(command);
        // What opens --from, when it is encrypted.
        source.AddTo(command);
        command.SetAction((parsed, cancel) => RunAsync(parsed, source, recipient, cancel));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, KeyFileOptions source, RecipientOptions to, CancellationToken cancel)
    {
        var path = parsed.GetRequiredValue(file);
        try
        {
            if (path != "-" && Path.Exists(path))
            {
                throw new KeyFileException($"{path} is there already and is not overwritten.");
            }

            if (parsed.GetValue(count) is null == parsed.GetValue(from) is null)
            {
                throw new KeyFileException("Say --count N for fresh keys, or --from FILE for the keys of a file.");
            }

            var fresh = parsed.GetValue(count) is { } number ? Fresh(parsed, number) : null;
            using var opens = source.Read(parsed);
            var options = SourceOptions(parsed) with { Key = opens, MacKey = source.ReadMacKey(parsed) };
            using var signer = Signer(parsed);
            using var recipient = to.Read(parsed);
            var progress = new ProgressLine();
            var written = 0;
            await using var stream = fresh is not null ? Stream.Null : parsed.GetValue(from) == "-" ? Console.OpenStandardInput() : File.OpenRead(parsed.GetValue(from)!);
            IEnumerable<KeyPackage> Told()
            {
                foreach (var package in fresh is not null ? fresh.Make().Select(WrittenKey.Of) : SourceKeys.Read(stream, options, cancel))
                {
                    using (package)
                    {
                        yield return package;
                        written += package.Keys.Count;
                    }

                    cancel.ThrowIfCancellationRequested();
                    if (written % 1000 == 0)
                    {
                        progress.Show("creating", written, fresh is null ? null : (int)(written * 100L / fresh.Count));
                    }
                }

                if (written == 0)
                {
                    throw new KeyFileException("The file holds no keys; nothing was written.");
                }
            }

            var how = new PskcWriteOptions { Protection = recipient.Protection, EncryptIntegers = to.EncryptIntegers(parsed), Signer = signer };
            try
            {
                await Task.Run(() => Write(path, how, Told()), cancel);
                if (path != "-")
                {
                    await Task.Run(() => LookAgain(path, recipient, written), cancel);
                }
            }
            catch
            {
                to.ForgetNewKey();
                throw;
            }
            finally
            {
                progress.Clear();
            }

            await (path == "-" ? Console.Error : Console.Out).WriteLineAsync(
                $"{(path == "-" ? "standard output" : path)}: {written} keys, {recipient.Words}{(signer is null ? "" : $", signed by {signer.Subject}")}.");
            return 0;
        }
        catch (ImportRefusedException refusal)
        {
            return await ImportCommand.FailAsync($"Nothing was written: {refusal.Message}");
        }
        catch (Exception fault) when (fault is PskcException or ArgumentException or IOException or UnauthorizedAccessException or KeyFileException)
        {
            return await ImportCommand.FailAsync(fault.Message);
        }
        catch (OperationCanceledException)
        {
            return await ImportCommand.FailAsync("Cancelled; nothing was written.");
        }
    }

    private static FreshKeys Fresh(ParseResult parsed, int number)
    {
        if (parsed.GetValue(randomCounter) && parsed.GetValue(counter) is not null)
        {
            throw new KeyFileException("Name one of --counter and --random-counter, not both.");
        }

        var fresh = new FreshKeys(number, parsed.GetRequiredValue(firstSerial))
        {
            Type = ImportCommand.Word<TokenType>(parsed, type) ?? TokenType.Hotp,
            Algorithm = ImportCommand.Word<OathAlgorithm>(parsed, algorithm) ?? OathAlgorithm.Sha1,
            Digits = parsed.GetValue(digits) ?? 6,
            TimeStep = parsed.GetValue(timeStep),
            SecretOctets = parsed.GetValue(secretOctets),
            Counter = parsed.GetValue(randomCounter) ? null : parsed.GetValue(counter) ?? 0,
            Manufacturer = parsed.GetValue(manufacturer),
        };
        return fresh.Fault() is { } fault ? throw new KeyFileException(fault) : fresh;
    }

    private static ImportOptions SourceOptions(ParseResult parsed)
    {
        ColumnMap? map = null;
        if (parsed.GetValue(columns) is { } text && !ColumnMap.TryParse(text, out map, out var fault))
        {
            throw new KeyFileException($"--columns: {fault}");
        }

        return new ImportOptions
        {
            Format = ImportCommand.Word<SeedFormat>(parsed, format) ?? (map is null ? null : SeedFormat.Columns),
            Columns = map,
            Encoding = ImportCommand.Word<SecretEncoding>(parsed, encoding),
            Digits = parsed.GetValue(digits),
            Algorithm = ImportCommand.Word<OathAlgorithm>(parsed, algorithm),
        };
    }

    private static System.Security.Cryptography.X509Certificates.X509Certificate2? Signer(ParseResult parsed)
    {
        var (certificate, key) = (parsed.GetValue(signCertificate), parsed.GetValue(signKey));
        if (certificate is null != key is null)
        {
            throw new KeyFileException($"A signature needs both {signCertificate.Name} and {signKey.Name}.");
        }

        try
        {
            return certificate is null ? null : System.Security.Cryptography.X509Certificates.X509Certificate2.CreateFromPemFile(certificate, key);
        }
        catch (System.Security.Cryptography.CryptographicException)
        {
            throw new KeyFileException($"{certificate} and {key} are not a certificate and its private key in PEM form.");
        }
    }

    private static void Write(string path, PskcWriteOptions how, IEnumerable<KeyPackage> packages)
    {
        if (path != "-")
        {
            PskcWriter.WriteFile(path, how, packages);
            return;
        }

        using var output = Console.OpenStandardOutput();
        using var writer = PskcWriter.Create(output, how);
        foreach (var package in packages)
        {
            writer.Write(package);
        }

        writer.Complete();
    }

    /// <summary>Reads the file once more, as whoever gets it will: better now than when the tokens are gone.</summary>
    private static void LookAgain(string path, Recipient recipient, int written)
    {
        if (recipient.Opens is null && recipient.Protection.IsEncrypted)
        {
            return;
        }

        try
        {
            using var stream = File.OpenRead(path);
            using var reader = PskcReader.Open(stream, new PskcReadOptions { Key = recipient.Opens });
            var read = 0;
            foreach (var package in reader.ReadKeyPackages())
            {
                read += package.Keys.Count;
                package.Dispose();
            }

            if (read != written)
            {
                throw new IOException($"{path} holds {read} keys instead of {written}; it was deleted.");
            }
        }
        catch (Exception fault) when (fault is IOException or PskcException)
        {
            File.Delete(path);
            throw;
        }
    }
}
