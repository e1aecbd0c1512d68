using System.Diagnostics;
using Npgsql;
using NpgsqlTypes;

namespace OathServer.Storage;

/// <summary>One connection of the writer with its statements prepared, and the chain of the log that this node holds.
/// After any fault it is thrown away and another is opened.</summary>
internal sealed class PostgreSqlCounterSession : IDisposable
{
    private const string InsertLogSql =
        "INSERT INTO validation_log (node, sequence, at, entries, mac) SELECT $1, $2, $3, $4, $5 WHERE octet_length($4) > 0";

    /// <summary>How often a living connection is asked whether it still is durable.</summary>
    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(5);

    private readonly NpgsqlConnection connection;
    private readonly byte[] chainKey;
    private readonly PostgreSqlChain chain;
    private readonly AcceptanceJournal? journal;
    private readonly CommitWatch watch;
    private readonly NpgsqlCommand select;
    private readonly NpgsqlCommand selectAlone;
    private readonly NpgsqlBatch write;
    private readonly CounterColumns changed = new();
    private readonly List<long> ids = [];
    private readonly NpgsqlParameter<long> sequence = new();
    private readonly NpgsqlParameter<long> at = new();
    private readonly NpgsqlParameter<ReadOnlyMemory<byte>> entries = new() { NpgsqlDbType = NpgsqlDbType.Bytea };
    private readonly NpgsqlParameter<byte[]> mac = new() { NpgsqlDbType = NpgsqlDbType.Bytea, TypedValue = [] };
    private readonly CounterRows rows = new();
    private readonly ValidationLog log = new();
    private long asserted = Stopwatch.GetTimestamp();

    public PostgreSqlCounterSession(NpgsqlConnection connection, byte[] chainKey, CounterSql sql, AcceptanceJournal? journal = null)
    {
        this.journal = journal;
        this.connection = connection;
        this.chainKey = chainKey;
        chain = PostgreSqlChain.Take(connection, journal);
        watch = new CommitWatch(connection);
        // Lists of any length get the same plan, by the primary key, whatever the statistics say of a new table.
        using (var plan = new NpgsqlCommand("SET plan_cache_mode = force_generic_plan", connection))
        {
            plan.ExecuteNonQuery();
        }

        select = new NpgsqlCommand(sql.Select, connection) { Parameters = { CounterColumns.Of(ids, NpgsqlDbType.Bigint) } };
        selectAlone = new NpgsqlCommand(sql.SelectAlone ?? sql.Select, connection) { Parameters = { CounterColumns.Of(ids, NpgsqlDbType.Bigint) } };
        var update = new NpgsqlBatchCommand(sql.Update);
        changed.AddTo(update.Parameters);
        var insertLog = new NpgsqlBatchCommand(InsertLogSql)
        {
            Parameters = { new NpgsqlParameter<int> { TypedValue = chain.Node }, sequence, at, entries, mac },
        };
        write = new NpgsqlBatch(connection) { BatchCommands = { update, insertLog } };
        select.Prepare();
        selectAlone.Prepare();
        write.Prepare();
    }

    /// <summary>The last transaction got as far as its commit: whether it holds is unknown if that failed.</summary>
    public bool CommitSent { get; private set; }

    public int Commit(IReadOnlyList<CounterChange> batch, DateTimeOffset now)
    {
        CommitSent = false;
        AskWhetherDurable();
        rows.Clear();
        log.Clear();
        using var transaction = connection.BeginTransaction();
        Lock(batch);
        var decided = 0;
        for (var since = Stopwatch.GetTimestamp(); decided < batch.Count && Stopwatch.GetElapsedTime(since) < CounterCommit.DecidingMax; decided++)
        {
            batch[decided].Decide(rows, now, log);
        }

        var link = Write(now);
        watch.Begin();
        CommitSent = true;
        transaction.Commit();
        watch.ThrowIfWarned();
        if (link is not null)
        {
            chain.MoveTo(link);
            journal?.Append(new JournaledBatch(chain.Node, chain.Sequence, at.TypedValue, log.Entries.ToArray(), link));
        }

        return decided;
    }

    public void Dispose()
    {
        select.Dispose();
        selectAlone.Dispose();
        write.Dispose();
        connection.Dispose();
    }

    private void Lock(IReadOnlyList<CounterChange> batch)
    {
        ids.Clear();
        var withHolders = false;
        foreach (var change in batch)
        {
            ids.AddRange(change.TokenIds);
            withHolders |= change.NeedsHolder;
        }

        ids.Sort();
        KeepFirsts(ids);
        using var reader = (withHolders ? select : selectAlone).ExecuteReader();
        while (reader.Read())
        {
            rows.Add(new CounterRow
            {
                TokenId = reader.GetInt64(0),
                Counter = reader.GetInt64(1),
                Generation = reader.GetInt32(2),
                State = (TokenState)reader.GetInt32(3),
                Flags = (CounterFlags)reader.GetInt32(4),
                Failures = reader.GetInt32(5),
                LockedUntil = reader.GetInt64(6),
                Drift = reader.GetInt32(7),
                LastAcceptedAt = reader.GetInt64(8),
                LastRequest = reader.GetInt64(9),
                PersonId = reader.FieldCount == 10 ? CounterRow.NotRead : reader.IsDBNull(10) ? 0 : reader.GetInt64(10),
            });
        }
    }

    /// <summary>Leaves of each run of equal ids the first.</summary>
    private static void KeepFirsts(List<long> sorted)
    {
        var kept = 0;
        for (var i = 0; i < sorted.Count; i++)
        {
            if (kept == 0 || sorted[i] != sorted[kept - 1])
            {
                sorted[kept++] = sorted[i];
            }
        }

        sorted.RemoveRange(kept, sorted.Count - kept);
    }

    /// <summary>The new link of the log's chain; null when nothing was logged.</summary>
    private byte[]? Write(DateTimeOffset now)
    {
        changed.Clear();
        for (var index = 0; index < rows.Count; index++)
        {
            if (rows.TryGetChange(index, out var read, out var row))
            {
                changed.Add(row, read);
            }
        }

        if (changed.Count == 0 && log.Entries.IsEmpty)
        {
            return null;
        }

        sequence.TypedValue = chain.Sequence + 1;
        at.TypedValue = now.ToUnixTimeMilliseconds();
        entries.TypedValue = log.EntriesMemory;
        var link = log.Entries.IsEmpty
            ? null
            : ValidationChain.Link(chainKey, chain.Node, sequence.TypedValue, at.TypedValue, chain.Mac, log.Entries);
        mac.TypedValue = link ?? [];
        write.ExecuteNonQuery();
        if (write.BatchCommands[0].RecordsAffected != changed.Count)
        {
            throw new InvalidOperationException(
                $"{write.BatchCommands[0].RecordsAffected} of {changed.Count} counters were as they were read under the lock; the batch is refused.");
        }

        return link;
    }

    private void AskWhetherDurable()
    {
        if (Stopwatch.GetElapsedTime(asserted) > AskAgain)
        {
            PostgreSqlDurability.Assert(connection);
            asserted = Stopwatch.GetTimestamp();
        }
    }
}
