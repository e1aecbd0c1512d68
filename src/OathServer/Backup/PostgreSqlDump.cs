using System.Diagnostics;
using Npgsql;

namespace OathServer.Backup;

/// <summary>PostgreSQL's own <c>pg_dump</c> and <c>pg_restore</c>: a consistent picture of a database in use.</summary>
internal static class PostgreSqlDump
{
    /// <exception cref="InvalidOperationException">The program is not there or failed; its words are in the message.</exception>
    public static Task DumpAsync(string connectionString, Func<Stream, Task> take, CancellationToken cancel) =>
        RunAsync("pg_dump", connectionString, ["--format=custom", "--no-owner", "--no-privileges"], process => take(process.StandardOutput.BaseStream), cancel);

    /// <inheritdoc cref="DumpAsync"/>
    public static Task RestoreAsync(string connectionString, string file, CancellationToken cancel) =>
        RunAsync("pg_restore", connectionString,
            ["--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", $"--dbname={new NpgsqlConnectionStringBuilder(connectionString).Database}", file],
            process => process.StandardOutput.BaseStream.CopyToAsync(Stream.Null, cancel), cancel);

    private static async Task RunAsync(
        string program, string connectionString, string[] arguments, Func<Process, Task> read, CancellationToken cancel)
    {
        var at = new NpgsqlConnectionStringBuilder(connectionString);
        var start = new ProcessStartInfo(Find(program), arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            // In the environment, not among the arguments, which everybody on the machine can read.
            Environment =
            {
                ["PGHOST"] = at.Host, ["PGPORT"] = at.Port.ToString(System.Globalization.CultureInfo.InvariantCulture),
                ["PGUSER"] = at.Username, ["PGPASSWORD"] = at.Password, ["PGDATABASE"] = at.Database,
            },
        };
        using var process = Process.Start(start)!;
        var said = process.StandardError.ReadToEndAsync(cancel);
        await read(process);
        await process.WaitForExitAsync(cancel);
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} failed: {(await said).Trim()}");
        }
    }

    private static string Find(string program)
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        var debian = Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").OrderDescending(StringComparer.Ordinal).Select(d => Path.Combine(d, "bin"))
            : [];
        // Debian's wrapper on the path picks a version by clusters it knows; the programs themselves do as told.
        return debian.Concat(folders).Select(f => Path.Combine(f, program)).FirstOrDefault(File.Exists)
            ?? throw new InvalidOperationException($"{program} is not installed here; it comes with PostgreSQL's client programs.");
    }
}
