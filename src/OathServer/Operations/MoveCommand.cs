using System.CommandLine;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Storage;

namespace OathServer.Operations;

/// <summary><c>move</c>: from SQLite to an empty PostgreSQL, all or nothing, proven by counts and digests.</summary>
internal static class MoveCommand
{
    /// <summary>The setting read where <c>--to</c> is left out.</summary>
    public const string TargetSetting = "Move:To";

    /// <summary>What the SQLite file is called afterwards: no server serves it by mistake, as it would accept used codes.</summary>
    public const string Retired = ".moved";

    private static readonly Option<string?> to = new("--to")
    {
        Description = "The PostgreSQL connection string. Left out, it is read from Move__To, where no process list shows its password.",
    };

    public static Command Create()
    {
        var move = new Command("move", "Moves everything from SQLite to an empty PostgreSQL database. Stop the server first.") { to };
        move.SetAction(async (parsed, cancel) =>
        {
            try
            {
                await RunAsync(settings: [], parsed.GetValue(to), Console.Out, cancel);
                return 0;
            }
            catch (InvalidOperationException refusal)
            {
                await Console.Error.WriteLineAsync(refusal.Message);
                return 1;
            }
        });
        return move;
    }

    /// <exception cref="InvalidOperationException">It cannot be done; the message says why. SQLite still is as it was.</exception>
    internal static async Task RunAsync(
        IReadOnlyCollection<KeyValuePair<string, string?>> settings, string? target, TextWriter output, CancellationToken cancel)
    {
        string file;
        await using (var source = OathHost.BuildStorage(settings))
        {
            if (!StorageServices.HasOneOwner(source.Configuration))
            {
                throw new InvalidOperationException("Storage:Provider is PostgreSql already; move goes from SQLite to PostgreSQL.");
            }

            target ??= source.Configuration[TargetSetting];
            if (string.IsNullOrWhiteSpace(target))
            {
                throw new InvalidOperationException("Where to? Give --to or set Move__To to the connection string of an empty PostgreSQL database.");
            }

            var connections = source.Services.GetRequiredService<SqliteConnections>();
            file = new SqliteConnectionStringBuilder(connections.ConnectionString).DataSource;
            if (!File.Exists(file))
            {
                throw new InvalidOperationException($"There is no SQLite database at {Path.GetFullPath(file)} (Data__Folder says where).");
            }

            using var owner = OwnerLock.Take(StorageServices.DataFolder(source.Configuration));
            await source.Services.GetRequiredService<StorageStart>().RunAsync(cancel);
            await using var destination = OathHost.BuildStorage(
            [
                .. settings,
                new("Storage:Provider", StorageOptions.PostgreSql),
                new("ConnectionStrings:Oath", target),
            ]);
            await CopyAsync(source, destination, output, cancel);
            Empty(connections);
        }

        SqliteConnection.ClearAllPools();
        File.Move(file, file + Retired);
        await output.WriteLineAsync(
            $"Moved. {file} is now {file}{Retired}: keep it until the nodes run, and never serve it again, as it would accept codes used since.");
        await output.WriteLineAsync(
            "Start each node with Storage__Provider=PostgreSql, the same ConnectionStrings__Oath and the same sealing key (Secrets__KeyFile).");
    }

    private static async Task CopyAsync(WebApplication source, WebApplication destination, TextWriter output, CancellationToken cancel)
    {
        await using var sourceScope = source.Services.CreateAsyncScope();
        await using var destinationScope = destination.Services.CreateAsyncScope();
        var to = destinationScope.ServiceProvider.GetRequiredService<OathDbContext>();
        long rows = 0;
        await using (await PostgreSqlStart.TakeTurnAsync(destination.Services.GetRequiredService<PostgreSqlConnections>(), cancel))
        {
            await to.Database.MigrateAsync(cancel);
            var copy = new StoreCopy(sourceScope.ServiceProvider.GetRequiredService<OathDbContext>(), to);
            await output.WriteLineAsync($"{"table",-28}{"rows",12}  digest, the same in both");
            foreach (var table in await copy.RunAsync(t => output.WriteLine($"{t.Name,-28}{t.Rows,12:N0}  {t.Digest}"), cancel))
            {
                rows += table.Rows;
            }
        }

        // Proves that the sealing key opens what was moved, and puts the trigger in place.
        await destination.Services.GetRequiredService<StorageStart>().RunAsync(cancel);
        var trail = destination.Services.GetRequiredService<AuditTrail>();
        await trail.SaveAsync(to, cancel, AuditEvent.OnThisMachine() with
        {
            Action = "storage.move",
            Outcome = "done",
            Detail = $"{rows} rows from SQLite to PostgreSQL, counts and digests equal",
        });
        if (await trail.VerifyAsync(to, cancel) is { } broken)
        {
            throw new InvalidOperationException($"Everything was moved, but the audit trail does not verify: {broken}. It did not before either, or do not use the new database.");
        }
    }

    /// <summary>Brings the write-ahead log into the file, so that the file alone is the database.</summary>
    private static void Empty(SqliteConnections connections)
    {
        using var connection = connections.Open();
        using var checkpoint = connection.CreateCommand();
        checkpoint.CommandText = "PRAGMA wal_checkpoint(TRUNCATE)";
        checkpoint.ExecuteNonQuery();
    }
}
