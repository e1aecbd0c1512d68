using System.Diagnostics;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using OathServer.Storage;

namespace OathServer.Load;

/// <summary>Durable advances alone, without HTTP and without codes: 64 callers, each waiting for its own, through
/// <see cref="CounterCommit"/>, against a prepared <c>UPDATE</c> committed each.</summary>
internal static class DurableAdvances
{
    private const int Callers = 64;
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(1);

    public static async Task<int> RunAsync(int tokens, int rounds)
    {
        using var database = await LoadedDatabase.MakeAsync(tokens);
        var connections = new SqliteConnections(
            new SqliteConnectionStringBuilder { DataSource = Path.Combine(database.Settings["Data:Folder"]!, "oath.db") }.ToString());
        var ours = new List<double>();
        var each = new List<double>();
        var longest = 0.0;
        for (var round = 0; round <= rounds; round++)
        {
            var (perSecond, stall) = await GroupedAsync(connections, tokens);
            var alone = CommitEach(connections, tokens);
            if (round > 0)
            {
                ours.Add(perSecond);
                each.Add(alone);
                longest = Math.Max(longest, stall);
            }
        }

        Ratios.Print($"durable-advances-c{Callers}-per-s", "commit-each", Ratios.Median(ours), Ratios.Median(each), Ratios.Median(ours.Zip(each, (o, e) => o / e)), "0", "0.0");
        Ratios.Print("longest-commit-ms", "floor-30-ms", longest, 30, longest / 30, "0.0", "0.00");
        return 0;
    }

    private static async Task<(double PerSecond, double LongestMilliseconds)> GroupedAsync(SqliteConnections connections, int tokens)
    {
        var store = new Timed(new SqliteCounterStore(connections, new byte[32]));
        using var commit = new CounterCommit(store, TimeProvider.System, NullLogger<CounterCommit>.Instance);
        await commit.StartAsync(default);
        var end = Stopwatch.GetTimestamp() + (long)(Length.TotalSeconds * Stopwatch.Frequency);
        var start = Stopwatch.GetTimestamp();
        var counts = await Task.WhenAll(Enumerable.Range(0, Callers).Select(caller => Task.Run(async () =>
        {
            var random = new Random(caller);
            var count = 0;
            while (Stopwatch.GetTimestamp() < end)
            {
                await commit.SubmitAsync(new Advance(random.Next(tokens) + 1));
                count++;
            }

            return count;
        })));
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        await commit.StopAsync(default);
        return (counts.Sum() / seconds, store.Longest.TotalMilliseconds);
    }

    private static double CommitEach(SqliteConnections connections, int tokens)
    {
        using var connection = connections.Open();
        using var update = connection.CreateCommand();
        update.CommandText = "UPDATE token_counters SET counter = counter + 1 WHERE token_id = $id";
        var id = update.Parameters.Add("$id", SqliteType.Integer);
        var random = new Random(1);
        var start = Stopwatch.GetTimestamp();
        var count = 0;
        while (Stopwatch.GetElapsedTime(start) < Length)
        {
            id.Value = (long)random.Next(tokens) + 1;
            update.ExecuteNonQuery();
            count++;
        }

        return count / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private sealed class Advance(long id) : CounterChange(answersAtOnce: true)
    {
        private readonly long[] ids = [id];

        public override ReadOnlySpan<long> TokenIds => ids;

        public override void Decide(CounterRows rows, DateTimeOffset now, ValidationLog log)
        {
            ref var row = ref rows[id];
            row.Counter++;
            row.LastAcceptedAt = now.ToUnixTimeMilliseconds();
            log.Add(now, id, 1, Outcome.Accepted, row.Counter);
        }
    }

    private sealed class Timed(ICounterStore store) : ICounterStore
    {
        public TimeSpan Longest { get; private set; }

        public int Commit(IReadOnlyList<CounterChange> batch, DateTimeOffset now)
        {
            var start = Stopwatch.GetTimestamp();
            var decided = store.Commit(batch, now);
            var took = Stopwatch.GetElapsedTime(start);
            Longest = took > Longest ? took : Longest;
            return decided;
        }

        public void Dispose() => store.Dispose();
    }
}
