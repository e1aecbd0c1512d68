using System.Buffers.Text;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace OathServer.Load;

/// <summary>What one timed window saw. Times in milliseconds.</summary>
internal sealed record Window(int Requests, double Seconds, double P50, double P99, double P999, double Longest, int Refused, double ServerCpuMicroseconds)
{
    public double PerSecond => Requests / Seconds;
}

/// <summary>
/// A closed-loop HTTP/1.1 client that costs little, as it shares the machine with the server it measures: one thread,
/// poll(2) over keep-alive connections, one request in flight on each, nothing allocated a request.
/// </summary>
internal sealed partial class HttpDriver : IDisposable
{
    private readonly Connection[] connections;
    private readonly PollEntry[] polls;
    private readonly Requests requests;
    private readonly Process? server;
    private readonly byte[] request = new byte[1024];
    private long[] latencies = new long[1 << 16];

    public HttpDriver(Uri address, int connections, Requests requests, Process? server = null)
    {
        this.requests = requests;
        this.server = server;
        this.connections = new Connection[connections];
        polls = new PollEntry[connections];
        for (var i = 0; i < connections; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            socket.Connect(IPAddress.Loopback, address.Port);
            socket.Blocking = false;
            this.connections[i] = new Connection(socket);
            polls[i] = new PollEntry { Descriptor = (int)socket.Handle, Events = PollIn };
        }
    }

    /// <summary>Drives for <paramref name="duration"/> and waits for what is then still in flight.</summary>
    public Window Run(TimeSpan duration)
    {
        var count = 0;
        var refused = 0;
        var cpu = Cpu();
        var start = Stopwatch.GetTimestamp();
        var end = start + (long)(duration.TotalSeconds * Stopwatch.Frequency);
        var inFlight = 0;
        foreach (var connection in connections)
        {
            inFlight += Send(connection) ? 1 : 0;
        }

        while (inFlight > 0)
        {
            if (Poll(polls, (nuint)polls.Length, 10_000) == 0)
            {
                throw new TimeoutException("The server did not answer for 10 seconds.");
            }

            for (var i = 0; i < connections.Length; i++)
            {
                if (polls[i].Returned == 0)
                {
                    continue;
                }

                var connection = connections[i];
                if (!connection.Receive(out var accepted))
                {
                    continue;
                }

                var now = Stopwatch.GetTimestamp();
                if (count == latencies.Length)
                {
                    Array.Resize(ref latencies, latencies.Length * 2);
                }

                latencies[count++] = now - connection.SentAt;
                refused += accepted ? 0 : 1;
                inFlight -= now < end && Send(connection) ? 0 : 1;
            }
        }

        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var used = Cpu() - cpu;
        Array.Sort(latencies, 0, count);
        return new Window(
            count, seconds, At(0.5), At(0.99), At(0.999), At(1), refused, used.TotalMicroseconds / count);

        double At(double part) =>
            Stopwatch.GetElapsedTime(0, latencies[Math.Min(count - 1, (int)(count * part))]).TotalMilliseconds;
    }

    public void Dispose()
    {
        foreach (var connection in connections)
        {
            connection.Socket.Dispose();
        }
    }

    private TimeSpan Cpu()
    {
        server?.Refresh();
        return server?.TotalProcessorTime ?? TimeSpan.Zero;
    }

    private bool Send(Connection connection)
    {
        var length = requests.Write(request);
        if (length == 0)
        {
            return false;
        }

        connection.SentAt = Stopwatch.GetTimestamp();
        if (connection.Socket.Send(request.AsSpan(0, length)) != length)
        {
            throw new InvalidOperationException("A request did not fit into the socket's buffer.");
        }

        return true;
    }

    private const short PollIn = 1;

    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    [LibraryImport("libc", EntryPoint = "poll")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Poll([In, Out] PollEntry[] entries, nuint count, int milliseconds);

    private sealed class Connection(Socket socket)
    {
        private readonly byte[] buffer = new byte[8192];
        private int filled;

        public Socket Socket => socket;

        public long SentAt { get; set; }

        /// <summary>True once a whole answer is there.</summary>
        public bool Receive(out bool accepted)
        {
            accepted = false;
            var read = socket.Receive(buffer.AsSpan(filled));
            if (read == 0)
            {
                throw new InvalidOperationException("The server closed a connection.");
            }

            filled += read;
            ReadOnlySpan<byte> text = buffer.AsSpan(0, filled);
            var head = text.IndexOf("\r\n\r\n"u8);
            if (head < 0)
            {
                return false;
            }

            var body = text[(head + 4)..];
            var at = text[..head].IndexOf("Content-Length: "u8);
            if (at >= 0)
            {
                if (!Utf8Parser.TryParse(text[(at + 16)..], out int length, out _) || body.Length < length)
                {
                    return false;
                }
            }
            else if (!body.EndsWith("0\r\n\r\n"u8))
            {
                return false;
            }

            accepted = text[9..12].SequenceEqual("200"u8) && body.IndexOf("\"accepted\":true"u8) >= 0;
            filled = 0;
            return true;
        }
    }
}
