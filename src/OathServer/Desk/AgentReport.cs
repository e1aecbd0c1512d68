using System.Text.Json;

namespace OathServer.Desk;

/// <summary>The readers of an agent.</summary>
internal sealed record AgentReport(IReadOnlyList<AgentReader> Readers)
{
    /// <summary>More readers than a workstation has.</summary>
    public const int ReadersMax = 1000;

    private const int NameMax = 200;
    private static readonly JsonSerializerOptions Strictly = new(JsonSerializerDefaults.Web) { MaxDepth = 4, RespectRequiredConstructorParameters = true };

    public byte[] Encode() => JsonSerializer.SerializeToUtf8Bytes(this, Strictly);

    public static AgentReport Read(ReadOnlySpan<byte> text)
    {
        try
        {
            if (JsonSerializer.Deserialize<AgentReport>(text, Strictly) is { Readers: { Count: <= ReadersMax } readers } report
                && readers.All(r => r?.Name is { Length: > 0 and <= NameMax } name && !name.Any(char.IsControl))
                && readers.DistinctBy(r => r.Name).Count() == readers.Count)
            {
                return report;
            }
        }
        catch (JsonException)
        {
            // Said below, without the text.
        }

        throw new FrameException("A report of readers cannot be read.");
    }
}

/// <summary>A reader of an agent, and whether a key is in it.</summary>
internal sealed record AgentReader(string Name, bool HasKey);
