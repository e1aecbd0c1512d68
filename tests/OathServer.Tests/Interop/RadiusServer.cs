using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using OathServer.Tests.Tidy;

namespace OathServer.Tests.Interop;

/// <summary>Debian's FreeRADIUS in front of a server of ours, with the configuration we ship.</summary>
internal sealed class RadiusServer(ServerUnderTest server, Process process, int port) : IAsyncDisposable
{
    public const string Secret = "testing123";

    private const string Program = "/usr/sbin/freeradius";

    public ServerUnderTest Server => server;

    public int Port => port;

    public static async Task<RadiusServer> StartAsync()
    {
        Assert.SkipUnless(File.Exists(Program), "freeradius is not installed; ./test installs it.");
        var server = await ServerUnderTest.StartAsync(new Dictionary<string, string?> { ["Interop:FreeRadius"] = "true" });
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
                return new RadiusServer(server, process, port);
            }
        }

        throw new InvalidOperationException($"FreeRADIUS did not start:\n{said}");
    }

    /// <summary>One answer for each request, in order: radclient sends them one after the other.</summary>
    public async Task<string[]> AskAsync(params (string User, string Code)[] logins)
    {
        using var client = Process.Start(new ProcessStartInfo("/usr/bin/radclient", ["-x", "-p", "1", $"127.0.0.1:{port}", "auth", Secret])
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
