using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using OathServer.Import.Export;
using Pskc;

namespace OathServer.Import;

/// <summary><c>pskc inspect FILE</c>: what is in a key container, secrets masked unless asked for. Touches no server.</summary>
internal static class PskcCommand
{
    private static readonly JsonSerializerOptions Indented = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static Command Create()
    {
        var file = new Argument<string>("file") { Description = "The key container; - for standard input." };
        var keys = new KeyFileOptions();
        var trust = new Option<string?>("--trust-file") { Description = "PEM certificates of who may sign; the file must then be signed." };
        var dialect = new Option<Dialect?>("--dialect") { Description = "Force a dialect instead of recognising it." };
        var show = new Option<bool>("--show-secrets") { Description = "Print the secrets in hexadecimal." };
        var rsa15 = new Option<bool>("--allow-rsa15") { Description = "Read RSA PKCS#1 v1.5 values." };
        var json = new Option<bool>("--json") { Description = "For scripts: an array, one object a key." };
        var inspect = new Command("inspect", "Prints what is in a key container. Exit 2 and one line on a bad file.") { file, trust, dialect, show, rsa15, json };
        keys.AddTo(inspect);
        inspect.SetAction(parsed =>
        {
            try
            {
                using var key = keys.Read(parsed);
                var options = new PskcReadOptions
                {
                    Key = key,
                    MacKey = keys.ReadMacKey(parsed),
                    Dialect = parsed.GetValue(dialect),
                    AllowRsa15 = parsed.GetValue(rsa15),
                    TrustAnchors = parsed.GetValue(trust) is { } pem ? KeyFileOptions.ReadCertificates(pem) : null,
                };
                using var stream = parsed.GetRequiredValue(file) is var path && path == "-" ? Console.OpenStandardInput() : File.OpenRead(path);
                Inspect(stream, options, parsed.GetValue(show), parsed.GetValue(json));
                return 0;
            }
            catch (Exception fault) when (fault is PskcException or IOException or UnauthorizedAccessException or KeyFileException)
            {
                Console.Error.WriteLine(fault.Message);
                return 2;
            }
        });
        return new Command("pskc", "Key containers (RFC 6030).") { inspect, PskcCreateCommand.Create() };
    }

    private static void Inspect(Stream stream, PskcReadOptions options, bool showSecrets, bool asJson)
    {
        using var reader = PskcReader.Open(stream, options);
        var found = new List<Line>();
        foreach (var package in reader.ReadKeyPackages())
        {
            using (package)
            {
                found.AddRange(package.Keys.Select(key => Of(package, key, showSecrets)));
            }
        }

        foreach (var warning in reader.Warnings)
        {
            Console.Error.WriteLine($"warning: {warning}");
        }

        if (asJson)
        {
            Console.WriteLine(JsonSerializer.Serialize(found, Indented));
            return;
        }

        Console.WriteLine($"{reader.Header.Dialect}, version {reader.Header.Version}, {(reader.Header.IsEncrypted ? $"encrypted ({reader.Header.EncryptionKind})" : "not encrypted")}, {found.Count} keys");
        Console.WriteLine($"{"serial",-20} {"algorithm",-10} {"hash",-7} {"digits",6} {"counter",20} {"step",5}  secret");
        foreach (var line in found)
        {
            Console.WriteLine($"{line.Serial ?? line.Id,-20} {line.Algorithm,-10} {line.Hash,-7} {line.Digits,6} {line.Counter,20} {line.TimeStep,5}  {line.SecretHex ?? (line.SecretBytes is { } bytes ? $"{bytes} bytes" : "none")}{(line.Unusable is null ? "" : $"  UNUSABLE: {line.Unusable}")}");
        }
    }

    private static Line Of(KeyPackage package, Key key, bool showSecrets) => new(
        package.SerialNo, key.Id, key.Algorithm.ToString().ToLowerInvariant(), key.Hash?.ToString().ToUpperInvariant(), key.ResponseFormat?.Length,
        key.Counter, key.TimeInterval, key.TimeDrift, package.Manufacturer, package.Model, package.IssueNo, key.UserId ?? package.UserId,
        key.Suite, key.AlgorithmUri, key.Secret?.Length, showSecrets && key.Secret is { } secret ? Convert.ToHexString(secret) : null,
        key.WeakReason, key.UnusableReason, key.Line);

    private sealed record Line(
        string? Serial, string? Id, string Algorithm, string? Hash, int? Digits, long? Counter, int? TimeStep, int? TimeDrift,
        string? Manufacturer, string? Model, string? IssueNumber, string? User, string? Suite, string? AlgorithmUri,
        int? SecretBytes, string? SecretHex, string? Weak, string? Unusable, [property: JsonPropertyName("line")] int Number);
}
