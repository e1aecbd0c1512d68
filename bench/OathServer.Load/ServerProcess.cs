using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace OathServer.Load;

/// <summary>A server under measurement, in a process of its own on a free loopback port; stopped when disposed.</summary>
internal sealed class ServerProcess : IDisposable
{
    private ServerProcess(Process process, Uri address)
    {
        Process = process;
        Address = address;
    }

    public Process Process { get; }

    public Uri Address { get; }

    /// <summary>OathServer itself, as it is built beside this program.</summary>
    public static ServerProcess Oath(IEnumerable<KeyValuePair<string, string?>> settings) => Start("OathServer.dll", ["serve"], settings);

    /// <summary>One of this program's own peers.</summary>
    public static ServerProcess Peer(string peer, IEnumerable<KeyValuePair<string, string?>> settings) =>
        Start("OathServer.Load.dll", [peer], settings);

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
            catch (SocketException) when (!Process.HasExited && Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(60))
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
    }

    private static ServerProcess Start(string program, string[] arguments, IEnumerable<KeyValuePair<string, string?>> settings)
    {
        var address = new Uri($"http://127.0.0.1:{FreePort()}");
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, program));
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["Urls"] = address.ToString();
        start.Environment["Logging__LogLevel__Default"] = "Warning";
        foreach (var (name, value) in settings)
        {
            start.Environment[name.Replace(":", "__", StringComparison.Ordinal)] = value;
        }

        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        var server = new ServerProcess(process, address);
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
