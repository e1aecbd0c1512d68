using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using OathServer.Access;

namespace OathServer.Tests.Operations;

/// <summary>A real node that is told to stop (SIGTERM) while it is at work.</summary>
public class DrainTests
{
    private const string Serial = "DRAIN1";

    [Fact]
    public async Task A_node_that_leaves_says_not_ready_first_and_answers_what_it_has_begun()
    {
        var folder = Directory.CreateTempSubdirectory("oathserver-drain-").FullName;
        string key;
        await using (var prepare = await ServerUnderTest.StartAsync(folder: folder))
        {
            await prepare.AddTokenAsync(Serial, Codes.Secret);
            key = await prepare.CreateKeyAsync("party", Roles.RelyingParty);
        }

        await using (var server = await ServerProcess.StartAsync(folder, [new("Drain__Seconds", "300"), new("Logging__Console__FormatterName", "simple")]))
        {
            using var client = server.Client(key);
            // A request that is at work when the node is told to go: its body has not come yet.
            var body = JsonSerializer.Serialize(new { serial = Serial, code = Codes.Hotp(Codes.Secret, 0) });
            using var slow = new TcpClient();
            await slow.ConnectAsync(IPAddress.Loopback, server.Address.Port, Cancel);
            await slow.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
                $"POST /v1/validate HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n"), Cancel);

            server.Terminate();
            while (await ReadyAsync(client) is not { Status: HttpStatusCode.ServiceUnavailable } said || !said.Text.StartsWith("draining", StringComparison.Ordinal))
            {
                await Task.Yield();
            }

            // Not ready, and still serving: who was sent here meanwhile is answered, and told to go elsewhere next.
            using (var reply = await client.PostAsync("/v1/validate", new StringContent(
                JsonSerializer.Serialize(new { serial = Serial, code = Codes.Hotp(Codes.Secret, 1) }), Encoding.UTF8, "application/json"), Cancel))
            {
                Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
                Assert.Contains("true", await reply.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
                Assert.True(reply.Headers.ConnectionClose);
            }

            server.Terminate();
            await UntilNobodyListensAsync(server.Address.Port);
            await slow.GetStream().WriteAsync(Encoding.ASCII.GetBytes(body), Cancel);
            using var reader = new StreamReader(slow.GetStream());
            // The later code went first, so this one is refused: what matters is that it is answered.
            Assert.Equal("HTTP/1.1 200 OK", await reader.ReadLineAsync(Cancel));
            Assert.EndsWith("""{"accepted":false}""", await reader.ReadToEndAsync(Cancel), StringComparison.Ordinal);
            Assert.Equal(0, await server.ExitCodeAsync());
        }

        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_structured_log_is_JSON_line_by_line_and_holds_no_link()
    {
        var folder = Directory.CreateTempSubdirectory("oathserver-log-").FullName;
        await using (var server = await ServerProcess.StartAsync(
            folder, [new("Logging__Console__FormatterName", "json"), new("Logging__LogLevel__Default", "Information")]))
        {
            server.Terminate();
            Assert.Equal(0, await server.ExitCodeAsync());
            var lines = server.Log.Split('\n');
            Assert.True(lines.Length >= 2, server.Log);
            Assert.All(lines, line => JsonDocument.Parse(line).RootElement.GetProperty("LogLevel"));
            Assert.DoesNotContain("token=", server.Log, StringComparison.Ordinal);
            Assert.Contains("staff link", server.Log, StringComparison.Ordinal);
        }

        Directory.Delete(folder, recursive: true);
    }

    private static async Task<(HttpStatusCode Status, string Text)> ReadyAsync(HttpClient client)
    {
        using var reply = await client.GetAsync("/health/ready", Cancel);
        return (reply.StatusCode, await reply.Content.ReadAsStringAsync(Cancel));
    }

    private static async Task UntilNobodyListensAsync(int port)
    {
        while (true)
        {
            using var probe = new TcpClient();
            try
            {
                await probe.ConnectAsync(IPAddress.Loopback, port, Cancel);
                await Task.Delay(10, Cancel);
            }
            catch (SocketException)
            {
                return;
            }
        }
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
