using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace OathServer.Load;

/// <summary>What one phase of an open loop saw. Times in milliseconds, from when a request was sent; <paramref name="Late"/> is how much
/// later than due the client, which shares the cores, came to send (99th percentile).</summary>
internal sealed record Phase(double Offered, double Accepted, double Shed, double AcceptedP50, double AcceptedP99, double ShedP99, double Late, int Refused, int Other, int WithoutRetryAfter);

/// <summary>
/// Requests at a rate of their own, whether or not earlier ones were answered: each is due at its time. A code that was turned away
/// unseen takes the next request's turn, so that no token's codes overtake one another. One thread, epoll(7).
/// </summary>
internal sealed partial class OpenLoop : IDisposable
{
    private readonly Connection[] connections;
    // In turn: one that is left out for two minutes is closed by the server.
    private readonly Queue<Connection> idle = new();
    private readonly Queue<(int Token, uint Code)> again = new();
    private readonly CodeBook codes;
    private readonly byte[] template;
    private readonly int serialAt, codeAt;
    private readonly int epoll;

    public OpenLoop(Uri address, int connections, string apiKey, CodeBook codes)
    {
        const string body = """{"serial":"L000000000","code":"000000"}""";
        this.codes = codes;
        template = Encoding.ASCII.GetBytes(
            $"POST /v1/validate HTTP/1.1\r\nHost: {address.Authority}\r\nContent-Type: application/json\r\nX-API-Key: {apiKey}\r\nContent-Length: {body.Length}\r\n\r\n{body}");
        serialAt = template.Length - body.Length + body.IndexOf("L0", StringComparison.Ordinal);
        codeAt = template.Length - 2 - LoadTokens.Digits;
        epoll = CreateEpoll(0);
        this.connections = new Connection[connections];
        for (var i = 0; i < connections; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            socket.Connect(IPAddress.Loopback, address.Port);
            socket.Blocking = false;
            this.connections[i] = new Connection(socket);
            var entry = new EpollEntry { Events = EpollIn, Data = i };
            _ = ControlEpoll(epoll, 1, (int)socket.Handle, ref entry);
            idle.Enqueue(this.connections[i]);
        }
    }

    /// <summary>Offers <paramref name="perSecond"/> for so long, then waits for what is in flight.</summary>
    public Phase Run(double perSecond, TimeSpan length)
    {
        List<double> accepted = [], shed = [], late = [];
        var (refused, other, bare, sent) = (0, 0, 0, 0L);
        Span<EpollEntry> entries = new EpollEntry[256];
        var start = Stopwatch.GetTimestamp();
        while (true)
        {
            var elapsed = Stopwatch.GetElapsedTime(start);
            var due = (long)(Math.Min(elapsed.TotalSeconds, length.TotalSeconds) * perSecond);
            // Few at a time, so that answers are read in between.
            for (var burst = 0; sent < due && burst < 32 && idle.Count > 0; burst++)
            {
                Send(idle.Dequeue(), start + (long)(sent++ / perSecond * Stopwatch.Frequency));
            }

            if (elapsed >= length && idle.Count == connections.Length)
            {
                break;
            }

            var ready = WaitEpoll(epoll, ref MemoryMarshal.GetReference(entries), entries.Length, sent < due && idle.Count > 0 ? 0 : 1);
            for (var i = 0; i < ready; i++)
            {
                var connection = connections[entries[i].Data];
                if (connection.Receive() is not { } answer)
                {
                    continue;
                }

                var took = Stopwatch.GetElapsedTime(connection.SentAt).TotalMilliseconds;
                late.Add(Stopwatch.GetElapsedTime(connection.DueAt, connection.SentAt).TotalMilliseconds);
                switch (answer.Status)
                {
                    case 200 when answer.Accepted:
                        accepted.Add(took);
                        break;
                    case 200:
                        refused++;
                        break;
                    case 429 or 503:
                        shed.Add(took);
                        bare += answer.SaysWhen ? 0 : 1;
                        again.Enqueue(connection.Code);
                        break;
                    default:
                        other++;
                        break;
                }

                idle.Enqueue(connection);
            }
        }

        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return new Phase(sent / length.TotalSeconds, accepted.Count / seconds, shed.Count / seconds, At(accepted, 0.5), At(accepted, 0.99), At(shed, 0.99), At(late, 0.99), refused, other, bare);
    }

    public void Dispose()
    {
        foreach (var connection in connections)
        {
            connection.Socket.Dispose();
        }

        _ = Close(epoll);
    }

    private static double At(List<double> times, double part)
    {
        times.Sort();
        return times.Count == 0 ? 0 : times[Math.Min(times.Count - 1, (int)(times.Count * part))];
    }

    private void Send(Connection connection, long dueAt)
    {
        if (codes.Ready == 0)
        {
            codes.Prepare(4096);
        }

        connection.Code = again.Count > 0 ? again.Dequeue() : codes.Next();
        LoadTokens.WriteSerial(connection.Code.Token, template.AsSpan(serialAt, LoadTokens.SerialLength));
        LoadTokens.WriteDigits(connection.Code.Code, template.AsSpan(codeAt, LoadTokens.Digits));
        (connection.DueAt, connection.SentAt) = (dueAt, Stopwatch.GetTimestamp());
        if (connection.Socket.Send(template) != template.Length)
        {
            throw new InvalidOperationException("A request did not fit into the socket's buffer.");
        }
    }

    private const uint EpollIn = 1;

    [StructLayout(LayoutKind.Sequential, Pack = 4)]
    private struct EpollEntry
    {
        public uint Events;
        public long Data;
    }

    [LibraryImport("libc", EntryPoint = "epoll_create1")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int CreateEpoll(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int ControlEpoll(int epoll, int operation, int descriptor, ref EpollEntry entry);

    [LibraryImport("libc", EntryPoint = "epoll_wait")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int WaitEpoll(int epoll, ref EpollEntry entries, int count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Close(int descriptor);

    private readonly record struct Answer(int Status, bool Accepted, bool SaysWhen);

    private sealed class Connection(Socket socket)
    {
        private readonly byte[] buffer = new byte[4096];
        private int filled;

        public Socket Socket => socket;

        public (int Token, uint Code) Code { get; set; }

        public long DueAt { get; set; }

        public long SentAt { get; set; }

        /// <summary>Null until the whole answer is there.</summary>
        public Answer? Receive()
        {
            var read = socket.Receive(buffer.AsSpan(filled));
            filled += read > 0 ? read : throw new InvalidOperationException("The server closed a connection.");
            ReadOnlySpan<byte> text = buffer.AsSpan(0, filled);
            var head = text.IndexOf("\r\n\r\n"u8);
            if (head < 0)
            {
                return null;
            }

            var top = text[..head];
            var body = text[(head + 4)..];
            var at = top.IndexOf("Content-Length: "u8);
            var whole = at < 0 ? body.EndsWith("0\r\n\r\n"u8) : System.Buffers.Text.Utf8Parser.TryParse(top[(at + 16)..], out int length, out _) && body.Length >= length;
            if (!whole)
            {
                return null;
            }

            filled = 0;
            return new Answer(int.Parse(top[9..12], NumberStyles.None, CultureInfo.InvariantCulture), body.IndexOf("\"accepted\":true"u8) >= 0, top.IndexOf("Retry-After: "u8) >= 0);
        }
    }
}
