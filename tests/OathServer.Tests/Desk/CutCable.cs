using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace OathServer.Tests.Desk;

/// <summary>
/// The cable between a virtual reader and the key in it, cut at its n-th command: before the command arrives, or after it was
/// carried out and before its answer is heard. It is held there until the test has done its harm, and then goes on
/// (<see cref="Release"/>) or is pulled out (<see cref="Dispose"/>).
/// </summary>
internal sealed class CutCable : IDisposable
{
    private const int QuickAck = 12; // TCP_QUICKACK of Linux
    private static readonly byte[] Lost = [0, 2, 0x6F, 0x00];

    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly TaskCompletionSource reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource pulled = new();
    private readonly int cutAt;
    private readonly bool isAfter;

    /// <param name="readerPort">Where vpcd listens.</param>
    /// <param name="cutAt">Which command it is cut at, the first being 1; 0 for none.</param>
    /// <param name="isAfter">The command is carried out.</param>
    public CutCable(int readerPort, int cutAt = 0, bool isAfter = false)
    {
        (this.cutAt, this.isAfter) = (cutAt, isAfter);
        listener.Start();
        Carried = CarryAsync(readerPort);
    }

    /// <summary>Where the key is to be put in.</summary>
    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>Ends when the cut is reached.</summary>
    public Task Reached => reached.Task;

    /// <summary>Ends when the cable is out.</summary>
    public Task Carried { get; }

    /// <summary>Goes on: a command that had not arrived never does, an answer that was held is given.</summary>
    public void Release() => released.TrySetResult();

    /// <summary>Pulls the key.</summary>
    public void Dispose()
    {
        pulled.Cancel();
        listener.Dispose();
    }

    private async Task CarryAsync(int readerPort)
    {
        try
        {
            using var key = await listener.AcceptSocketAsync(pulled.Token);
            using var reader = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            key.NoDelay = true;
            await reader.ConnectAsync(new IPEndPoint(IPAddress.Loopback, readerPort), pulled.Token);
            // vpcd asks one thing at a time: a control code of one byte (4, the answer to reset, is answered) or a command.
            for (var commands = 0; await FrameAsync(reader) is { } frame;)
            {
                var isCommand = frame.Length != 3;
                var isCut = isCommand && ++commands == cutAt;
                if (isCut && !isAfter)
                {
                    await HoldAsync();
                    await reader.SendAsync(Lost, pulled.Token);
                    continue;
                }

                await key.SendAsync(frame, pulled.Token);
                if (!isCommand && frame[2] != 4)
                {
                    continue;
                }

                if (await FrameAsync(key) is not { } answer)
                {
                    return;
                }

                if (isCut)
                {
                    await HoldAsync();
                }

                await reader.SendAsync(answer, pulled.Token);
            }
        }
        catch (Exception gone) when (gone is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // pulled
        }
    }

    private Task HoldAsync()
    {
        reached.TrySetResult();
        return released.Task.WaitAsync(pulled.Token);
    }

    /// <summary>Two bytes of length and what they say; null when the other side is gone.</summary>
    private async Task<byte[]?> FrameAsync(Socket from)
    {
        var head = new byte[2];
        if (!await FillAsync(from, head))
        {
            return null;
        }

        var frame = new byte[2 + BinaryPrimitives.ReadUInt16BigEndian(head)];
        head.CopyTo(frame, 0);
        return await FillAsync(from, frame.AsMemory(2)) ? frame : null;
    }

    private async Task<bool> FillAsync(Socket from, Memory<byte> into)
    {
        while (!into.IsEmpty)
        {
            // vpcd sends length and body apart: without this the second waits 40 ms for the acknowledgement of the first.
            from.SetRawSocketOption(6, QuickAck, [1, 0, 0, 0]);
            var count = await from.ReceiveAsync(into, pulled.Token);
            if (count == 0)
            {
                return false;
            }

            into = into[count..];
        }

        return true;
    }
}
