using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace OathServer.Fault.Tests.Nodes;

/// <summary>A real server process that can be killed and started again at the same address.</summary>
internal sealed class NodeProcess : IAsyncDisposable
{
    private const int SigTerm = 15;

    private readonly IReadOnlyDictionary<string, string> settings;
    private readonly int port;
    private Process? process;

    private NodeProcess(IReadOnlyDictionary<string, string> settings, int port)
    {
        this.settings = settings;
        this.port = port;
    }

    public Uri Address => new($"http://127.0.0.1:{port}");

    /// <summary>Starts a node and waits until it says that it is ready. <paramref name="settings"/> as environment variables.</summary>
    public static async Task<NodeProcess> StartAsync(IReadOnlyDictionary<string, string> settings)
    {
        using var probe = new TcpListener(System.Net.IPAddress.Loopback, 0);
        probe.Start();
        var node = new NodeProcess(settings, ((System.Net.IPEndPoint)probe.LocalEndpoint).Port);
        probe.Stop();
        await node.StartAgainAsync();
        return node;
    }

    public async Task StartAgainAsync()
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "OathServer.dll"), "serve"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment =
            {
                ["Urls"] = Address.ToString(),
                ["Logging__LogLevel__Default"] = "Critical",
                // A fault that the server has no name for is told.
                ["Logging__LogLevel__OathServer.Operations.FaultToProblem"] = "Error",
            },
        };
        foreach (var (name, value) in settings)
        {
            start.Environment[name] = value;
        }

        process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("OathServer is ready at ", StringComparison.Ordinal))
            {
                _ = TellAsync(process.StandardOutput, TestContext.Current.TestOutputHelper);
                return;
            }
        }

        throw new InvalidOperationException($"The node did not start: {await errors}");
    }

    /// <summary>SIGTERM: it drains and ends.</summary>
    public async Task LeaveAsync()
    {
        Assert.Equal(0, Kill(process!.Id, SigTerm));
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
        process.Dispose();
        process = null;
    }

    private static async Task TellAsync(StreamReader output, ITestOutputHelper? told)
    {
        try
        {
            while (await output.ReadLineAsync() is { } line)
            {
                told?.WriteLine(line);
            }
        }
        catch (Exception ended) when (ended is InvalidOperationException or ObjectDisposedException or IOException)
        {
            // the process, or the test, is over
        }
    }

    /// <summary>SIGKILL: no last words.</summary>
    public async Task KillAsync()
    {
        process!.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        process = null;
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int process, int signal);

    public async ValueTask DisposeAsync()
    {
        if (process is not null)
        {
            await KillAsync();
        }
    }
}
