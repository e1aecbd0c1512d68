using System.CommandLine;
using Oath;
using OathServer.Audit;
using OathServer.Import.Formats;
using OathServer.Operations;
using OathServer.Storage;
using OathServer.Validation;
using Pskc;

namespace OathServer.Import;

/// <summary><c>import FILE</c>: what <c>POST /v1/imports</c> does, on the server's own machine.</summary>
internal static class ImportCommand
{
    private const int BadFile = 2;

    private static readonly Argument<string> file = new("FILE") { Description = "The seed file; - reads standard input, so that it need not lie on disk." };
    private static readonly Option<bool> dryRun = new("--dry-run") { Description = "Report what would happen and change nothing." };
    private static readonly Option<bool> partial = new("--partial") { Description = "Import the keys that can be; otherwise one refused key refuses the file." };
    private static readonly Option<string?> batch = new("--batch") { Description = "The batch the tokens belong to." };
    private static readonly Option<string> realm = new("--realm") { Description = "The realm of the tokens and their owners.", DefaultValueFactory = _ => ValidateEndpoint.DefaultRealm };
    private static readonly Option<string?> owners = new("--owners") { Description = "A CSV file of serial,user: who gets which key. Wins over the file." };
    private static readonly Option<bool> ignoreOwners = new("--ignore-owners") { Description = "Leave the owners named in the file aside." };
    private static readonly Option<string?> format = Words<SeedFormat>("--format", "What the file is, when its content leaves it open.");
    private static readonly Option<string?> from = Words<OldSystem>("--from", "The server the file comes from: its columns, its way of counting, and what cannot be carried are then known.");
    private static readonly Option<string?> columns = new("--columns") { Description = "Which column holds what: serial=1,secret=3,counter=4, or header names." };
    private static readonly Option<string?> encoding = Words<SecretEncoding>("--encoding", "How secrets are written, when the format leaves it open.");
    private static readonly Option<int?> digits = new("--digits") { Description = "Digits of a code, where the file does not say. 6 when left out." };
    private static readonly Option<string?> algorithm = Words<OathAlgorithm>("--algorithm", "The hash of a text file's tokens, where it does not say; sha1 when left out.");
    private static readonly Option<string?> mac = Words<MacPolicy>("--mac", "What a bad or missing MAC does; fail-hard when left out.");
    private static readonly Option<string?> weak = Words<WeakSecrets>("--weak", "What a short or published secret does; warn when left out.");
    private static readonly Option<string?> integers = Words<IntegerReading>("--integers", "How an encrypted counter that could be two numbers is read.");
    private static readonly Option<string?> trust = new("--trust-file") { Description = "PEM certificates of who may sign; the file must then be signed." };
    private static readonly Option<bool> rsa15 = new("--allow-rsa15") { Description = "Read RSA PKCS#1 v1.5 values." };
    private static readonly Option<bool> json = new("--json") { Description = "Print the report as JSON." };

    public static Command Create()
    {
        var keys = new KeyFileOptions();
        var command = new Command("import", "Imports a seed file: the whole of it, or nothing.")
        {
            file, dryRun, partial, batch, realm, owners, ignoreOwners, format, from, columns, encoding, digits, algorithm, mac, weak, integers,
            trust, rsa15, json,
        };
        keys.AddTo(command);
        command.SetAction((parsed, cancel) => RunAsync(parsed, keys, cancel));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, KeyFileOptions keys, CancellationToken cancel)
    {
        try
        {
            using var key = keys.Read(parsed);
            var path = parsed.GetRequiredValue(file);
            await using var stream = path == "-" ? Console.OpenStandardInput() : File.OpenRead(path);
            var options = Options(parsed) with
            {
                Key = key,
                MacKey = keys.ReadMacKey(parsed),
                Length = stream.CanSeek ? stream.Length : null,
            };
            await using var host = await OathHost.OpenStorageAsync(cancel);
            await using var scope = host.Services.CreateAsyncScope();
            var progress = new ProgressLine();
            var report = await host.Services.GetRequiredService<ShipmentImport>().ImportAsync(
                scope.ServiceProvider.GetRequiredService<OathDbContext>(), stream, path == "-" ? "standard input" : Path.GetFileName(path),
                options with { Progress = progress.Show }, AuditEvent.OnThisMachine(), cancel);
            progress.Clear();
            ReportText.Write(report, parsed.GetValue(json));
            if (report.Totals.Refused > 0 && !options.Partial)
            {
                await Console.Error.WriteLineAsync($"{report.Totals.Refused} of {report.Totals.Keys} keys would be refused, and with them the file.");
                return BadFile;
            }

            return 0;
        }
        catch (ImportRefusedException refusal)
        {
            if (refusal.Report is { } report && parsed.GetValue(json))
            {
                ReportText.Write(report, asJson: true);
            }

            return await FailAsync($"Nothing was imported: {refusal.Message}");
        }
        catch (Exception fault) when (fault is PskcException or IOException or UnauthorizedAccessException or KeyFileException or InvalidOperationException or StorageUnavailableException)
        {
            return await FailAsync(fault.Message);
        }
        catch (OperationCanceledException)
        {
            return await FailAsync("The import was cancelled. Nothing of the file is in the store.");
        }
    }

    private static ImportOptions Options(ParseResult parsed)
    {
        ColumnMap? map = null;
        if (parsed.GetValue(columns) is { } text && !ColumnMap.TryParse(text, out map, out var fault))
        {
            throw new KeyFileException($"--columns: {fault}");
        }

        return new ImportOptions
        {
            DryRun = parsed.GetValue(dryRun),
            Partial = parsed.GetValue(partial),
            Batch = parsed.GetValue(batch),
            Realm = parsed.GetRequiredValue(realm),
            Owners = parsed.GetValue(owners) is { } list ? ReadOwners(list) : null,
            IgnoreOwners = parsed.GetValue(ignoreOwners),
            Format = Word<SeedFormat>(parsed, format) ?? (map is null ? null : SeedFormat.Columns),
            From = Word<OldSystem>(parsed, from),
            Columns = map,
            Encoding = Word<SecretEncoding>(parsed, encoding),
            Digits = parsed.GetValue(digits),
            Algorithm = Word<OathAlgorithm>(parsed, algorithm),
            MacPolicy = Word<MacPolicy>(parsed, mac) ?? MacPolicy.FailHard,
            Weak = Word<WeakSecrets>(parsed, weak) ?? WeakSecrets.Warn,
            IntegerReading = Word<IntegerReading>(parsed, integers) ?? IntegerReading.Refuse,
            TrustAnchors = parsed.GetValue(trust) is { } pem ? KeyFileOptions.ReadCertificates(pem) : null,
            AllowRsa15 = parsed.GetValue(rsa15),
        };
    }

    private static OwnerList ReadOwners(string path)
    {
        using var stream = File.OpenRead(path);
        return OwnerList.Read(stream);
    }

    internal static Option<string?> Words<T>(string name, string description) where T : struct, Enum
    {
        var option = new Option<string?>(name) { Description = $"{description} One of: {string.Join(", ", KebabNames.All<T>())}." };
        option.AcceptOnlyFromAmong(KebabNames.All<T>());
        return option;
    }

    internal static T? Word<T>(ParseResult parsed, Option<string?> option) where T : struct, Enum =>
        KebabNames.TryParse<T>(parsed.GetValue(option), out var word) ? word : null;

    internal static async Task<int> FailAsync(string line)
    {
        await Console.Error.WriteLineAsync(line.ReplaceLineEndings(" "));
        return BadFile;
    }
}
