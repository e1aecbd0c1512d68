using Npgsql;

namespace OathServer.Storage;

/// <summary>What is particular to starting on PostgreSQL: nodes that start together take turns, and what hinders them is
/// said in one line.</summary>
internal sealed class PostgreSqlStart : IAsyncDisposable
{
    /// <summary>Seconds a node waits for another's start, a migration of a large store included.</summary>
    private const int TurnSeconds = 900;

    private readonly NpgsqlConnection turn;

    private PostgreSqlStart(NpgsqlConnection turn) => this.turn = turn;

    /// <summary>Waits until no other node is starting; the turn ends with the returned value.</summary>
    /// <exception cref="InvalidOperationException">The database cannot be used; the message says what to do.</exception>
    public static async Task<PostgreSqlStart> TakeTurnAsync(PostgreSqlConnections connections, CancellationToken cancel)
    {
        NpgsqlConnection? connection = null;
        try
        {
            connection = connections.OpenAtStart();
            await using var take = new NpgsqlCommand("SELECT set_config('lock_timeout', '0', false), pg_advisory_lock($1, 0)", connection)
            {
                CommandTimeout = TurnSeconds,
                Parameters = { new() { Value = PostgreSqlChain.LockClass } },
            };
            await take.ExecuteNonQueryAsync(cancel);
            return new PostgreSqlStart(connection);
        }
        catch (Exception fault)
        {
            if (connection is not null)
            {
                await connection.DisposeAsync();
            }

            if (fault is NpgsqlException)
            {
                throw new InvalidOperationException(connections.Explain(fault), fault);
            }

            throw;
        }
    }

    /// <summary>Whether nothing in this database was sealed yet.</summary>
    /// <exception cref="InvalidOperationException">The database cannot be used; the message says what to do.</exception>
    public static bool IsNew(PostgreSqlConnections connections)
    {
        try
        {
            using var connection = connections.OpenAtStart();
            using var known = new NpgsqlCommand("SELECT to_regclass('sealing_keys') IS NOT NULL", connection);
            if (known.ExecuteScalar() is not true)
            {
                return true;
            }

            using var any = new NpgsqlCommand("SELECT EXISTS (SELECT FROM sealing_keys)", connection);
            return any.ExecuteScalar() is false;
        }
        catch (NpgsqlException fault)
        {
            throw new InvalidOperationException(connections.Explain(fault), fault);
        }
    }

    public ValueTask DisposeAsync() => turn.DisposeAsync();
}
