using System.Collections.Concurrent;
using System.Diagnostics;
using OathServer.Access;

namespace OathServer.Tests;

/// <summary>A real server in a process of its own, to be killed.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private readonly Process process;
    private readonly ConcurrentQueue<string> said;

    private ServerProcess(Process process, Uri address, ConcurrentQueue<string> said)
    {
        this.process = process;
        this.said = said;
        Address = address;
    }

    public Uri Address { get; }

    public int Id => process.Id;

    /// <summary>What it wrote to its log so far.</summary>
    public string Log => string.Join('\n', said);

    /// <summary>Starts a server and waits until it says that it is ready.</summary>
    /// <exception cref="InvalidOperationException">It ended instead; the message is what it said.</exception>
    public static async Task<ServerProcess> StartAsync(
        string folder, IEnumerable<KeyValuePair<string, string?>>? environment = null, params string[] before)
    {
        var start = Command(folder, environment, before, "serve");
        var process = Process.Start(start)!;
        var said = new ConcurrentQueue<string>();
        var ready = new TaskCompletionSource<Uri>(TaskCreationOptions.RunContinuationsAsynchronously);
        process.OutputDataReceived += (_, line) =>
        {
            // In a structured log the same words stand inside an entry.
            if (line.Data?.IndexOf("OathServer is ready at ", StringComparison.Ordinal) is >= 0 and var at)
            {
                ready.TrySetResult(new Uri(line.Data[at..].Split(' ')[4].TrimEnd(',')));
            }

            Keep(line.Data);
        };
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var ended = process.WaitForExitAsync(TestContext.Current.CancellationToken);
        if (await Task.WhenAny(ready.Task, ended) == ended)
        {
            process.Dispose();
            throw new InvalidOperationException(string.Join('\n', said));
        }

        return new ServerProcess(process, await ready.Task, said);

        void Keep(string? line)
        {
            if (line is not null)
            {
                said.Enqueue(line);
            }
        }
    }

    /// <summary>Makes an API key by the command for it.</summary>
    public static async Task<string> CreateApiKeyAsync(
        string folder, string role, IEnumerable<KeyValuePair<string, string?>>? environment = null)
    {
        using var process = Process.Start(
            Command(folder, environment, [], "apikey", "create", "--name", Guid.NewGuid().ToString("N"), "--role", role))!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, await errors);
        return output.TrimEnd().Split('\n')[^1];
    }

    public HttpClient Client(string apiKey)
    {
        var client = new HttpClient { BaseAddress = Address };
        client.DefaultRequestHeaders.Add(ApiKeyAuthentication.Header, apiKey);
        return client;
    }

    /// <summary>SIGTERM: as systemd and containers stop it.</summary>
    public void Terminate() => Signal(SigTerm);

    public void Signal(int signal) => Assert.Equal(0, Kill(process.Id, signal));

    /// <summary>How it ended, once it has and all it said is here.</summary>
    public async Task<int> ExitCodeAsync()
    {
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return process.ExitCode;
    }

    /// <summary><c>kill -9</c>.</summary>
    public async Task KillAsync()
    {
        process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            await KillAsync();
        }

        process.Dispose();
    }

    private const int SigTerm = 15;

    [System.Runtime.InteropServices.DllImport("libc", EntryPoint = "kill")]
    [System.Runtime.InteropServices.DefaultDllImportSearchPaths(System.Runtime.InteropServices.DllImportSearchPath.System32)]
    private static extern int Kill(int process, int signal);

    private static ProcessStartInfo Command(
        string folder, IEnumerable<KeyValuePair<string, string?>>? environment, string[] before, params string[] arguments)
    {
        string[] line = [.. before, "dotnet", Path.Combine(AppContext.BaseDirectory, "OathServer.dll"), .. arguments];
        var start = new ProcessStartInfo(line[0], line[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment =
            {
                ["Data__Folder"] = folder, ["Urls"] = "http://127.0.0.1:0", ["Logging__LogLevel__Default"] = "Warning",
            },
        };
        foreach (var (name, value) in environment ?? [])
        {
            start.Environment[name] = value;
        }

        return start;
    }
}
