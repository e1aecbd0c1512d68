using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using OathServer.Provisioning;
using SecurityKeys.Cards;

namespace OathServer.Desk;

/// <summary>The agent's end of the line: says what is in the readers, opens a key when asked, carries single APDUs. Knows
/// nothing of what they mean, keeps none, logs none. One line to the server, outbound; made again when it drops.</summary>
internal sealed class AgentRun(Uri server, string credential, KeyReaders readers, TextWriter log)
{
    /// <summary>Keys open at once, those still closing among them; more are refused.</summary>
    internal const int SessionsMax = 16;

    // ISO 7816-3: a header, three bytes of length, 65,535 of data, two of expected length.
    private const int CommandMin = 4;
    private const int CommandMax = 4 + 3 + 65_535 + 2;

    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan ReportEvery = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(30);

    /// <summary>Serves until stopped. False when the server does not know this agent (any more).</summary>
    public async Task<bool> RunAsync(CancellationToken cancel)
    {
        var wait = TimeSpan.FromSeconds(1);
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                using var socket = new ClientWebSocket();
                socket.Options.SetRequestHeader(AgentsEndpoint.CredentialHeader, credential);
                socket.Options.KeepAliveInterval = TimeSpan.FromSeconds(15);
                socket.Options.KeepAliveTimeout = TimeSpan.FromSeconds(15);
                socket.Options.CollectHttpResponseDetails = true;
                try
                {
                    await socket.ConnectAsync(LineOf(server), cancel);
                }
                catch (WebSocketException) when (socket.HttpStatusCode == HttpStatusCode.Unauthorized)
                {
                    await log.WriteLineAsync("The server does not know this agent: it was revoked. Enrol it again with --code.");
                    return false;
                }

                await log.WriteLineAsync($"Connected to {server}. Ctrl+C takes the readers back.");
                wait = TimeSpan.FromSeconds(1);
                await ServeAsync(socket, cancel);
                await log.WriteLineAsync("The server closed the line.");
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                break;
            }
            catch (Exception fault) when (fault is WebSocketException or FrameException or OperationCanceledException or ObjectDisposedException)
            {
                await log.WriteLineAsync($"The line to {server} is down ({fault.Message}); trying again in {wait.TotalSeconds:0} s.");
            }

            await Task.Delay(wait, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            wait = wait * 2 < WaitMax ? wait * 2 : WaitMax;
        }

        return true;
    }

    private static Uri LineOf(Uri server) => new UriBuilder(new Uri(server, "v1/agents/line"))
    {
        Scheme = server.Scheme == Uri.UriSchemeHttps ? Uri.UriSchemeWss : Uri.UriSchemeWs,
    }.Uri;

    private async Task ServeAsync(ClientWebSocket socket, CancellationToken cancel)
    {
        using var frames = new AgentFrames(socket);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var sessions = new Dictionary<uint, LentKey>();
        var reporting = ReportAsync(frames, ends.Token);
        try
        {
            var receiving = frames.ReceiveAllAsync((kind, session, payload) => TakeAsync(frames, sessions, kind, session, payload, ends.Token), ends.Token);
            await await Task.WhenAny(receiving, reporting);
        }
        finally
        {
            // Keys are let go before the next line: another program, or that line, may want them.
            await ends.CancelAsync();
            socket.Abort();
            foreach (var key in sessions.Values)
            {
                await key.CloseAsync();
            }

            await reporting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ReportAsync(AgentFrames frames, CancellationToken cancel)
    {
        using var timer = new PeriodicTimer(LookEvery);
        var told = Array.Empty<byte>();
        var at = 0L;
        do
        {
            var now = new AgentReport([.. readers.List().Take(AgentReport.ReadersMax).Select(r => new AgentReader(r.Name, r.HasKey))]).Encode();
            if (!now.AsSpan().SequenceEqual(told) || TimeProvider.System.GetElapsedTime(at) > ReportEvery)
            {
                await frames.SendAsync(FrameKind.Report, 0, now, cancel);
                told = now;
                at = TimeProvider.System.GetTimestamp();
            }
        }
        while (await timer.WaitForNextTickAsync(cancel));
    }

    private async Task TakeAsync(
        AgentFrames frames, Dictionary<uint, LentKey> sessions, FrameKind kind, uint session, ReadOnlyMemory<byte> payload, CancellationToken cancel)
    {
        switch (kind)
        {
            case FrameKind.Open when !sessions.ContainsKey(session):
                foreach (var (number, _) in sessions.Where(s => s.Value.IsClosed).ToList())
                {
                    sessions.Remove(number);
                }

                if (sessions.Count >= SessionsMax)
                {
                    await frames.SendAsync(FrameKind.Fault, session, new[] { (byte)FrameFault.Busy }, cancel);
                    return;
                }

                var name = Encoding.UTF8.GetString(payload.Span);
                var opened = sessions[session] = new LentKey();
                opened.Do(() => AnswerAsync(frames, session, FrameKind.Opened, () => opened.Open(readers, name), cancel));
                return;
            case FrameKind.Command when payload.Length is < CommandMin or > CommandMax:
                throw new FrameException("That is no command APDU.");
            case FrameKind.Command when sessions.TryGetValue(session, out var key) && !key.IsClosing:
                // A copy, as the frame's own bytes are cleared when this returns.
                var command = payload.ToArray();
                key.Do(() => AnswerAsync(frames, session, FrameKind.Answer, () => key.Transmit(command), cancel));
                return;
            case FrameKind.Close when sessions.TryGetValue(session, out var closed):
                // It counts until it is closed: a server that opens and closes faster than a reader does is held back.
                _ = closed.CloseAsync();
                return;
            case FrameKind.Close:
                return;
            default:
                throw new FrameException("A frame that no server sends now.");
        }
    }

    private static async Task AnswerAsync(AgentFrames frames, uint session, FrameKind kind, Func<byte[]> ask, CancellationToken cancel)
    {
        byte[] answer;
        try
        {
            answer = ask();
        }
        catch (SmartCardException fault)
        {
            kind = FrameKind.Fault;
            answer = [(byte)(fault switch
            {
                CardRemovedException => FrameFault.Removed,
                CardResetException => FrameFault.Reset,
                BusyException => FrameFault.Busy,
                _ => FrameFault.Other,
            })];
        }

        try
        {
            await frames.SendAsync(kind, session, answer, cancel);
        }
        catch (Exception fault) when (fault is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The line is down; the receiving side says so.
        }
        finally
        {
            CryptographicOperations.ZeroMemory(answer);
        }
    }

    private sealed class BusyException() : SmartCardException("Somebody else is at the key.");

    /// <summary>A key opened for the server; what it asks is done one after the other, off the line's own loop.</summary>
    private sealed class LentKey
    {
        private const int QueuedMax = 4;

        private ReaderSession? open;
        private int queued;
        private Task work = Task.CompletedTask;
        private Task? closing;

        public bool IsClosing => closing is not null;

        public bool IsClosed => closing is { IsCompleted: true };

        public void Do(Func<Task> act)
        {
            // The answer before may still be leaving when the next command comes in; a server that sends many without
            // waiting is cut off.
            if (Interlocked.Increment(ref queued) > QueuedMax)
            {
                throw new FrameException("The server does not wait for answers.");
            }

            work = work.ContinueWith(_ => act(), TaskScheduler.Default).Unwrap()
                .ContinueWith(_ => Interlocked.Decrement(ref queued), TaskScheduler.Default);
        }

        public byte[] Open(KeyReaders readers, string name)
        {
            open = readers.Open(name) ?? throw new BusyException();
            return open.Card.AnswerToReset.ToArray();
        }

        public byte[] Transmit(byte[] command)
        {
            try
            {
                return (open ?? throw new CardRemovedException("the reader")).Card.Transmit(command);
            }
            finally
            {
                CryptographicOperations.ZeroMemory(command);
            }
        }

        public Task CloseAsync()
        {
            return closing ??= EndAsync();

            async Task EndAsync()
            {
                await work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                open?.Dispose();
                open = null;
            }
        }
    }
}
