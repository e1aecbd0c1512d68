using System.Net;
using System.Net.Sockets;

namespace OathServer.Tests.Desk;

/// <summary>The cable between a virtual reader and the key in it, on which the key's answer can be held back: the command
/// is done and its answer is not there yet, for as long as a test needs to do harm in between.</summary>
internal sealed class HeldCable : IDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly TaskCompletionSource held = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Func<bool> isMoment;

    /// <param name="readerPort">Where vpcd listens.</param>
    /// <param name="isMoment">Asked before each answer: whether this is the one to hold.</param>
    public HeldCable(int readerPort, Func<bool> isMoment)
    {
        this.isMoment = isMoment;
        listener.Start();
        _ = CarryAsync(readerPort);
    }

    /// <summary>Where the key is to be put in.</summary>
    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>Ends when an answer is being held.</summary>
    public Task Held => held.Task;

    public void Release() => released.TrySetResult();

    public void Dispose()
    {
        Release();
        listener.Dispose();
    }

    private async Task CarryAsync(int readerPort)
    {
        using var key = await listener.AcceptSocketAsync();
        using var reader = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        key.NoDelay = true;
        await reader.ConnectAsync(IPAddress.Loopback, readerPort);
        // Either side gone is the key pulled.
        await Task.WhenAny(PassAsync(reader, key, () => Task.CompletedTask), PassAsync(key, reader, HoldAsync));
    }

    private Task HoldAsync()
    {
        if (!isMoment())
        {
            return Task.CompletedTask;
        }

        held.TrySetResult();
        return released.Task;
    }

    private static async Task PassAsync(Socket from, Socket to, Func<Task> before)
    {
        var buffer = new byte[4096];
        try
        {
            while (await from.ReceiveAsync(buffer) is > 0 and var count)
            {
                await before();
                for (var sent = 0; sent < count;)
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, count - sent));
                }
            }
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
            // pulled
        }
    }
}
