using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using OathServer.Tests.Tidy;

namespace OathServer.Tests.Interop;

/// <summary>Debian's FreeRADIUS with its own rlm_rest and the configuration we ship, asked by its own radclient.</summary>
public class FreeRadiusTests
{
    private const string Program = "/usr/sbin/freeradius";

    [Fact]
    public async Task A_radius_login_is_accepted_once_and_a_wrong_or_locked_one_rejected()
    {
        await using var radius = await RadiusAsync();
        await radius.Server.AddTokenAsync("A1", Codes.Secret, user: "al ice&x");

        Assert.Equal(["Access-Accept"], await radius.AskAsync(("al ice&x", "755224")));
        Assert.Equal(["Access-Reject"], await radius.AskAsync(("al ice&x", "755224")));
        Assert.Equal(["Access-Reject"], await radius.AskAsync(("nobody", "755224")));
        Assert.Equal(Enumerable.Repeat("Access-Reject", 5), await radius.AskAsync([.. Enumerable.Repeat(("al ice&x", "000000"), 5)]));
        Assert.Equal(["Access-Reject"], await radius.AskAsync(("al ice&x", Codes.Hotp(Codes.Secret, 1))));
        Assert.Equal(1, (await radius.Server.CounterAsync("A1")).Counter);
    }

    [Fact]
    public async Task A_thousand_logins_pass_without_loss()
    {
        await using var radius = await RadiusAsync();
        await radius.Server.AddTokenAsync("A1", Codes.Secret, user: "alice");

        var answers = await radius.AskAsync([.. Enumerable.Range(0, 1000).Select(counter => ("alice", Codes.Hotp(Codes.Secret, counter)))]);

        Assert.Equal(1000, answers.Count(answer => answer == "Access-Accept"));
        Assert.Equal(1000, (await radius.Server.CounterAsync("A1")).Counter);
    }

    private static async Task<Radius> RadiusAsync()
    {
        Assert.SkipUnless(File.Exists(Program), "freeradius is not installed; ./test installs it.");
        var server = await ServerUnderTest.StartAsync(new Dictionary<string, string?> { ["Interop:FreeRadius"] = "true" });
        return await Radius.StartAsync(server);
    }

    private sealed class Radius(ServerUnderTest server, Process process, int port) : IAsyncDisposable
    {
        public ServerUnderTest Server => server;

        public static async Task<Radius> StartAsync(ServerUnderTest server)
        {
            var port = FreeUdpPort();
            var start = new ProcessStartInfo(Program, ["-f", "-X", "-d", Path.Combine(SourceTree.Root, "samples/freeradius"), "-D", "/usr/share/freeradius"])
            {
                RedirectStandardOutput = true,
                Environment =
                {
                    ["OATHSERVER_URL"] = server.Address.ToString().TrimEnd('/'),
                    ["RADIUS_PORT"] = $"{port}",
                    ["RADIUS_RUN"] = server.Folder,
                    ["RADIUS_CONFIG"] = Path.Combine(SourceTree.Root, "samples/freeradius"),
                },
            };
            var process = Process.Start(start)!;
            var said = new StringBuilder();
            while (await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
            {
                said.AppendLine(line);
                if (line.Contains("Ready to process requests", StringComparison.Ordinal))
                {
                    // It goes on talking; somebody must listen, or it stops when the pipe is full.
                    _ = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
                    return new Radius(server, process, port);
                }
            }

            throw new InvalidOperationException($"FreeRADIUS did not start:\n{said}");
        }

        /// <summary>One answer for each request, in order: radclient sends them one after the other.</summary>
        public async Task<string[]> AskAsync(params (string User, string Code)[] logins)
        {
            using var client = Process.Start(new ProcessStartInfo("/usr/bin/radclient", ["-x", "-p", "1", $"127.0.0.1:{port}", "auth", "testing123"])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            var said = client.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            _ = client.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            foreach (var (user, code) in logins)
            {
                await client.StandardInput.WriteAsync($"User-Name = \"{user}\"\nUser-Password = \"{code}\"\n\n");
            }

            client.StandardInput.Close();
            return [.. (await said).Split('\n').Where(line => line.StartsWith("Received ", StringComparison.Ordinal)).Select(line => line.Split(' ')[1])];
        }

        public async ValueTask DisposeAsync()
        {
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
            await server.DisposeAsync();
        }

        private static int FreeUdpPort()
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            return ((IPEndPoint)socket.LocalEndPoint!).Port;
        }
    }
}
