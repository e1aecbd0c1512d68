using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace OathServer.Fault.Tests.Nodes;

/// <summary>The network between a node and its database, which can be cut in two ways and healed.</summary>
internal sealed class TcpProxy : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stop = new();
    private readonly ConcurrentDictionary<Socket, bool> open = new();
    private readonly int target;
    private readonly Task accepting;
    private volatile TaskCompletionSource? silence;
    private volatile bool refusing;

    public TcpProxy(int target)
    {
        this.target = target;
        listener.Start();
        accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>All connections break, new ones are closed at once.</summary>
    public void Refuse()
    {
        refusing = true;
        CloseAll();
    }

    /// <summary>Nothing gets through any more, and nobody is told: a pulled cable.</summary>
    public void FallSilent() => silence = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>New connections work; what was silent is broken.</summary>
    public void Heal()
    {
        refusing = false;
        CloseAll();
        var ended = silence;
        silence = null;
        ended?.SetResult();
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Stop();
        Heal();
        await accepting;
        stop.Dispose();
    }

    private void CloseAll()
    {
        foreach (var socket in open.Keys)
        {
            socket.Dispose();
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var near = await listener.AcceptSocketAsync(stop.Token);
                if (refusing)
                {
                    near.Dispose();
                    continue;
                }

                _ = CarryAsync(near);
            }
        }
        catch (Exception fault) when (fault is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Stopped.
        }
    }

    private async Task CarryAsync(Socket near)
    {
        using var far = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        near.NoDelay = true;
        open[near] = true;
        open[far] = true;
        try
        {
            if (silence is { } quiet)
            {
                await quiet.Task;
            }

            await far.ConnectAsync(IPAddress.Loopback, target);
            await Task.WhenAny(PumpAsync(near, far), PumpAsync(far, near));
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            // One side is gone, so the other goes too.
        }
        finally
        {
            open.TryRemove(near, out _);
            open.TryRemove(far, out _);
            near.Dispose();
        }
    }

    private async Task PumpAsync(Socket from, Socket to)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer) is var count and > 0)
            {
                if (silence is { } quiet)
                {
                    await quiet.Task;
                    return;
                }

                for (var sent = 0; sent < count;)
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, count - sent));
                }
            }
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            // As above.
        }
    }
}
