using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using OathServer.Provisioning;
using SecurityKeys.Cards;

namespace OathServer.Desk;

/// <summary>The server's end of an agent's line: its readers appear among the server's own, as <c>agent: reader</c>, and
/// the workflow drives the keys in them one APDU at a time. When the line drops, every key on it was pulled.</summary>
internal sealed class AgentLine(WebSocket socket, string agent, KeyReaders readers) : IDisposable
{
    public const string Kind = "desk";

    /// <summary>How long a card may think, a touch included; a line that says nothing for longer is given up.</summary>
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(60);

    private readonly AgentFrames frames = new(socket);
    private readonly ConcurrentDictionary<uint, TaskCompletionSource<byte[]>> waiting = new();
    private readonly Dictionary<string, PluggedReader> lent = new(StringComparer.Ordinal);
    private uint lastSession;
    private volatile bool isDown;

    /// <summary>Serves the line until it closes; <paramref name="seen"/> is told of each report and may end it by false.</summary>
    public async Task RunAsync(Func<Task<bool>> seen, CancellationToken cancel)
    {
        try
        {
            await frames.ReceiveAllAsync(async (kind, session, payload) =>
            {
                if (kind == FrameKind.Report)
                {
                    Lend(AgentReport.Read(payload.Span));
                    if (!await seen())
                    {
                        Abort();
                    }

                    return;
                }

                Take(kind, session, payload.Span);
            }, cancel);
        }
        finally
        {
            Abort();
            foreach (var reader in lent.Values)
            {
                readers.Unplug(reader);
            }
        }
    }

    /// <summary>Drops the line; whoever waits for a card is told that it was pulled.</summary>
    public void Abort()
    {
        isDown = true;
        socket.Abort();
        foreach (var session in waiting.Keys)
        {
            if (waiting.TryRemove(session, out var waits))
            {
                waits.TrySetException(new CardRemovedException(agent));
            }
        }
    }

    public void Dispose() => frames.Dispose();

    private void Lend(AgentReport report)
    {
        var now = report.Readers.ToDictionary(r => $"{agent}: {r.Name}", StringComparer.Ordinal);
        foreach (var gone in lent.Keys.Except(now.Keys).ToList())
        {
            readers.Unplug(lent[gone]);
            lent.Remove(gone);
        }

        foreach (var (name, reader) in now)
        {
            if (!lent.TryGetValue(name, out var known))
            {
                lent[name] = known = readers.Plug(name, Kind, () => new LentCard(this, name, reader.Name));
            }

            known.HasKey = reader.HasKey;
        }
    }

    private void Take(FrameKind kind, uint session, ReadOnlySpan<byte> payload)
    {
        if (!waiting.TryRemove(session, out var waits))
        {
            throw new FrameException("An answer to nothing that was asked.");
        }

        switch (kind)
        {
            case FrameKind.Opened or FrameKind.Answer:
                waits.TrySetResult(payload.ToArray());
                break;
            case FrameKind.Fault:
                waits.TrySetException(payload.IsEmpty ? new SmartCardException("The desk agent could not reach the card.") : (FrameFault)payload[0] switch
                {
                    FrameFault.Removed => new CardRemovedException(agent),
                    FrameFault.Reset => new CardResetException(agent),
                    FrameFault.Busy => new SmartCardException("Another program at that desk holds the key."),
                    _ => new SmartCardException("The desk agent could not reach the card."),
                });
                break;
            default:
                throw new FrameException("A frame only a server sends.");
        }
    }

    private byte[] Ask(FrameKind kind, uint session, ReadOnlyMemory<byte> payload)
    {
        var waits = new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        waiting[session] = waits;
        if (isDown)
        {
            waiting.TryRemove(session, out _);
            throw new CardRemovedException(agent);
        }

        try
        {
            // A reader on the wire is waited for like one on a cable. Who waits may be a page that is being drawn, so that nothing
            // below may want to go on where it was called.
            return AskAsync().WaitAsync(AnswerTime).GetAwaiter().GetResult();
        }
        catch (Exception fault) when (fault is WebSocketException or ObjectDisposedException or TimeoutException or OperationCanceledException)
        {
            waiting.TryRemove(session, out _);
            Abort();
            throw new CardRemovedException(agent);
        }

        async Task<byte[]> AskAsync()
        {
            await frames.SendAsync(kind, session, payload, CancellationToken.None).ConfigureAwait(false);
            return await waits.Task.ConfigureAwait(false);
        }
    }

    private void Tell(uint session)
    {
        if (isDown)
        {
            return;
        }

        try
        {
            frames.SendAsync(FrameKind.Close, session, default, CancellationToken.None).WaitAsync(AnswerTime).GetAwaiter().GetResult();
        }
        catch (Exception fault) when (fault is WebSocketException or ObjectDisposedException or TimeoutException or OperationCanceledException)
        {
            Abort();
        }
    }

    /// <summary>A card in a reader of the agent.</summary>
    private sealed class LentCard : ISmartCardConnection
    {
        private readonly AgentLine line;
        private readonly uint session;

        public LentCard(AgentLine line, string name, string reader)
        {
            this.line = line;
            ReaderName = name;
            session = Interlocked.Increment(ref line.lastSession);
            AnswerToReset = line.Ask(FrameKind.Open, session, Encoding.UTF8.GetBytes(reader));
        }

        public string ReaderName { get; }

        public ReadOnlyMemory<byte> AnswerToReset { get; }

        public byte[] Transmit(ReadOnlySpan<byte> command)
        {
            var copy = command.ToArray();
            try
            {
                return line.Ask(FrameKind.Command, session, copy);
            }
            finally
            {
                CryptographicOperations.ZeroMemory(copy);
            }
        }

        // The agent holds the key from other programs for as long as it is open.
        public IDisposable BeginTransaction() => new Held();

        public void Dispose() => line.Tell(session);

        private sealed class Held : IDisposable
        {
            public void Dispose()
            {
            }
        }
    }
}
