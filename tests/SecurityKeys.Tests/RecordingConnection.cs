using SecurityKeys.Cards;

namespace SecurityKeys.Tests;

/// <summary>A card that answers what it is told to, and remembers what it was sent.</summary>
internal sealed class RecordingConnection(Func<byte[], byte[]> answer) : ISmartCardConnection
{
    public List<byte[]> Sent { get; } = [];

    public string ReaderName => "recorder";

    public ReadOnlyMemory<byte> AnswerToReset => default;

    public byte[] Transmit(ReadOnlySpan<byte> command)
    {
        Sent.Add(command.ToArray());
        return answer(Sent[^1]);
    }

    public IDisposable BeginTransaction() => this;

    public void Dispose()
    {
    }
}
