using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace OathServer.Load;

/// <summary>A server under measurement, in a process of its own on a free loopback port; stopped when disposed.</summary>
internal sealed partial class ServerProcess : IDisposable
{
    private readonly string memoryFile;

    private ServerProcess(Process process, Uri address, string memoryFile)
    {
        Process = process;
        Address = address;
        this.memoryFile = memoryFile;
    }

    public Process Process { get; }

    public Uri Address { get; }

    /// <summary>OathServer itself, as it is published.</summary>
    public static ServerProcess Oath(IEnumerable<KeyValuePair<string, string?>> settings, string? program = null) =>
        Start(program ?? PublishedServer.Program, ["serve"], settings);

    /// <summary>One of this program's own peers.</summary>
    public static ServerProcess Peer(string peer, IEnumerable<KeyValuePair<string, string?>> settings) =>
        Start(Path.Combine(AppContext.BaseDirectory, "OathServer.Load.dll"), [peer], settings);

    /// <summary>Bytes allocated since the start, freed or not.</summary>
    public long AllocatedBytes() => Number(StartupHook.Allocated);

    /// <summary>Managed bytes in use after a full collection.</summary>
    public long HeldBytes() => Number(StartupHook.Held);

    /// <summary>What was allocated since this was asked before, by type: samples of about 100 kB, tab, name.</summary>
    public string AllocatedTypes() => Ask(StartupHook.Types);

    private long Number(int signal) => long.Parse(Ask(signal), CultureInfo.InvariantCulture);

    private string Ask(int signal)
    {
        File.Delete(memoryFile);
        _ = Kill(Process.Id, signal);
        var since = Stopwatch.GetTimestamp();
        while (!File.Exists(memoryFile))
        {
            if (Process.HasExited || Stopwatch.GetElapsedTime(since) > TimeSpan.FromSeconds(30))
            {
                throw new InvalidOperationException("The server does not say how much memory it uses.");
            }

            Thread.Sleep(5);
        }

        return File.ReadAllText(memoryFile);
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Kill(int process, int signal);

    public void WaitUntilUp()
    {
        var since = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                socket.Connect(IPAddress.Loopback, Address.Port);
                return;
            }
            catch (SocketException) when (!Process.HasExited && Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(180))
            {
                Thread.Sleep(10);
            }
        }
    }

    public void Dispose()
    {
        if (!Process.HasExited)
        {
            Process.Kill();
            Process.WaitForExit();
        }

        Process.Dispose();
        File.Delete(memoryFile);
    }

    private static ServerProcess Start(string program, string[] arguments, IEnumerable<KeyValuePair<string, string?>> settings)
    {
        var address = new Uri($"http://127.0.0.1:{FreePort()}");
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true };
        start.ArgumentList.Add(program);
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["Urls"] = address.ToString();
        start.Environment["Logging__LogLevel__Default"] = "Warning";
        var memoryFile = Path.Combine(Path.GetTempPath(), $"oath-load-memory-{Guid.NewGuid():N}");
        start.Environment[StartupHook.FileVariable] = memoryFile;
        start.Environment["DOTNET_STARTUP_HOOKS"] = Path.Combine(AppContext.BaseDirectory, "OathServer.Load.dll");
        foreach (var (name, value) in settings)
        {
            start.Environment[name.Replace(":", "__", StringComparison.Ordinal)] = value;
        }

        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        var server = new ServerProcess(process, address, memoryFile);
        server.WaitUntilUp();
        return server;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
