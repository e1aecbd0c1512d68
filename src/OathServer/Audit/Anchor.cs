using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace OathServer.Audit;

/// <summary>Where one chain ends: the acts, or the validations of one node.</summary>
internal sealed record ChainHead(string Chain, long Sequence, string Mac)
{
    public const string Acts = "acts";

    public static string Validations(int node) => $"validations/{node}";
}

/// <summary>A signed statement of how far the chains had come, kept where the database's files are not: a database that
/// stands before it, or holds another entry at its place, was rolled back, truncated or rebuilt.</summary>
/// <param name="At">When it was made.</param>
/// <param name="Epoch">How often this store was restored before.</param>
/// <param name="Heads">The ends of all chains.</param>
/// <param name="Signature">HMAC-SHA-256 under the chain's key over the other members.</param>
internal sealed record Anchor(DateTimeOffset At, int Epoch, IReadOnlyList<ChainHead> Heads, string Signature)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectRequiredConstructorParameters = true,
        RespectNullableAnnotations = true,
    };

    public static Anchor Sign(ReadOnlySpan<byte> key, DateTimeOffset at, int epoch, IReadOnlyList<ChainHead> heads) =>
        new(at, epoch, heads, Convert.ToHexString(Mac(key, at, epoch, heads)));

    public bool IsSignedBy(ReadOnlySpan<byte> key)
    {
        var mac = new byte[HMACSHA256.HashSizeInBytes];
        return Convert.FromHexString(Signature, mac, out _, out var written) == System.Buffers.OperationStatus.Done
            && written == mac.Length && CryptographicOperations.FixedTimeEquals(mac, Mac(key, At, Epoch, Heads));
    }

    /// <summary>One line, without its end.</summary>
    public string ToLine() => JsonSerializer.Serialize(this, Json);

    /// <summary>Null for what is no anchor.</summary>
    public static Anchor? Parse(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<Anchor>(line, Json);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static byte[] Mac(ReadOnlySpan<byte> key, DateTimeOffset at, int epoch, IReadOnlyList<ChainHead> heads)
    {
        // "anchor" keeps these apart from the links, which are made with the same key.
        var text = new StringBuilder("anchor\n").Append(at.ToUnixTimeMilliseconds()).Append('\n').Append(epoch).Append('\n');
        foreach (var head in heads)
        {
            text.Append(head.Chain).Append('\t').Append(head.Sequence).Append('\t').Append(head.Mac).Append('\n');
        }

        return HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text.ToString()));
    }
}
