using System.Buffers;
using System.ComponentModel;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using SecurityKeys.Cards;
using SecurityKeys.OathApplet;
using SecurityKeys.Piv;

namespace SecurityKeys.External;

/// <summary>
/// Keys whose maker offers only a closed command line, driven by a small program of the operator's that speaks JSON
/// lines on standard input and output (docs/keys.md). Secrets go over the pipe only, never into arguments.
/// </summary>
public sealed class ExternalKeyDriver : IAsyncDisposable
{
    /// <summary>The version of the protocol.</summary>
    public const int Protocol = 1;

    /// <summary>The longest line taken from the program.</summary>
    public const int LineBytesMax = 65536;

    private const int MessageMax = 200;

    private readonly Process process;
    private readonly ExternalDriverOptions options;
    private readonly SemaphoreSlim turn = new(1, 1);
    private readonly byte[] pending = new byte[LineBytesMax];
    private int pendingLength;
    private long lastId;

    private ExternalKeyDriver(Process process, ExternalDriverOptions options) =>
        (this.process, this.options) = (process, options);

    /// <summary>It ended, was stopped or broke the protocol: nothing more can be asked of it, start another.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>What the program says of itself.</summary>
    public ExternalDriverInfo Info { get; private set; } =
        new("", [], KeyProfile.External.Pin, KeyProfile.External.Puk);

    /// <summary>Starts the program and greets it.</summary>
    public static async Task<ExternalKeyDriver> StartAsync(
        ExternalDriverOptions options, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var start = new ProcessStartInfo(options.Program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (var argument in options.Arguments) start.ArgumentList.Add(argument);
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw new SmartCardException($"The external driver \"{options.Program}\" cannot be started.", e);
        }
        // Its complaints may quote what it was sent: they are drained so that it cannot hang, and not kept.
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        var driver = new ExternalKeyDriver(process, options);
        try
        {
            driver.Info = await driver.GreetAsync(cancel).ConfigureAwait(false);
            return driver;
        }
        catch
        {
            await driver.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Names of the readers that hold a key this program can drive.</summary>
    public Task<IReadOnlyList<string>> ListAsync(CancellationToken cancel = default) =>
        AskAsync<IReadOnlyList<string>>("list", "", [], answer =>
            [.. Member(answer, "readers", JsonValueKind.Array).EnumerateArray()
                .Select(r => r.GetString() ?? throw Broken("a reader is not a text"))], cancel);

    /// <summary>The key's identity.</summary>
    public Task<Cuid> ReadCuidAsync(string reader, CancellationToken cancel = default) =>
        AskAsync("token-cuid", reader, [], answer =>
            Cuid.TryParse(Member(answer, "cuid", JsonValueKind.String).GetString(), CuidSource.External, out var cuid)
                ? cuid
                : throw Broken("\"cuid\" is not 4 to 64 hexadecimal digits"), cancel);

    /// <summary>What the key says of itself without a PIN.</summary>
    public Task<ExternalKeyProperties> ReadPropertiesAsync(string reader, CancellationToken cancel = default) =>
        AskAsync("properties", reader, [], answer =>
        {
            var told = Member(answer, "properties", JsonValueKind.Object);
            return new ExternalKeyProperties(
                Flag(told, "PUKInitialized"), Flag(told, "ForcePinChange"),
                told.TryGetProperty("PinTriesLeft", out var left) && left.TryGetInt32(out var n) ? n : null);
        }, cancel);

    /// <summary>Sets the PUK, authorised by the PIN.</summary>
    public Task<PinVerdict> PutPukAsync(
        string reader, ReadOnlyMemory<byte> pin, ReadOnlyMemory<byte> puk, CancellationToken cancel = default) =>
        JudgeAsync("puk-put", reader, [("pin", pin), ("puk", puk)], cancel);

    /// <summary>Changes the PIN.</summary>
    public Task<PinVerdict> ChangePinAsync(
        string reader, ReadOnlyMemory<byte> current, ReadOnlyMemory<byte> next, CancellationToken cancel = default) =>
        JudgeAsync("pin-change", reader, [("pin", current), ("newPin", next)], cancel);

    /// <summary>A new PIN by means of the PUK; the verdict is on the PUK.</summary>
    public Task<PinVerdict> UnblockPinAsync(
        string reader, ReadOnlyMemory<byte> puk, ReadOnlyMemory<byte> nextPin, CancellationToken cancel = default) =>
        JudgeAsync("pin-unblock", reader, [("puk", puk), ("newPin", nextPin)], cancel);

    /// <summary>Makes the key insist on a new PIN at its next use.</summary>
    public Task<PinVerdict> ForcePinChangeAsync(
        string reader, ReadOnlyMemory<byte> pin, CancellationToken cancel = default) =>
        JudgeAsync("force-pin-change", reader, [("pin", pin)], cancel);

    /// <summary>
    /// Writes an OATH credential, authorised by the PIN; one of the same name is replaced. Repeating it does no harm.
    /// </summary>
    public Task<PinVerdict> PutOathAsync(
        string reader, ReadOnlyMemory<byte> pin, ExternalOathCredential credential, ReadOnlyMemory<byte> secret,
        CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(credential);
        var hex = new byte[secret.Length * 2];
        for (var i = 0; i < secret.Length; i++)
            _ = secret.Span[i].TryFormat(hex.AsSpan(i * 2), out _, "X2");
        return ClearingAsync(hex, AskAsync("oath-put", reader, [("pin", pin), ("secretHex", hex)], Accept, cancel, Judge, json =>
        {
            json.WriteString("name", credential.Name);
            json.WriteString("type", credential.Type == OathType.Hotp ? "hotp" : "totp");
            json.WriteString("algorithm", credential.Algorithm switch
            {
                OathAlgorithm.Sha256 => "SHA256",
                OathAlgorithm.Sha512 => "SHA512",
                _ => "SHA1",
            });
            json.WriteNumber("digits", credential.Digits);
            json.WriteNumber("counter", credential.Counter);
            json.WriteNumber("period", credential.PeriodSeconds);
        }));
    }

    /// <summary>
    /// One code of a credential; an HOTP credential has moved on after it. <paramref name="time"/> is for TOTP.
    /// </summary>
    /// <exception cref="PinRefusedException">The PIN was wrong.</exception>
    public async Task<string> ReadCodeAsync(
        string reader, ReadOnlyMemory<byte> pin, string name, DateTimeOffset time, CancellationToken cancel = default)
    {
        PinVerdict? refused = null;
        var code = await AskAsync("oath-code", reader, [("pin", pin)],
            answer => Member(answer, "code", JsonValueKind.String).GetString() is { Length: >= 6 and <= 10 } told
                && told.All(char.IsAsciiDigit) ? told : throw Broken("\"code\" is not 6 to 10 digits"),
            cancel, error => Judge(error) is PinVerdict verdict ? (refused = verdict, "").Item2 : null, json =>
            {
                json.WriteString("name", name);
                json.WriteNumber("time", time.ToUnixTimeSeconds());
            }).ConfigureAwait(false);
        refused?.ThrowIfRefused("ask the key for a code");
        return code;
    }

    /// <summary>Closes the program's input, which tells it to end, and stops it if it does not.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            process.StandardInput.Close();
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
            await process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            process.Kill(entireProcessTree: true);
        }
        CryptographicOperations.ZeroMemory(pending);
        process.Dispose();
        turn.Dispose();
    }

    private Task<ExternalDriverInfo> GreetAsync(CancellationToken cancel) =>
        AskAsync("hello", "", [], answer =>
        {
            if (!Member(answer, "protocol", JsonValueKind.Number).TryGetInt32(out var protocol) || protocol != Protocol)
                throw Broken($"it speaks another protocol than {Protocol}");
            var rules = Member(answer, "rules", JsonValueKind.Object);
            return new ExternalDriverInfo(
                Member(answer, "name", JsonValueKind.String).GetString()!,
                [.. Member(answer, "operations", JsonValueKind.Array).EnumerateArray()
                    .Select(o => o.GetString() ?? "")],
                Rule(Member(rules, "pin", JsonValueKind.Object)), Rule(Member(rules, "puk", JsonValueKind.Object)));
        }, cancel);

    private Task<PinVerdict> JudgeAsync(
        string operation, string reader, (string, ReadOnlyMemory<byte>)[] secrets, CancellationToken cancel) =>
        AskAsync(operation, reader, secrets, Accept, cancel, Judge);

    private static PinVerdict Accept(JsonElement answer) => new(PinOutcome.Accepted, null);

    private static object? Judge(JsonElement error) => error.GetProperty("error").GetString() switch
    {
        "wrong" => new PinVerdict(PinOutcome.Wrong,
            error.TryGetProperty("triesLeft", out var left) && left.ValueKind == JsonValueKind.Number
                && left.TryGetInt32(out var n) ? n : null),
        "blocked" => new PinVerdict(PinOutcome.Blocked, 0),
        _ => null,
    };

    private static async Task<T> ClearingAsync<T>(byte[] secret, Task<T> work)
    {
        try
        {
            return await work.ConfigureAwait(false);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    private async Task<T> AskAsync<T>(
        string operation, string reader, (string Name, ReadOnlyMemory<byte> Value)[] secrets,
        Func<JsonElement, T> take, CancellationToken cancel, Func<JsonElement, object?>? takeError = null,
        Action<Utf8JsonWriter>? more = null)
    {
        await turn.WaitAsync(cancel).ConfigureAwait(false);
        if (IsBroken)
        {
            turn.Release();
            throw new SmartCardException("The external driver has ended; it is started again at the next look.");
        }

        // From here: the time in the queue is others'.
        using var silent = new CancellationTokenSource(options.AnswerTimeout, options.Time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel, silent.Token);
        var whole = false;
        try
        {
            var id = ++lastId;
            await SendAsync(id, operation, reader, secrets, more, limit.Token).ConfigureAwait(false);
            using var answer = await ReadAsync(limit.Token).ConfigureAwait(false);
            var root = answer.RootElement;
            if (root.ValueKind != JsonValueKind.Object) throw Broken("a line is not an object");
            if (!Member(root, "id", JsonValueKind.Number).TryGetInt64(out var answered) || answered != id)
                throw Broken("it answers another request");
            // In step from here on, whatever the answer is: what follows belongs to the next request.
            whole = true;
            if (Flag(root, "ok") == true) return take(root);

            var code = Member(root, "error", JsonValueKind.String).GetString()!;
            if (takeError?.Invoke(root) is T verdict) return verdict;
            throw new ExternalDriverException(Plain(code, secrets), Plain(
                root.TryGetProperty("message", out var m) && m.ValueKind == JsonValueKind.String ? m.GetString()! : "", secrets));
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            process.Kill(entireProcessTree: true);
            throw new SmartCardException(
                $"The external driver did not answer \"{operation}\" in time and was stopped.");
        }
        catch (IOException e)
        {
            throw new SmartCardException("The external driver ended in the middle.", e);
        }
        finally
        {
            IsBroken |= !whole;
            turn.Release();
        }
    }

    // A message ends in a job's trouble and in the audit trail: a script that quotes what it was sent does not get it there.
    private static string Plain(string text, (string Name, ReadOnlyMemory<byte> Value)[] secrets)
    {
        foreach (var (_, value) in secrets)
            if (!value.IsEmpty)
                text = text.Replace(System.Text.Encoding.UTF8.GetString(value.Span), "…", StringComparison.OrdinalIgnoreCase);
        return text.Length <= MessageMax ? text : text[..MessageMax] + "…";
    }

    private async Task SendAsync(
        long id, string operation, string reader, (string Name, ReadOnlyMemory<byte> Value)[] secrets,
        Action<Utf8JsonWriter>? more, CancellationToken cancel)
    {
        var line = new ArrayBufferWriter<byte>(1024);
        await using (var json = new Utf8JsonWriter(line))
        {
            json.WriteStartObject();
            json.WriteNumber("id", id);
            json.WriteString("op", operation);
            if (reader.Length > 0) json.WriteString("reader", reader);
            more?.Invoke(json);
            foreach (var (name, value) in secrets) json.WriteString(name, value.Span);
            json.WriteEndObject();
        }
        line.Write("\n"u8);
        try
        {
            await process.StandardInput.BaseStream.WriteAsync(line.WrittenMemory, cancel).ConfigureAwait(false);
            await process.StandardInput.BaseStream.FlushAsync(cancel).ConfigureAwait(false);
        }
        finally
        {
            line.Clear(); // which zeroes
        }
    }

    private async Task<JsonDocument> ReadAsync(CancellationToken cancel)
    {
        for (var searched = 0; ;)
        {
            var end = pending.AsSpan(searched, pendingLength - searched).IndexOf((byte)'\n');
            if (end >= 0)
            {
                end += searched;
                // A copy, because the document reads from its bytes for as long as it lives.
                var line = pending.AsSpan(0, end).ToArray();
                pending.AsSpan(end + 1, pendingLength - end - 1).CopyTo(pending);
                pendingLength -= end + 1;
                try
                {
                    return JsonDocument.Parse(line, new JsonDocumentOptions { MaxDepth = 8 });
                }
                catch (JsonException)
                {
                    throw Broken("a line is not JSON"); // without the parser's message: it may quote the line
                }
            }
            searched = pendingLength;
            if (pendingLength == LineBytesMax) throw Broken("a line is too long");
            var count = await process.StandardOutput.BaseStream
                .ReadAsync(pending.AsMemory(pendingLength), cancel).ConfigureAwait(false);
            if (count == 0) throw new IOException("end of output");
            pendingLength += count;
        }
    }

    private static JsonElement Member(JsonElement parent, string name, JsonValueKind kind) =>
        parent.TryGetProperty(name, out var value) && value.ValueKind == kind
            ? value
            : throw Broken($"\"{name}\" is missing or of the wrong kind");

    private static bool? Flag(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.ValueKind == JsonValueKind.True
            : null;

    private static SecretRule Rule(JsonElement rule) =>
        Member(rule, "min", JsonValueKind.Number).TryGetInt32(out var min) && min is > 0 and <= 64
        && Member(rule, "max", JsonValueKind.Number).TryGetInt32(out var max) && max >= min && max <= 64
        && Member(rule, "alphabet", JsonValueKind.String).GetString() is { Length: >= 2 and <= 95 } alphabet
        && alphabet.All(char.IsAscii)
            ? new SecretRule(min, max, alphabet) { Factory = Factory(rule, max) }
            : throw Broken("a rule is not usable");

    private static string? Factory(JsonElement rule, int max) =>
        !rule.TryGetProperty("factory", out var told) || told.ValueKind == JsonValueKind.Null ? null
        : told.ValueKind == JsonValueKind.String && told.GetString() is { Length: > 0 } value && value.Length <= max
            && value.All(char.IsAscii) ? value : throw Broken("a factory value is not usable");

    private static BadCardAnswerException Broken(string what) =>
        new($"The external driver breaks the protocol: {what}.");
}
