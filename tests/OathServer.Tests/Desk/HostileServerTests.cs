using System.Buffers.Binary;
using System.Net.WebSockets;
using System.Text;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using OathServer.Desk;
using OathServer.Provisioning;
using SecurityKeys.Virtual;

namespace OathServer.Tests.Desk;

/// <summary>A server that does not keep to the protocol, against the agent that lends it a reader: the agent drops the line,
/// lets the key go, prints nothing of what was sent, and ends when it is told to.</summary>
public class HostileServerTests
{
    private const string Reader = "desk reader";
    private const string Pin = "31415926";
    private const string Credential = "agent-credential-of-the-test";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> Spoilt => [.. Frames.Keys];

    private static readonly Dictionary<string, byte[][]> Frames = new()
    {
        ["nothing"] = [[]],
        ["less than a head"] = [[2, 0, 0]],
        ["an unknown kind"] = [Frame(99, 1, Pin)],
        ["a kind that only agents send"] = [Frame(1, 1, Pin)],
        ["an answer to nothing"] = [Frame(5, 1, Pin)],
        ["a command to no session"] = [Frame(4, 7, "00A40400")],
        ["a command of one byte"] = [Frame(2, 1, Reader), Frame(4, 1, "x")],
        ["a command longer than any APDU"] = [Frame(2, 1, Reader), Frame(4, 1, Pin + new string('x', 65_600))],
        ["a frame longer than any"] = [Frame(2, 1, Reader), Frame(4, 1, Pin + new string('x', AgentFrames.FrameMax))],
        ["one session twice"] = [Frame(2, 1, Reader), Frame(2, 1, Reader)],
        ["a command after the end"] = [Frame(2, 1, Reader), Frame(7, 1, ""), Frame(4, 1, "00A40400" + Pin)],
        ["commands without waiting"] = [Frame(2, 1, Reader), .. Enumerable.Repeat(Frame(4, 1, "\0\u0020\0\u0080\u0008" + Pin), 2_000)],
    };

    [Theory, MemberData(nameof(Spoilt))]
    public async Task A_spoilt_frame_costs_the_line_and_nothing_else(string what)
    {
        // Where the reader is slow, commands pile up for certain.
        await using var desk = await Desk.StartAsync(slow: what == "commands without waiting");

        await desk.SendAsync(Frames[what], WebSocketMessageType.Binary);

        await desk.CutOffAsync();
        desk.Unblock();
        await desk.AssertEndsCleanlyAsync();
    }

    [Fact]
    public async Task Text_instead_of_frames_costs_the_line_and_nothing_else()
    {
        await using var desk = await Desk.StartAsync();

        await desk.SendAsync([Encoding.ASCII.GetBytes(Pin)], WebSocketMessageType.Text);

        await desk.AssertEndsCleanlyAsync();
    }

    [Fact]
    public async Task A_flood_of_openings_is_answered_busy_past_the_bound_and_leaves_no_key_open()
    {
        await using var desk = await Desk.StartAsync();
        const int Many = 3_000;
        var faults = desk.CountAsync(kind: 6, Many - 1);

        // Names of no reader, but one: whatever is asked, at most so many are at work.
        await desk.SendAsync(
            [Frame(2, 1, Reader), .. Enumerable.Range(2, Many - 1).Select(n => Frame(2, (uint)n, "no such reader"))], WebSocketMessageType.Binary);
        await faults;

        await desk.AssertLineHoldsAsync();
        await desk.HangUpAsync();
        await desk.AssertEndsCleanlyAsync();
    }

    [Fact]
    public async Task A_flood_of_openings_and_closings_keeps_at_most_so_many_at_work()
    {
        await using var desk = await Desk.StartAsync(slow: true);
        const int Many = 2_000;
        var told = desk.CountAsync(kind: 6, Many - AgentRun.SessionsMax);

        await desk.SendAsync(
            [.. Enumerable.Range(1, Many).SelectMany(n => new[] { Frame(2, (uint)n, Reader), Frame(7, (uint)n, "") })], WebSocketMessageType.Binary);
        await told;

        Assert.True(desk.Openings <= AgentRun.SessionsMax, $"{desk.Openings} openings were at work");
        desk.Unblock();
        await desk.HangUpAsync();
        await desk.AssertEndsCleanlyAsync();
    }

    [Fact]
    public async Task A_command_that_makes_no_sense_gets_the_key_s_own_refusal_and_the_line_holds()
    {
        await using var desk = await Desk.StartAsync();
        var answers = desk.CountAsync(kind: 5, 3);

        await desk.SendAsync([Frame(2, 1, Reader)], WebSocketMessageType.Binary);
        foreach (var apdu in new[] { "\u00ff\u00ff\u00ff\u00ff", "\0\0\0\0\0\0\0", "\0\u00a4\u0004\0\u00ff" })
        {
            await desk.SendAsync([Frame(4, 1, apdu)], WebSocketMessageType.Binary);
        }

        await answers;
        await desk.AssertLineHoldsAsync();
        await desk.HangUpAsync();
        await desk.AssertEndsCleanlyAsync();
    }

    private static byte[] Frame(byte kind, uint session, string payload)
    {
        var frame = new byte[5 + payload.Length];
        frame[0] = kind;
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(1), session);
        Encoding.Latin1.GetBytes(payload, frame.AsSpan(5));
        return frame;
    }

    /// <summary>An agent with one virtual key, and a server of the test's at the other end of its line.</summary>
    private sealed class Desk : IAsyncDisposable
    {
        private readonly WebApplication app;
        private readonly CancellationTokenSource stop = new();
        private readonly KeyReaders readers = new();
        private readonly StringWriter log = new();
        private readonly Channel<(byte Kind, uint Session)> told = Channel.CreateUnbounded<(byte, uint)>();
        private readonly TaskCompletionSource<WebSocket> connected = new();
        private readonly TaskCompletionSource over = new();
        private readonly ManualResetEventSlim gate = new(initialState: true);
        private Task<bool> running = Task.FromResult(false);
        private int openings;

        private Desk(WebApplication app) => this.app = app;

        public int Openings => Volatile.Read(ref openings);

        public static async Task<Desk> StartAsync(bool slow = false)
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            var app = builder.Build();
            app.Urls.Add("http://127.0.0.1:0");
            app.UseWebSockets();
            var desk = new Desk(app);
            app.Map("/v1/agents/line", desk.LineAsync);
            await app.StartAsync(Cancel);
            var key = new VirtualKey(new VirtualKeyOptions { Serial = 4714 });
            if (slow)
            {
                desk.gate.Reset();
            }

            desk.readers.Plug(Reader, KeyReaders.VirtualKind, () =>
            {
                Interlocked.Increment(ref desk.openings);
                desk.gate.Wait(Cancel);
                return key.Connect();
            });
            desk.running = new AgentRun(new Uri(app.Urls.First()), Credential, desk.readers, TextWriter.Synchronized(desk.log)).RunAsync(desk.stop.Token);
            await desk.connected.Task.WaitAsync(Cancel);
            return desk;
        }

        public void Unblock() => gate.Set();

        public async Task SendAsync(byte[][] frames, WebSocketMessageType type)
        {
            try
            {
                foreach (var frame in frames)
                {
                    await (await connected.Task).SendAsync(frame, type, endOfMessage: true, Cancel);
                }
            }
            catch (Exception cut) when (cut is WebSocketException or IOException or OperationCanceledException)
            {
                // The agent cut the line, which is what it should do.
            }
        }

        /// <summary>Waits for so many frames of a kind from the agent.</summary>
        public async Task CountAsync(byte kind, int count)
        {
            while (count > 0)
            {
                count -= (await told.Reader.ReadAsync(Cancel)).Kind == kind ? 1 : 0;
            }
        }

        /// <summary>An opening of the reader is answered (opened, or busy as it is open).</summary>
        public async Task AssertLineHoldsAsync()
        {
            await SendAsync([Frame(2, 1_000_000, "no such reader")], WebSocketMessageType.Binary);
            while ((await told.Reader.ReadAsync(Cancel)).Session != 1_000_000)
            {
                // an earlier answer
            }
        }

        public Task CutOffAsync() => over.Task.WaitAsync(Cancel);

        public async Task HangUpAsync() => (await connected.Task).Abort();

        public async Task AssertEndsCleanlyAsync()
        {
            // The line ends: by the agent's hand or ours.
            await over.Task.WaitAsync(Cancel);
            await Eventually.HoldsAsync(() =>
            {
                using var session = readers.Open(Reader);
                return Task.FromResult(session is not null);
            }, "the key is still open", Cancel);
            await stop.CancelAsync();
            Assert.True(await running.WaitAsync(Cancel));
            var words = log.ToString();
            Assert.DoesNotContain(Pin, words, StringComparison.Ordinal);
            Assert.DoesNotContain(Credential, words, StringComparison.Ordinal);
        }

        public async ValueTask DisposeAsync()
        {
            gate.Set();
            await stop.CancelAsync();
            await ((Task)running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await app.DisposeAsync();
            stop.Dispose();
            gate.Dispose();
        }

        private async Task LineAsync(HttpContext http)
        {
            if (connected.Task.IsCompleted)
            {
                http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
                return;
            }

            using var socket = await http.WebSockets.AcceptWebSocketAsync();
            connected.TrySetResult(socket);
            var part = new byte[AgentFrames.FrameMax];
            try
            {
                while (await socket.ReceiveAsync(part, http.RequestAborted) is { MessageType: not WebSocketMessageType.Close } received)
                {
                    told.Writer.TryWrite((part[0], received.Count < 5 ? 0 : BinaryPrimitives.ReadUInt32BigEndian(part.AsSpan(1))));
                }
            }
            catch (Exception cut) when (cut is WebSocketException or OperationCanceledException or IOException)
            {
                // the agent hung up
            }

            over.TrySetResult();
        }
    }
}
