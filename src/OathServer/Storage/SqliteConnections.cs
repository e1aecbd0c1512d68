using System.Data.Common;
using System.Runtime.CompilerServices;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore.Diagnostics;
using SQLitePCL;

namespace OathServer.Storage;

/// <summary>Opens connections to the one SQLite file with the settings that durability depends on, and proves them:
/// they are per connection, and the driver sets none of them.</summary>
internal sealed class SqliteConnections(string connectionString) : DbConnectionInterceptor
{
    /// <summary>Bytes of the write-ahead log that are kept when it starts again (320 MB, a quarter more than what starts a
    /// checkpoint): a file that is cut and grown at each would cost the writer more. A large import leaves it no longer.</summary>
    public const int LogMax = SqliteCheckpoint.PagesMax / 4 * 5 * 4096;

    private const int Full = 2;

    // The driver pools connections: each is prepared once and keeps its settings.
    private readonly ConditionalWeakTable<sqlite3, object> prepared = [];

    public string ConnectionString => connectionString;

    public SqliteConnection Open()
    {
        var connection = new SqliteConnection(connectionString);
        connection.Open();
        Prepare(connection);
        return connection;
    }

    public override void ConnectionOpened(DbConnection connection, ConnectionEndEventData eventData) =>
        Prepare((SqliteConnection)connection);

    public override Task ConnectionOpenedAsync(
        DbConnection connection, ConnectionEndEventData eventData, CancellationToken cancellationToken = default)
    {
        Prepare((SqliteConnection)connection);
        return Task.CompletedTask;
    }

    /// <summary>What to put right, in one line, when the file cannot be used at start.</summary>
    internal static string Explain(SqliteException fault, string? connectionString)
    {
        var file = new SqliteConnectionStringBuilder(connectionString).DataSource;
        return fault.SqliteErrorCode switch
        {
            _ when Directory.Exists(file) => $"{file} is a folder. Put the database file there, or name another one.",
            raw.SQLITE_NOTADB or raw.SQLITE_CORRUPT =>
                $"{file} is damaged or no SQLite database. Nothing was changed. Put the right file in place, or restore the last backup (OathServer restore).",
            raw.SQLITE_BUSY or raw.SQLITE_LOCKED =>
                $"Another program holds {file} locked. Close it (a database browser? a copy that runs?), then start again.",
            raw.SQLITE_CANTOPEN or raw.SQLITE_PERM =>
                $"{file} cannot be opened. Check that it is a file, and that this user may read and write it and its folder.",
            raw.SQLITE_READONLY => $"{file} cannot be written. Check owner and mode of the file and its folder, and that the disk is not mounted read-only.",
            raw.SQLITE_FULL => $"There is no space left for {file}. Make some, then start again.",
            raw.SQLITE_IOERR => $"The disk under {file} fails to read or write (SQLite error {fault.SqliteExtendedErrorCode}). See the system's log.",
            _ => $"{file} cannot be used: {fault.Message}",
        };
    }

    private void Prepare(SqliteConnection connection)
    {
        if (prepared.TryGetValue(connection.Handle!, out _))
        {
            return;
        }

        using var command = connection.CreateCommand();
        command.CommandText =
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 15000; "
            + $"PRAGMA journal_size_limit = {LogMax};";
        command.ExecuteNonQuery();
        command.CommandText = "PRAGMA page_count";
        // From twice the pages that start a checkpoint beside (SqliteCheckpoint), a commit of these connections copies them
        // itself: where no writer of counters has it done, or it does not keep up.
        command.CommandText = $"PRAGMA wal_autocheckpoint = {2 * SqliteCheckpoint.PagesBefore((long)command.ExecuteScalar()!)}";
        command.ExecuteNonQuery();
        AssertDurable(connection);
        prepared.AddOrUpdate(connection.Handle!, prepared);
    }

    /// <summary>Refuses a connection whose commits would not be flushed: after a power cut such a database accepts used
    /// codes again.</summary>
    internal static void AssertDurable(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT (SELECT synchronous FROM pragma_synchronous), (SELECT journal_mode FROM pragma_journal_mode)";
        using var reader = command.ExecuteReader();
        reader.Read();
        if (reader.GetInt32(0) < Full || !reader.GetString(1).Equals("wal", StringComparison.OrdinalIgnoreCase))
        {
            throw new InvalidOperationException(
                $"This SQLite connection is not durable (synchronous={reader.GetInt32(0)}, journal_mode={reader.GetString(1)}); the server refuses to use it.");
        }
    }
}
