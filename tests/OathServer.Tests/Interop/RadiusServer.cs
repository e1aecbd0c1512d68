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

    /// <param name="pins">Users and their PINs: then PIN and code are asked for in one field.</param>
    public static async Task<RadiusServer> StartAsync(params (string User, string Pin)[] pins)
    {
        var server = await ServerUnderTest.StartAsync(new Dictionary<string, string?> { ["Interop:FreeRadius"] = "true" });
        var port = FreeUdpPort();
        var samples = Path.Combine(SourceTree.Root, "samples/freeradius");
        var process = await LaunchAsync(pins.Length == 0 ? samples : await WithPinsAsync(samples, server.Folder, pins), new()
        {
            ["OATHSERVER_URL"] = server.Address.ToString().TrimEnd('/'),
            ["RADIUS_PORT"] = $"{port}",
            ["RADIUS_RUN"] = server.Folder,
            ["RADIUS_CONFIG"] = samples,
        });
        return new RadiusServer(server, process, port);
    }

    /// <summary>The shipped configuration with the other virtual server, and the modules that know the PINs.</summary>
    private static async Task<string> WithPinsAsync(string samples, string folder, (string User, string Pin)[] pins)
    {
        var users = Path.Combine(folder, "users");
        await File.WriteAllLinesAsync(users, pins.Select(p => $"\"{p.User}\" Cleartext-Password := \"{p.Pin}\""));
        var whole = await File.ReadAllTextAsync(Path.Combine(samples, "radiusd.conf"));
        var changed = whole
            .Replace("modules {", $"modules {{\n  pap {{\n  }}\n  always reject {{\n    rcode = reject\n  }}\n  files {{\n    usersfile = {users}\n  }}", StringComparison.Ordinal)
            .Replace("/oathserver\n", "/oathserver-pin\n", StringComparison.Ordinal);
        Assert.Contains("/oathserver-pin", changed, StringComparison.Ordinal);
        await File.WriteAllTextAsync(Path.Combine(folder, "radiusd.conf"), changed);
        return folder;
    }

    /// <summary>Debian's FreeRADIUS with the configuration of a folder, once it is ready.</summary>
    public static async Task<Process> LaunchAsync(string configuration, Dictionary<string, string> environment)
    {
        Assert.SkipUnless(File.Exists(Program), "freeradius is not installed; ./test installs it.");
        var start = new ProcessStartInfo(Program, ["-f", "-X", "-d", configuration, "-D", "/usr/share/freeradius"]) { RedirectStandardOutput = true };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        var process = Process.Start(start)!;
        var said = new StringBuilder();
        while (await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            said.AppendLine(line);
            if (line.Contains("Ready to process requests", StringComparison.Ordinal))
            {
                // It goes on talking; somebody must listen, or it stops when the pipe is full.
                _ = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
                return process;
            }
        }

        throw new InvalidOperationException($"FreeRADIUS did not start:\n{said}");
    }

    /// <summary>One answer for each request, in order: radclient sends them one after the other.</summary>
    public async Task<string[]> AskAsync(params (string User, string Code)[] logins)
    {
        var said = await SendAsync([.. logins.Select(l => $"User-Name = \"{l.User}\"\nUser-Password = \"{l.Code}\"")]);
        return [.. said.Split('\n').Where(line => line.StartsWith("Received ", StringComparison.Ordinal)).Select(line => line.Split(' ')[1])];
    }

    /// <summary>What radclient says of these requests.</summary>
    public async Task<string> SendAsync(params string[] requests)
    {
        using var client = Process.Start(new ProcessStartInfo("/usr/bin/radclient", ["-x", "-p", "1", $"127.0.0.1:{port}", "auth", Secret])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var said = client.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        _ = client.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        foreach (var request in requests)
        {
            await client.StandardInput.WriteAsync(request + "\n\n");
        }

        client.StandardInput.Close();
        return await said;
    }

    public async ValueTask DisposeAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        await server.DisposeAsync();
    }

    public static int FreeUdpPort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
