using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Npgsql;

namespace OathServer.Tests.Databases;

/// <summary>A PostgreSQL cluster of the test's own, from Debian's binaries, run by an ordinary user in a folder that is
/// gone with it. It can be killed and started again.</summary>
internal sealed class PostgreSqlServer : IAsyncDisposable
{
    private const string User = "oath";
    private const int SigKill = 9;
    private const int SigInt = 2;
    private const int SigStop = 19;

    private readonly string folder;
    private readonly List<string> settings;
    private List<KeyValuePair<string, string?>> environment = [];
    private Process? process;

    private PostgreSqlServer(string folder, int port, IEnumerable<string> settings)
    {
        this.folder = folder;
        this.settings = [.. settings];
        Port = port;
    }

    public int Port { get; }

    public string DataFolder => Path.Combine(folder, "data");

    /// <summary>A new cluster, started. <paramref name="settings"/> as in <c>postgresql.conf</c>.</summary>
    public static async Task<PostgreSqlServer> StartAsync(params string[] settings)
    {
        var server = new PostgreSqlServer(MakeFolder(), FreePort(), settings);
        await server.RunAsync("initdb", "-D", server.DataFolder, "-U", User, "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync");
        await server.StartAgainAsync();
        return server;
    }

    /// <summary>The same, its server process with an environment of its own: a disk of the test's making.</summary>
    public static async Task<PostgreSqlServer> StartOnAsync(IEnumerable<KeyValuePair<string, string?>> environment)
    {
        var server = new PostgreSqlServer(MakeFolder(), FreePort(), []) { environment = [.. environment] };
        await server.RunAsync("initdb", "-D", server.DataFolder, "-U", User, "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync");
        await server.StartAgainAsync();
        return server;
    }

    /// <summary>A standby of <paramref name="primary"/> under that name, streaming from it.</summary>
    public static async Task<PostgreSqlServer> StandbyAsync(PostgreSqlServer primary, string name, params string[] settings)
    {
        var server = new PostgreSqlServer(MakeFolder(), FreePort(), settings);
        await server.RunAsync(
            "pg_basebackup", "-D", server.DataFolder, "-R", "-X", "stream", "-c", "fast", "--no-sync",
            "-d", $"host=127.0.0.1 port={primary.Port} user={User} application_name={name}");
        await server.StartAgainAsync();
        return server;
    }

    /// <summary>Starts the cluster on the port it had.</summary>
    public async Task StartAgainAsync()
    {
        List<string> arguments =
        [
            "-D", DataFolder, "-p", Port.ToString(System.Globalization.CultureInfo.InvariantCulture), "-h", "127.0.0.1", "-k", folder,
            "-c", "shared_buffers=64MB", "-c", "max_connections=200", "-c", "wal_level=replica", "-c", "logging_collector=off",
        ];
        foreach (var setting in settings)
        {
            arguments.AddRange(["-c", setting]);
        }

        var start = AsOrdinaryUser(Path.Combine(Binaries(), "postgres"), arguments);
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        process = Process.Start(start)!;
        var said = process.StandardError.ReadToEndAsync();
        _ = process.StandardOutput.ReadToEndAsync();
        await UntilItAnswersAsync(said);
    }

    /// <summary>Kills the server and all its processes at once, as a power cut would.</summary>
    public async Task KillAsync()
    {
        await SignalAllAsync(SigKill);
        // What the dead left behind would stop the next start.
        File.Delete(Path.Combine(DataFolder, "postmaster.pid"));
    }

    /// <summary>Makes a standby the primary.</summary>
    public async Task PromoteAsync()
    {
        await ExecuteAsync("SELECT pg_promote(true, 30)");
    }

    /// <summary>Adds settings that the next <see cref="StartAgainAsync"/> has too, and reloads.</summary>
    public async Task ConfigureAsync(string name, string value)
    {
        await ExecuteAsync($"ALTER SYSTEM SET {name} = '{value}'");
        await ExecuteAsync("SELECT pg_reload_conf()");
    }

    /// <summary>A new, empty database.</summary>
    public async Task<string> CreateDatabaseAsync()
    {
        var name = "oath_" + Guid.NewGuid().ToString("N");
        await ExecuteAsync($"CREATE DATABASE {name}");
        return ConnectionString(name);
    }

    public string ConnectionString(string database) =>
        $"Host=127.0.0.1;Port={Port};Username={User};Database={database};Maximum Pool Size=16";

    public async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString("postgres") + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await SignalAllAsync(SigInt);
        process?.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private async Task UntilItAnswersAsync(Task<string> said)
    {
        for (var tries = 0; ; tries++)
        {
            try
            {
                await ExecuteAsync("SELECT 1");
                return;
            }
            catch (NpgsqlException fault)
            {
                if (process!.HasExited || tries > 1200)
                {
                    throw new InvalidOperationException($"PostgreSQL did not start in {folder}: {(process.HasExited ? await said : "no answer")}", fault);
                }

                await Task.Delay(25);
            }
        }
    }

    private async Task SignalAllAsync(int signal)
    {
        if (process is null || process.HasExited)
        {
            return;
        }

        // The first line of postmaster.pid is the process, and its session's group holds all its children.
        var postmaster = int.Parse((await File.ReadAllLinesAsync(Path.Combine(DataFolder, "postmaster.pid")))[0], System.Globalization.CultureInfo.InvariantCulture);
        List<int> children = [];
        if (signal == SigKill)
        {
            // Stopped, it makes no new ones meanwhile.
            _ = Kill(postmaster, SigStop);
            children = ChildrenOf(postmaster);
            foreach (var child in children)
            {
                _ = Kill(child, SigKill);
            }
        }

        _ = Kill(postmaster, signal);
        await process.WaitForExitAsync();
        // One that still holds the shared memory would keep the next server from starting.
        while (children.Exists(Runs))
        {
            await Task.Delay(5);
        }
    }

    private static bool Runs(int process)
    {
        try
        {
            return File.Exists($"/proc/{process}/stat") && !File.ReadAllText($"/proc/{process}/stat").Contains(") Z ", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            // It ended between the two.
            return false;
        }
    }

    private static List<int> ChildrenOf(int parent)
    {
        var path = $"/proc/{parent}/task/{parent}/children";
        return File.Exists(path)
            ? [.. File.ReadAllText(path).Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)]
            : [];
    }

    private async Task RunAsync(string program, params string[] arguments)
    {
        using var run = Process.Start(AsOrdinaryUser(Path.Combine(Binaries(), program), arguments))!;
        var output = run.StandardOutput.ReadToEndAsync();
        var errors = await run.StandardError.ReadToEndAsync();
        await run.WaitForExitAsync();
        if (run.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} failed: {errors} {await output}");
        }
    }

    private ProcessStartInfo AsOrdinaryUser(string program, IEnumerable<string> arguments)
    {
        // PostgreSQL refuses to run as root.
        string[] before = Environment.UserName == "root" ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", program] : [program];
        return new ProcessStartInfo(before[0], [.. before[1..], .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder,
        };
    }

    private static string MakeFolder()
    {
        var folder = Directory.CreateTempSubdirectory("oathserver-postgres-").FullName;
        if (Environment.UserName == "root")
        {
            using var chown = Process.Start("chown", ["postgres:postgres", folder]);
            chown.WaitForExit();
        }

        return folder;
    }

    private static string Binaries() =>
        Directory.GetDirectories("/usr/lib/postgresql").Order().Select(version => Path.Combine(version, "bin")).LastOrDefault(Directory.Exists)
        ?? throw new InvalidOperationException("PostgreSQL is not installed; ./test installs it (package postgresql).");

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int process, int signal);
}
