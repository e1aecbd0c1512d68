using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;
using Oath;
using OathServer.Import.Formats;
using OathServer.Operations;
using Pskc;

namespace OathServer.Import;

/// <summary>An upload as it was sent: the file, how to import it, and what opens it. Disposing it clears the keys.</summary>
internal sealed class ImportRequest : IDisposable
{
    public const string KeyHeader = "X-PSKC-Key";
    public const string PassphraseHeader = "X-PSKC-Passphrase";
    public const string MacKeyHeader = "X-PSKC-MAC-Key";

    private const int FieldMax = 64 * 1024;
    private const int OwnersMax = 16 * 1024 * 1024;

    private static readonly string[] known =
        ["dryRun", "partial", "batch", "realm", "format", "from", "columns", "encoding", "digits", "algorithm", "mac", "weak", "integers", "fileName", "ignoreOwners"];

    private MemoryStream? buffered;
    private string? privateKey;
    private string? privateKeyPassphrase;

    public Stream File { get; private set; } = Stream.Null;

    public string FileName { get; private set; } = "upload";

    public ImportOptions Options { get; private set; } = new();

    /// <summary>Reads everything but the file, which a raw body leaves to be streamed; a file in a form is held in memory,
    /// never on disk, since its keys may come after it.</summary>
    /// <exception cref="BadHttpRequestException">The request is not one; 400.</exception>
    public static async Task<ImportRequest> ReadAsync(HttpContext http, CancellationToken cancel)
    {
        http.Features.Get<IHttpMaxRequestBodySizeFeature>()!.MaxRequestBodySize = Limits.ImportMax;
        // The reader is synchronous and has a thread of its own.
        http.Features.Get<IHttpBodyControlFeature>()!.AllowSynchronousIO = true;
        var request = new ImportRequest();
        try
        {
            request.ReadQuery(http.Request.Query);
            request.ReadHeaders(http.Request);
            if (MediaTypeHeaderValue.TryParse(http.Request.ContentType, out var type) && type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase))
            {
                await request.ReadFormAsync(http.Request, type, cancel);
            }
            else
            {
                request.File = http.Request.Body;
                request.Options = request.Options with { Length = http.Request.ContentLength };
            }

            request.TakePrivateKey();
            return request;
        }
        catch (Exception fault)
        {
            request.Dispose();
            if (BrokenForm.Is(fault))
            {
                throw BrokenForm.Refusal(fault);
            }

            throw;
        }
    }

    /// <summary>The form of a page, read already. Without a file the one of <paramref name="before"/> is taken again.</summary>
    /// <exception cref="BadHttpRequestException">A field is not what it should be.</exception>
    /// <exception cref="ImportRefusedException">The list of owners is none.</exception>
    public static async Task<ImportRequest> OfFormAsync(IFormCollection form, ImportRequest? before, CancellationToken cancel)
    {
        var request = new ImportRequest();
        try
        {
            foreach (var (name, value) in form.Where(f => f.Value.ToString().Length > 0 && f.Key is not "held" && f.Key[0] != '_'))
            {
                request.TakeField(name, value.ToString());
            }

            var file = form.Files.GetFile("file") is { Length: > 0 } sent ? sent : null;
            if (file is null && before is null)
            {
                throw new BadHttpRequestException("Choose a seed file.");
            }

            request.FileName = file is null ? before!.FileName : Name("file", Path.GetFileName(file.FileName));
            request.buffered = Held(file is null ? before!.buffered!.ToArray() : await OctetsAsync(file, cancel));
            request.File = request.buffered;
            request.Options = request.Options with { Length = request.buffered.Length };
            if (form.Files.GetFile("owners") is { Length: > 0 } owners)
            {
                using var list = owners.OpenReadStream();
                request.Options = request.Options with { Owners = OwnerList.Read(list) };
            }

            if (form.Files.GetFile("privateKey") is { Length: > 0 and < FieldMax } pem)
            {
                request.privateKey = Encoding.UTF8.GetString(await OctetsAsync(pem, cancel));
            }

            request.TakePrivateKey();
            return request;
        }
        catch
        {
            request.Dispose();
            throw;
        }
    }

    /// <summary>With its buffer at hand, to be cleared.</summary>
    private static MemoryStream Held(byte[] octets) => new(octets, 0, octets.Length, writable: true, publiclyVisible: true);

    private static async Task<byte[]> OctetsAsync(IFormFile file, CancellationToken cancel)
    {
        var octets = new byte[file.Length];
        await using var stream = file.OpenReadStream();
        await stream.ReadExactlyAsync(octets, cancel);
        return octets;
    }

    private void ReadQuery(IQueryCollection query)
    {
        foreach (var (name, values) in query)
        {
            if (!known.Contains(name, StringComparer.Ordinal))
            {
                throw new BadHttpRequestException(name.Contains("key", StringComparison.OrdinalIgnoreCase) || name.Contains("pass", StringComparison.OrdinalIgnoreCase)
                    ? $"A key or passphrase was sent in the address, where logs keep it. Consider it disclosed; send it in {KeyHeader}, {PassphraseHeader} or a form field."
                    : $"There is no parameter {Shown(name)}. Parameters are: {string.Join(", ", known)}.");
            }

            if (values.Count != 1)
            {
                throw new BadHttpRequestException($"The parameter {name} is there more than once.");
            }

            Take(name, values[0] ?? "");
        }
    }

    /// <summary>One setting, from the query or a form field.</summary>
    private void Take(string name, string value) => Options = name switch
    {
        "dryRun" => Options with { DryRun = Flag(name, value) },
        "partial" => Options with { Partial = Flag(name, value) },
        "ignoreOwners" => Options with { IgnoreOwners = Flag(name, value) },
        "batch" => Options with { Batch = Name(name, value) },
        "realm" => Options with { Realm = Name(name, value) },
        "format" => Options with { Format = Word<SeedFormat>(name, value) },
        "from" => Options with { From = Word<OldSystem>(name, value) },
        "encoding" => Options with { Encoding = Word<SecretEncoding>(name, value) },
        "algorithm" => Options with { Algorithm = Word<OathAlgorithm>(name, value) },
        "mac" => Options with { MacPolicy = Word<MacPolicy>(name, value) },
        "weak" => Options with { Weak = Word<WeakSecrets>(name, value) },
        "integers" => Options with { IntegerReading = Word<IntegerReading>(name, value) },
        "columns" => Options with { Columns = Columns(value), Format = Options.Format ?? SeedFormat.Columns },
        "digits" => Options with { Digits = value is ['6'] or ['7'] or ['8'] or ['9'] ? value[0] - '0' : value == "10" ? 10 : throw new BadHttpRequestException("digits is 6 to 10.") },
        "fileName" => WithFileName(value),
        _ => throw new BadHttpRequestException($"There is no field {Shown(name)}."),
    };

    private ImportOptions WithFileName(string value)
    {
        FileName = Name("fileName", Path.GetFileName(value));
        return Options;
    }

    private void ReadHeaders(HttpRequest request)
    {
        TakeSecret(request.Headers[KeyHeader].ToString(), hex => Options = Options with { Key = KeySource.PreSharedKey(Hex(KeyHeader, hex)) });
        TakeSecret(request.Headers[PassphraseHeader].ToString(), TakePassphrase);
        TakeSecret(request.Headers[MacKeyHeader].ToString(), hex => Options = Options with { MacKey = Hex(MacKeyHeader, hex) });
    }

    private async Task ReadFormAsync(HttpRequest request, MediaTypeHeaderValue type, CancellationToken cancel)
    {
        var boundary = HeaderUtilities.RemoveQuotes(type.Boundary).Value;
        if (string.IsNullOrEmpty(boundary))
        {
            throw new BadHttpRequestException("The form has no boundary.");
        }

        var reader = new MultipartReader(boundary, request.Body) { BodyLengthLimit = Limits.ImportMax };
        while (await reader.ReadNextSectionAsync(cancel) is { } section)
        {
            if (!ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out var disposition))
            {
                throw new BadHttpRequestException("A part of the form has no Content-Disposition.");
            }

            var name = HeaderUtilities.RemoveQuotes(disposition.Name).Value ?? "";
            switch (name)
            {
                case "file" when buffered is null:
                    FileName = Name("file", Path.GetFileName(HeaderUtilities.RemoveQuotes(disposition.FileName).Value) is { Length: > 0 } given ? given : FileName);
                    buffered = new MemoryStream();
                    await section.Body.CopyToAsync(buffered, cancel);
                    buffered.Position = 0;
                    File = buffered;
                    Options = Options with { Length = buffered.Length };
                    break;
                case "owners":
                    using (var owners = await HoldAsync(section.Body, OwnersMax, name, cancel))
                    {
                        Options = Options with { Owners = OwnerList.Read(owners) };
                    }

                    break;
                default:
                    using (var field = await HoldAsync(section.Body, FieldMax, name, cancel))
                    {
                        TakeField(name, Encoding.UTF8.GetString(field.GetBuffer(), 0, (int)field.Length));
                        CryptographicOperations.ZeroMemory(field.GetBuffer());
                    }

                    break;
            }
        }

        if (buffered is null)
        {
            throw new BadHttpRequestException("The form has no part named file.");
        }
    }

    private static async Task<MemoryStream> HoldAsync(Stream body, int max, string name, CancellationToken cancel)
    {
        var held = new MemoryStream();
        var buffer = new byte[4096];
        while (await body.ReadAsync(buffer, cancel) is > 0 and var count)
        {
            if (held.Length + count > max)
            {
                throw new BadHttpRequestException($"The field {Shown(name)} is longer than {max} octets.");
            }

            held.Write(buffer, 0, count);
        }

        CryptographicOperations.ZeroMemory(buffer);
        held.Position = 0;
        return held;
    }

    private void TakeField(string name, string value)
    {
        switch (name)
        {
            case "key":
                TakeSecret(value, hex => Options = Options with { Key = KeySource.PreSharedKey(Hex(name, hex)) });
                break;
            case "passphrase":
                TakeSecret(value, TakePassphrase);
                break;
            case "macKey":
                TakeSecret(value, hex => Options = Options with { MacKey = Hex(name, hex) });
                break;
            case "privateKey":
                privateKey = value;
                break;
            case "privateKeyPassphrase":
                privateKeyPassphrase = value;
                break;
            default:
                Take(name, value);
                break;
        }
    }

    private void TakePassphrase(string text) => Options = Options with { Key = KeySource.Passphrase(text) };

    /// <summary>Once, and from one place: two different keys would leave open which one counted.</summary>
    private void TakeSecret(string value, Action<string> take)
    {
        if (value.Length == 0)
        {
            return;
        }

        var before = Options.Key;
        take(value);
        if (before is not null && Options.Key != before)
        {
            before.Dispose();
            throw new BadHttpRequestException("Send one key or one passphrase, not several.");
        }
    }

    private void TakePrivateKey()
    {
        if (privateKey is null)
        {
            return;
        }

        try
        {
            TakeSecret(privateKey, pem => Options = Options with { Key = KeySource.FromPem(pem, privateKeyPassphrase) });
        }
        catch (PskcException fault)
        {
            throw new BadHttpRequestException(fault.Message);
        }
    }

    private static byte[] Hex(string where, string text)
    {
        try
        {
            return Convert.FromHexString(text.Trim());
        }
        catch (FormatException)
        {
            // Without the text: it is a key.
            throw new BadHttpRequestException($"{where} is not hexadecimal: an even number of digits 0 to 9 and A to F.");
        }
    }

    private static bool Flag(string name, string value) => value switch
    {
        "true" or "1" => true,
        "false" or "0" => false,
        _ => throw new BadHttpRequestException($"{name} is true or false."),
    };

    private static string Name(string name, string value) => value.Trim() is { Length: > 0 and <= 256 } text && !text.Any(char.IsControl)
        ? text
        : throw new BadHttpRequestException($"{name} is 1 to 256 characters without control characters.");

    private static T Word<T>(string name, string value) where T : struct, Enum => KebabNames.TryParse<T>(value, out var word)
        ? word
        : throw new BadHttpRequestException($"{name} is one of: {string.Join(", ", KebabNames.All<T>())}.");

    private static ColumnMap Columns(string value) => ColumnMap.TryParse(value, out var map, out var fault)
        ? map
        : throw new BadHttpRequestException($"columns: {fault}");

    private static string Shown(string name) => new([.. name.Take(32).Select(c => char.IsControl(c) ? '?' : c)]);

    public void Dispose()
    {
        Options.Key?.Dispose();
        if (buffered is not null)
        {
            CryptographicOperations.ZeroMemory(buffered.TryGetBuffer(out var octets) ? octets : default);
            buffered.Dispose();
        }
    }
}
