using System.Globalization;
using System.Security.Cryptography;
using Oath;

namespace OathServer.Load;

/// <summary>The tokens of the load: serial number, secret and codes follow from the index alone.</summary>
internal static class LoadTokens
{
    public const int Digits = 6;
    public const int SerialLength = 10;

    public static string Serial(int index) => string.Create(CultureInfo.InvariantCulture, $"L{index:D9}");

    public static byte[] Secret(int index)
    {
        var name = new byte[SerialLength];
        WriteSerial(index, name);
        return SHA1.HashData(name);
    }

    public static void WriteSerial(int index, Span<byte> into)
    {
        into[0] = (byte)'L';
        WriteDigits((uint)index, into[1..SerialLength]);
    }

    /// <summary>Right-aligned, padded with zeros.</summary>
    public static void WriteDigits(uint value, Span<byte> into)
    {
        for (var i = into.Length - 1; i >= 0; i--)
        {
            into[i] = (byte)('0' + (value % 10));
            value /= 10;
        }
    }
}

/// <summary>Codes computed ahead, each to be used once: the tokens in one shuffled order at counter 0, then all of them
/// at counter 1, and so on. Not for several threads.</summary>
internal sealed class CodeBook
{
    private readonly int[] order;
    private readonly OathKey[] keys;
    private readonly long firstCounter;
    private readonly Queue<(int Token, uint Code)> ready = new();
    private long computed;

    public CodeBook(int tokens, long firstCounter = 0)
    {
        this.firstCounter = firstCounter;
        order = [.. Enumerable.Range(0, tokens)];
        new Random(4226).Shuffle(order);
        keys = new OathKey[tokens];
        Parallel.For(0, tokens, i => keys[i] = OathKey.Create(OathAlgorithm.Sha1, LoadTokens.Secret(i)));
    }

    /// <summary>Computes codes until <paramref name="count"/> wait; called outside the timed part.</summary>
    public void Prepare(int count)
    {
        while (ready.Count < count)
        {
            var token = order[computed % order.Length];
            var counter = (ulong)(firstCounter + (computed / order.Length));
            ready.Enqueue((token, Hotp.Compute(keys[token], counter, LoadTokens.Digits)));
            computed++;
        }
    }

    public int Ready => ready.Count;

    public (int Token, uint Code) Next() => ready.Dequeue();
}

/// <summary>What a driver sends: whole HTTP/1.1 requests.</summary>
internal abstract class Requests
{
    /// <summary>Writes the next request; 0 when there is none left.</summary>
    public abstract int Write(Span<byte> into);

    protected static byte[] Frame(Uri server, string? apiKey, string body) => System.Text.Encoding.ASCII.GetBytes(
        $"POST /v1/validate HTTP/1.1\r\nHost: {server.Authority}\r\nContent-Type: application/json\r\n"
        + (apiKey is null ? "" : $"X-API-Key: {apiKey}\r\n")
        + $"Content-Length: {body.Length}\r\n\r\n{body}");

    protected const string Body = """{"serial":"L000000000","code":"000000"}""";
}

/// <summary>The same request over and over, for an endpoint that looks at nothing.</summary>
internal sealed class ConstantRequests(Uri server, string? apiKey) : Requests
{
    private readonly byte[] request = Frame(server, apiKey, Body);

    public override int Write(Span<byte> into)
    {
        request.CopyTo(into);
        return request.Length;
    }
}

/// <summary>Validations, each code once.</summary>
internal sealed class ValidationRequests(Uri server, string? apiKey, CodeBook codes) : Requests
{
    private readonly byte[] template = Frame(server, apiKey, Body);

    public override int Write(Span<byte> into)
    {
        if (codes.Ready == 0)
        {
            return 0;
        }

        var (token, code) = codes.Next();
        template.CopyTo(into);
        var body = into[(template.Length - Body.Length)..template.Length];
        LoadTokens.WriteSerial(token, body.Slice(Body.IndexOf("L0", StringComparison.Ordinal), LoadTokens.SerialLength));
        LoadTokens.WriteDigits(code, body.Slice(Body.Length - 2 - LoadTokens.Digits, LoadTokens.Digits));
        return template.Length;
    }
}
