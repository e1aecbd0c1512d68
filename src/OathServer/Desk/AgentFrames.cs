using System.Buffers.Binary;
using System.Net.WebSockets;
using System.Security.Cryptography;

namespace OathServer.Desk;

/// <summary>What a frame between server and agent is. The numbers are the protocol's.</summary>
internal enum FrameKind : byte
{
    /// <summary>Agent: its readers, as JSON.</summary>
    Report = 1,

    /// <summary>Server: open the key in a reader; the payload is its name.</summary>
    Open = 2,

    /// <summary>Agent: it is open; the payload is the answer to reset.</summary>
    Opened = 3,

    /// <summary>Server: one command APDU.</summary>
    Command = 4,

    /// <summary>Agent: the card's answer.</summary>
    Answer = 5,

    /// <summary>Agent: it cannot be done; one byte says why (<see cref="FrameFault"/>).</summary>
    Fault = 6,

    /// <summary>Server: close the key.</summary>
    Close = 7,
}

/// <summary>Why the agent could not do it.</summary>
internal enum FrameFault : byte
{
    Removed = 1,
    Reset = 2,
    Busy = 3,
    Other = 4,
}

/// <summary>The other side does not keep to the protocol.</summary>
internal sealed class FrameException(string message) : Exception(message);

/// <summary>
/// Frames on one WebSocket: a kind, a session number of four bytes, a payload; one binary message each. Bounded both ways,
/// one at a time each way, and cleared after use, as they may carry PINs. Nothing here is ever logged.
/// </summary>
internal sealed class AgentFrames(WebSocket socket) : IDisposable
{
    /// <summary>An extended APDU and its head.</summary>
    public const int FrameMax = HeadLength + 66_000;

    private const int HeadLength = 5;

    private readonly byte[] received = new byte[FrameMax];
    private readonly byte[] sent = new byte[FrameMax];
    private readonly SemaphoreSlim turn = new(1, 1);

    public async Task SendAsync(FrameKind kind, uint session, ReadOnlyMemory<byte> payload, CancellationToken cancel)
    {
        if (payload.Length > FrameMax - HeadLength)
        {
            throw new FrameException("A frame would be too long.");
        }

        await turn.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            sent[0] = (byte)kind;
            BinaryPrimitives.WriteUInt32BigEndian(sent.AsSpan(1), session);
            payload.CopyTo(sent.AsMemory(HeadLength));
            await socket.SendAsync(sent.AsMemory(0, HeadLength + payload.Length), WebSocketMessageType.Binary, endOfMessage: true, cancel).ConfigureAwait(false);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(sent.AsSpan(0, HeadLength + payload.Length));
            turn.Release();
        }
    }

    /// <summary>Takes frames until the line closes. The payload is the handler's only until it returns.</summary>
    /// <exception cref="FrameException">The other side broke the protocol; the line is of no use any more.</exception>
    public async Task ReceiveAllAsync(Func<FrameKind, uint, ReadOnlyMemory<byte>, Task> take, CancellationToken cancel)
    {
        while (true)
        {
            var length = 0;
            ValueWebSocketReceiveResult part;
            do
            {
                if (length == FrameMax)
                {
                    throw new FrameException("A frame is too long.");
                }

                part = await socket.ReceiveAsync(received.AsMemory(length), cancel);
                length += part.Count;
            }
            while (!part.EndOfMessage);

            if (part.MessageType == WebSocketMessageType.Close)
            {
                return;
            }

            if (part.MessageType != WebSocketMessageType.Binary || length < HeadLength || !Enum.IsDefined((FrameKind)received[0]))
            {
                throw new FrameException("A frame is not of this protocol.");
            }

            try
            {
                await take((FrameKind)received[0], BinaryPrimitives.ReadUInt32BigEndian(received.AsSpan(1)), received.AsMemory(HeadLength, length - HeadLength));
            }
            finally
            {
                CryptographicOperations.ZeroMemory(received.AsSpan(0, length));
            }
        }
    }

    public void Dispose() => turn.Dispose();
}
