using System.Data.Common;
using Npgsql;

namespace OathServer.Storage;

/// <summary>
/// Whether what a connection commits survives: <c>fsync</c> and <c>full_page_writes</c> on, <c>synchronous_commit</c> on
/// or stricter, and a server that takes writes. With <c>synchronous_commit=off</c> a killed server forgot acknowledged
/// counters, and their codes were accepted again.
/// </summary>
internal static class PostgreSqlDurability
{
    private const string AskSql =
        "SELECT current_setting('synchronous_commit'), current_setting('fsync'), current_setting('full_page_writes'), pg_is_in_recovery()";

    // Said once a connection: a later change of the server's configuration does not reach it. A transaction of a node
    // that was cut off frees its rows after a few seconds.
    private const string PinSql =
        "SELECT set_config('synchronous_commit', current_setting('synchronous_commit'), false), "
        + "set_config('idle_in_transaction_session_timeout', '10s', false), set_config('lock_timeout', '4s', false)";

    /// <summary>Asserts and pins the settings of a new connection.</summary>
    /// <exception cref="DurabilityException">The server refuses to use this connection.</exception>
    public static void Prepare(NpgsqlConnection connection)
    {
        Assert(connection);
        using var pin = new NpgsqlCommand(PinSql, connection);
        pin.ExecuteNonQuery();
    }

    /// <inheritdoc cref="Prepare"/>
    public static async Task PrepareAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        await using (var ask = new NpgsqlCommand(AskSql, connection))
        await using (var reader = await ask.ExecuteReaderAsync(cancel))
        {
            await reader.ReadAsync(cancel);
            Judge(reader);
        }

        await using var pin = new NpgsqlCommand(PinSql, connection);
        await pin.ExecuteNonQueryAsync(cancel);
    }

    /// <summary>Asks again: <c>fsync</c> and <c>full_page_writes</c> can be changed under a living connection.</summary>
    /// <exception cref="DurabilityException">It no longer is durable.</exception>
    public static void Assert(NpgsqlConnection connection)
    {
        using var ask = new NpgsqlCommand(AskSql, connection);
        using var reader = ask.ExecuteReader();
        reader.Read();
        Judge(reader);
    }

    private static void Judge(DbDataReader reader)
    {
        var commit = reader.GetString(0);
        var fault = commit is not ("on" or "remote_apply") ? ("synchronous_commit", commit)
            : reader.GetString(1) != "on" ? ("fsync", reader.GetString(1))
            : reader.GetString(2) != "on" ? ("full_page_writes", reader.GetString(2))
            : default((string Name, string Value)?);
        if (fault is { } setting)
        {
            throw new DurabilityException(
                $"PostgreSQL has {setting.Name}={setting.Value}: after a crash it would accept used codes again, so the server refuses to use it. Set {setting.Name}=on in postgresql.conf and reload (look at ALTER DATABASE, ALTER ROLE and the connection's Options too).");
        }

        if (reader.GetBoolean(3))
        {
            throw new DurabilityException("This PostgreSQL is a standby and takes no writes. Name the primary in ConnectionStrings:Oath, or all hosts separated by commas.");
        }
    }
}

/// <summary>A connection that would not keep what it commits. Nothing is served from it.</summary>
internal sealed class DurabilityException(string message) : InvalidOperationException(message);

/// <summary>
/// Hears, at a commit, the server's warning that the transaction may not be on the synchronous standby: PostgreSQL then
/// reports success, as when a wait for replication is cancelled. Such a commit is not acknowledged.
/// </summary>
internal sealed class CommitWatch
{
    private volatile string? warning;

    public CommitWatch(NpgsqlConnection connection) => connection.Notice += (_, notice) =>
    {
        if (notice.Notice.InvariantSeverity is "WARNING")
        {
            warning = notice.Notice.MessageText;
        }
    };

    public void Begin() => warning = null;

    /// <exception cref="StorageUnavailableException">The server warned while it committed.</exception>
    public void ThrowIfWarned()
    {
        if (warning is { } text)
        {
            throw new StorageUnavailableException($"PostgreSQL committed with a warning: {text}. A standby may not have it.");
        }
    }
}
