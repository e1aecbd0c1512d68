using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;

namespace OathServer.Tests.Operations;

/// <summary>What no well-behaved client sends, over a bare socket.</summary>
public class RawSocketTests
{
    private const string Host = "Host: localhost\r\n";
    private const string Second = "GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

    /// <summary>Requests on whose end two readers may disagree; behind each stands another one that must not be answered.</summary>
    public static TheoryData<string, string> Ambiguous => new()
    {
        { "both lengths", $"POST /v1/validate HTTP/1.1\r\n{Host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
        { "both lengths, other order", $"POST /v1/validate HTTP/1.1\r\n{Host}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" },
        { "two lengths", $"POST /v1/validate HTTP/1.1\r\n{Host}Content-Length: 0\r\nContent-Length: 5\r\n\r\n" },
        { "length in hexadecimal", $"POST /v1/validate HTTP/1.1\r\n{Host}Content-Length: 0x0\r\n\r\n" },
        { "negative length", $"POST /v1/validate HTTP/1.1\r\n{Host}Content-Length: -1\r\n\r\n" },
        { "chunked is not last", $"POST /v1/validate HTTP/1.1\r\n{Host}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" },
        { "unknown coding", $"POST /v1/validate HTTP/1.1\r\n{Host}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" },
        { "chunk size not a number", $"POST /v1/validate HTTP/1.1\r\n{Host}Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n" },
        { "chunk size too large", $"POST /v1/validate HTTP/1.1\r\n{Host}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n\r\n" },
        { "space before the colon", $"POST /v1/validate HTTP/1.1\r\n{Host}Content-Length : 0\r\n\r\n" },
        { "folded header", $"POST /v1/validate HTTP/1.1\r\n{Host}X-A: b\r\n  c\r\nContent-Length: 0\r\n\r\n" },
        { "null in a header", $"POST /v1/validate HTTP/1.1\r\n{Host}X-A: b\0c\r\nContent-Length: 0\r\n\r\n" },
        { "two hosts", $"POST /v1/validate HTTP/1.1\r\n{Host}{Host}Content-Length: 0\r\n\r\n" },
        { "no host", "POST /v1/validate HTTP/1.1\r\nContent-Length: 0\r\n\r\n" },
        { "bare carriage return", $"POST /v1/validate HTTP/1.1\r\n{Host}X-A: b\rContent-Length: 0\r\n\r\n" },
        { "no version", "POST /v1/validate\r\n\r\n" },
        { "unknown version", $"POST /v1/validate HTTP/9.9\r\n{Host}\r\n" },
        { "too many headers", $"POST /v1/validate HTTP/1.1\r\n{Host}{string.Concat(Enumerable.Range(0, 200).Select(i => $"X-{i}: y\r\n"))}\r\n" },
        { "too large headers", $"POST /v1/validate HTTP/1.1\r\n{Host}X-A: {new string('a', 40_000)}\r\n\r\n" },
        { "a TLS greeting", "\u0016\u0003\u0001\u0002\0\u0001\0" },
    };

    [Theory]
    [MemberData(nameof(Ambiguous))]
    public async Task A_request_whose_end_is_not_certain_is_refused_and_nothing_behind_it_is_answered(string what, string request)
    {
        await using var server = await ServerUnderTest.StartAsync();

        var reply = await SendAsync(server.Address, request + Second);

        Assert.True(reply.Length == 0 || reply.StartsWith("HTTP/1.1 4", StringComparison.Ordinal) || reply.StartsWith("HTTP/1.1 505", StringComparison.Ordinal), $"{what}: {reply}");
        Assert.DoesNotContain("live\n", reply, StringComparison.Ordinal);
        Assert.Equal(1, reply.Split("HTTP/1.1 ").Length - (reply.Length == 0 ? 0 : 1));
    }

    [Theory]
    [InlineData("/v1/tokens/../../health/live/%2e%2e/%2e%2e/etc/passwd")]
    [InlineData("/v1/tokens/%00")]
    [InlineData("/v1/tokens/%ff%fe")]
    [InlineData("/v1/tokens/%2f%2e%2e%2f")]
    [InlineData("//etc/passwd")]
    [InlineData("/v1\\tokens")]
    [InlineData("/%c0%ae%c0%ae/")]
    [InlineData("*")]
    [InlineData("http://elsewhere.example/v1/tokens")]
    public async Task A_path_that_tries_to_leave_leads_nowhere(string path)
    {
        await using var server = await ServerUnderTest.StartAsync();

        var reply = await SendAsync(server.Address, $"GET {path} HTTP/1.1\r\n{Host}Connection: close\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 4", reply, StringComparison.Ordinal);
        Assert.DoesNotContain("root:", reply, StringComparison.Ordinal);
    }

    /// <summary>The server in a process of its own, as each connection takes a handle at either end.</summary>
    [Fact]
    public async Task Five_hundred_slow_and_ten_thousand_idle_clients_keep_nobody_out_and_the_slow_are_closed()
    {
        const int Slow = 500, Idle = 10_000, Good = 100;
        var folder = Directory.CreateTempSubdirectory("oathserver-test-").FullName;
        string key;
        await using (var first = await ServerUnderTest.StartAsync(folder: folder))
        {
            await first.AddTokenAsync("A1", Codes.Secret);
            key = await first.CreateKeyAsync("clients", OathServer.Access.Roles.RelyingParty);
        }

        await using var server = await ServerProcess.StartAsync(folder);
        var idle = new List<Socket>();
        for (var i = 0; i < Idle; i++)
        {
            idle.Add(await ConnectAsync(server.Address));
        }

        var slow = Enumerable.Range(0, Slow).Select(i => DripAsync(server.Address, $"POST /v1/validate HTTP/1.1\r\n{Host}X-Slow-{i}: ")).ToList();
        for (var code = 0; code < Good; code++)
        {
            // Each comes anew, as somebody who was not there before the crowd.
            using var client = server.Client(key);
            using var reply = await client.PostAsJsonAsync("/v1/validate", new { serial = "A1", code = Codes.Hotp(Codes.Secret, code) }, Cancel);
            Assert.Contains("\"accepted\":true", await reply.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
        }

        // Kestrel's own time limit ends them; this waits for it, without a limit of its own but the test's.
        foreach (var end in await Task.WhenAll(slow))
        {
            Assert.True(end.Length == 0 || end.StartsWith("HTTP/1.1 408", StringComparison.Ordinal), end);
        }

        Assert.All(idle, socket => Assert.False(socket.Poll(0, SelectMode.SelectRead), "an idle connection was closed for others"));
        idle.ForEach(socket => socket.Dispose());
        await server.KillAsync();
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>A byte a second of a header that never ends; what came back when the server closed.</summary>
    private static async Task<string> DripAsync(Uri address, string beginning)
    {
        var socket = await ConnectAsync(address);
        await socket.SendAsync(Encoding.ASCII.GetBytes(beginning), Cancel);
        var end = ReadAsync(socket);
        while (await Task.WhenAny(end, Task.Delay(TimeSpan.FromSeconds(1), Cancel)) != end)
        {
            try
            {
                await socket.SendAsync("x"u8.ToArray(), Cancel);
            }
            catch (Exception closed) when (closed is SocketException or ObjectDisposedException)
            {
                break;
            }
        }

        return await end;
    }

    private static async Task<string> SendAsync(Uri address, string request)
    {
        var socket = await ConnectAsync(address);
        await socket.SendAsync(Encoding.Latin1.GetBytes(request), Cancel);
        return await ReadAsync(socket);
    }

    private static async Task<Socket> ConnectAsync(Uri address)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(address.Host, address.Port, Cancel);
        return socket;
    }

    /// <summary>All there is until the other side closes.</summary>
    private static async Task<string> ReadAsync(Socket socket)
    {
        using (socket)
        {
            var text = new StringBuilder();
            var buffer = new byte[8192];
            try
            {
                int read;
                while ((read = await socket.ReceiveAsync(buffer, Cancel)) > 0)
                {
                    text.Append(Encoding.Latin1.GetString(buffer, 0, read));
                }
            }
            catch (SocketException)
            {
                // Reset: closed, too.
            }

            return text.ToString();
        }
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
