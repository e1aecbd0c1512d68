using System.Diagnostics;
using Npgsql;

namespace OathServer.Storage;

/// <summary>
/// Counters in PostgreSQL, for any number of nodes: one transaction a batch on a connection of its own. Rows are locked
/// in the order of their ids, so no two nodes can wait for one another; what a node decides on is what it locked.
/// </summary>
internal sealed class PostgreSqlCounterStore(
    PostgreSqlConnections connections, byte[] chainKey, CounterSql? sql = null, AcceptanceJournal? journal = null) : ICounterStore
{
    /// <summary>After a connection that could not be opened, batches are refused at once for so long: callers get their
    /// refusal without a wait, and the database is not stormed when it comes back.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    private PostgreSqlCounterSession? session;
    private long refusedAt;
    private Exception? refusal;

    public int Commit(IReadOnlyList<CounterChange> batch, DateTimeOffset now)
    {
        journal?.Settle();
        for (var again = false; ; again = true)
        {
            var current = session ??= Open();
            try
            {
                return current.Commit(batch, now);
            }
            catch (Exception fault)
            {
                // Whatever the transaction was, it ends with its connection; the next one reads everything anew.
                session = null;
                current.Dispose();
                // Once the commit was sent nobody knows whether it holds: then the batch is refused, not repeated. After
                // a wait that was in vain its callers have waited long enough.
                if (again || current.CommitSent || fault.InnerException is TimeoutException || !StorageFault.IsPassing(fault))
                {
                    throw;
                }
            }
        }
    }

    public void Dispose() => session?.Dispose();

    private PostgreSqlCounterSession Open()
    {
        if (refusal is not null && Stopwatch.GetElapsedTime(refusedAt) < Pause)
        {
            throw new StorageUnavailableException("PostgreSQL did not answer a moment ago.", refusal);
        }

        NpgsqlConnection? connection = null;
        try
        {
            connection = connections.Own.OpenConnection();
            var opened = new PostgreSqlCounterSession(connection, chainKey, sql ?? CounterSql.Own, journal);
            refusal = null;
            return opened;
        }
        catch (Exception fault)
        {
            connection?.Dispose();
            refusal = fault;
            refusedAt = Stopwatch.GetTimestamp();
            throw;
        }
    }
}
