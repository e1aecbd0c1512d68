using System.Buffers.Binary;
using System.Net.Sockets;

namespace SecurityKeys.Virtual;

/// <summary>
/// Puts a virtual key behind a reader of vsmartcard's vpcd, so that every program that speaks PC/SC meets it.
/// Each message is a two-byte big-endian length and a body; a body of one byte is a control code.
/// </summary>
public static class VpcdCard
{
    private const int QuickAck = 12; // TCP_QUICKACK of Linux

    /// <summary>
    /// Connects (which is inserting the key) and serves until cancelled or the reader goes (pulling it).
    /// </summary>
    public static async Task RunAsync(string host, int port, VirtualKey key, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(key);
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(host, port, cancel).ConfigureAwait(false);
        key.PowerCycle();
        var buffer = new byte[ushort.MaxValue + 2];
        try
        {
            while (await ReadAsync(socket, buffer.AsMemory(0, 2), cancel).ConfigureAwait(false))
            {
                int length = BinaryPrimitives.ReadUInt16BigEndian(buffer);
                if (!await ReadAsync(socket, buffer.AsMemory(0, length), cancel).ConfigureAwait(false)) return;
                if (Answer(key, buffer.AsSpan(0, length)) is not { } answer) continue;

                BinaryPrimitives.WriteUInt16BigEndian(buffer, (ushort)answer.Length);
                answer.Span.CopyTo(buffer.AsSpan(2));
                for (var sent = 0; sent < answer.Length + 2;)
                {
                    sent += await socket.SendAsync(
                        buffer.AsMemory(sent, answer.Length + 2 - sent), cancel).ConfigureAwait(false);
                }
            }
        }
        catch (SocketException)
        {
            // The reader is gone; to the key that is being pulled.
        }
        finally
        {
            key.PowerCycle();
        }
    }

    private static ReadOnlyMemory<byte>? Answer(VirtualKey key, ReadOnlySpan<byte> body)
    {
        if (body.Length != 1) return body.IsEmpty ? null : key.Process(body);
        switch (body[0])
        {
            case 0: // power off
            case 1: // power on
            case 2: // reset
                key.PowerCycle();
                return null;
            case 4: // ask for the answer to reset; pcscd does so several times a second
                return key.AnswerToReset;
            default:
                return null;
        }
    }

    private static async Task<bool> ReadAsync(Socket socket, Memory<byte> into, CancellationToken cancel)
    {
        while (!into.IsEmpty)
        {
            // Without this every APDU waits 40 ms for a delayed acknowledgement; it must be set before each receive.
            if (OperatingSystem.IsLinux()) socket.SetRawSocketOption(6, QuickAck, [1, 0, 0, 0]);
            var count = await socket.ReceiveAsync(into, cancel).ConfigureAwait(false);
            if (count == 0) return false;
            into = into[count..];
        }
        return true;
    }
}
