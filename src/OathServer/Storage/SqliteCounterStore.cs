using System.Diagnostics;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace OathServer.Storage;

/// <summary>
/// Counters in SQLite: statements prepared once on a connection of their own, one <c>BEGIN IMMEDIATE</c> transaction a
/// batch. The raw binding is used because this is the one place where a microsecond a row is felt.
/// </summary>
internal sealed class SqliteCounterStore : ICounterStore
{
    private const string SelectSql =
        "SELECT counter, generation, state, flags, failures, locked_until, drift, last_accepted_at, last_request FROM token_counters WHERE token_id = ?1";

    private const string InsertLogSql = "INSERT INTO validation_log (node, sequence, at, entries, mac) VALUES (0, ?1, ?2, ?3, ?4)";

    private readonly SqliteConnection connection;
    private readonly sqlite3_stmt begin;
    private readonly sqlite3_stmt select;
    private readonly sqlite3_stmt update;
    private readonly sqlite3_stmt insertLog;
    private readonly sqlite3_stmt commit;
    private readonly SqliteCheckpoint checkpoint;
    private readonly CounterRows rows = new();
    private readonly ValidationLog log = new();
    private readonly byte[] chainKey;
    private readonly AcceptanceJournal? journal;
    private readonly DiskReserve? reserve;
    private readonly WriteTurn? turn;
    private readonly long?[] bound = new long?[12];
    private long sequence;
    private byte[] previousMac = new byte[ValidationChain.MacSize];

    public SqliteCounterStore(
        SqliteConnections connections, byte[] chainKey, AcceptanceJournal? journal = null, DiskReserve? reserve = null,
        SqliteStatements? statements = null, WriteTurn? turn = null)
    {
        this.turn = turn;
        statements ??= new();
        this.journal = journal;
        this.reserve = reserve;
        connection = connections.Open();
        this.chainKey = chainKey;
        // 64 MB: the counters of a million tokens stay in memory.
        Execute("PRAGMA cache_size = -65536");
        checkpoint = new SqliteCheckpoint(connection, connections);
        ReadChainHead();
        begin = Prepare(statements.Begin);
        select = Prepare(SelectSql);
        update = Prepare(statements.Update);
        insertLog = Prepare(InsertLogSql);
        commit = Prepare(statements.Commit);
    }

    public int Commit(IReadOnlyList<CounterChange> batch, DateTimeOffset now)
    {
        int decided;
        try
        {
            decided = CommitOnce(batch, now);
        }
        catch (SqliteException fault) when (IsForWantOfSpace(fault) && reserve!.GiveUp())
        {
            // Nothing of the batch holds: it is decided again from the rows as they are.
            decided = CommitOnce(batch, now);
        }

        // Takes it again once there is space, whether or not anybody asks for our health.
        _ = reserve?.IsMissing;
        return decided;
    }

    private bool IsForWantOfSpace(SqliteException fault) => reserve is not null
        && (fault.SqliteErrorCode == raw.SQLITE_FULL || (fault.SqliteErrorCode == raw.SQLITE_IOERR && reserve.DiskIsFull()));

    private int CommitOnce(IReadOnlyList<CounterChange> batch, DateTimeOffset now)
    {
        journal?.Settle();
        rows.Clear();
        log.Clear();
        using var held = WriteTurn.Take(turn);
        Run(begin);
        try
        {
            var decided = 0;
            for (var since = Stopwatch.GetTimestamp(); decided < batch.Count && Stopwatch.GetElapsedTime(since) < CounterCommit.DecidingMax; decided++)
            {
                var change = batch[decided];
                foreach (var id in change.TokenIds)
                {
                    Read(id);
                }

                change.Decide(rows, now, log);
            }

            WriteChanges();
            var mac = AppendLog(now);
            Run(commit);
            checkpoint.AfterCommit();
            if (mac is not null)
            {
                sequence++;
                previousMac = mac;
                journal?.Append(new JournaledBatch(Node: 0, sequence, now.ToUnixTimeMilliseconds(), log.Entries.ToArray(), mac));
            }

            return decided;
        }
        catch
        {
            // Whatever of it reached the disk is undone; after some faults SQLite has rolled back by itself.
            _ = raw.sqlite3_exec(connection.Handle, "ROLLBACK");
            throw;
        }
    }

    public void Dispose()
    {
        foreach (var statement in (ReadOnlySpan<sqlite3_stmt>)[begin, select, update, insertLog, commit])
        {
            statement.Dispose();
        }

        checkpoint.Dispose();
        connection.Dispose();
    }

    private void Execute(string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private void Read(long id)
    {
        if (rows.Contains(id))
        {
            return;
        }

        _ = raw.sqlite3_bind_int64(select, 1, id);
        try
        {
            if (!Step(select))
            {
                return;
            }

            rows.Add(new CounterRow
            {
                TokenId = id,
                Counter = raw.sqlite3_column_int64(select, 0),
                Generation = raw.sqlite3_column_int(select, 1),
                State = (TokenState)raw.sqlite3_column_int(select, 2),
                Flags = (CounterFlags)raw.sqlite3_column_int(select, 3),
                Failures = raw.sqlite3_column_int(select, 4),
                LockedUntil = raw.sqlite3_column_int64(select, 5),
                Drift = raw.sqlite3_column_int(select, 6),
                LastAcceptedAt = raw.sqlite3_column_int64(select, 7),
                LastRequest = raw.sqlite3_column_int64(select, 8),
                PersonId = CounterRow.NotRead,
            });
        }
        finally
        {
            _ = raw.sqlite3_reset(select);
        }
    }

    private void WriteChanges()
    {
        for (var index = 0; index < rows.Count; index++)
        {
            if (!rows.TryGetChange(index, out var read, out var changed))
            {
                continue;
            }

            _ = raw.sqlite3_bind_int64(update, 1, changed.TokenId);
            _ = raw.sqlite3_bind_int64(update, 2, changed.Counter);
            _ = raw.sqlite3_bind_int64(update, 9, read.Counter);
            Bind(3, (int)changed.State);
            Bind(4, (int)changed.Flags);
            Bind(5, changed.Failures);
            Bind(6, changed.LockedUntil);
            Bind(7, changed.Drift);
            Bind(8, changed.LastAcceptedAt);
            Bind(10, read.Generation);
            Bind(11, changed.LastRequest);
            Run(update);
            if (raw.sqlite3_changes(connection.Handle) != 1)
            {
                throw new InvalidOperationException($"The counter of token {changed.TokenId} changed under the lock; the batch is refused.");
            }
        }
    }

    /// <summary>Binds what differs from what is bound: of row after row most is the same.</summary>
    private void Bind(int place, long value)
    {
        if (bound[place] != value)
        {
            _ = raw.sqlite3_bind_int64(update, place, value);
            bound[place] = value;
        }
    }

    private byte[]? AppendLog(DateTimeOffset now)
    {
        if (log.Entries.IsEmpty)
        {
            return null;
        }

        var at = now.ToUnixTimeMilliseconds();
        var mac = ValidationChain.Link(chainKey, node: 0, sequence + 1, at, previousMac, log.Entries);
        _ = raw.sqlite3_bind_int64(insertLog, 1, sequence + 1);
        _ = raw.sqlite3_bind_int64(insertLog, 2, at);
        _ = raw.sqlite3_bind_blob(insertLog, 3, log.Entries);
        _ = raw.sqlite3_bind_blob(insertLog, 4, mac);
        Run(insertLog);
        return mac;
    }

    private void ReadChainHead()
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT sequence, mac, at, entries FROM validation_log WHERE node = 0 ORDER BY sequence DESC LIMIT 1";
        using var reader = command.ExecuteReader();
        if (reader.Read())
        {
            sequence = reader.GetInt64(0);
            previousMac = (byte[])reader.GetValue(1);
            // A crash between commit and journal left out one batch at most, which nobody was told of.
            journal?.Append(new JournaledBatch(Node: 0, sequence, reader.GetInt64(2), (byte[])reader.GetValue(3), previousMac));
        }
    }

    private sqlite3_stmt Prepare(string sql)
    {
        SqliteException.ThrowExceptionForRC(raw.sqlite3_prepare_v2(connection.Handle, sql, out var statement), connection.Handle);
        return statement;
    }

    private void Run(sqlite3_stmt statement)
    {
        try
        {
            Step(statement);
        }
        finally
        {
            _ = raw.sqlite3_reset(statement);
        }
    }

    /// <summary>True when the statement stands on a row, false when it is done.</summary>
    private bool Step(sqlite3_stmt statement)
    {
        var code = raw.sqlite3_step(statement);
        if (code is raw.SQLITE_ROW or raw.SQLITE_DONE)
        {
            return code == raw.SQLITE_ROW;
        }

        SqliteException.ThrowExceptionForRC(code, connection.Handle);
        return false;
    }
}
