using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Storage;

namespace OathServer.Tests.Storage;

/// <summary>How long the write-ahead log becomes: it is carried into the database file and starts again from its beginning, the
/// later the larger the database, also after somebody read for long.</summary>
public class WalBoundTests
{
    private const long Page = 4096;

    [Fact]
    public async Task A_reader_that_stays_makes_the_log_grow_and_once_it_is_gone_the_log_is_short_again()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var ids = new List<long>();
        for (var i = 0; i < 40; i++)
        {
            ids.Add(await server.AddTokenAsync($"W{i:D4}", Codes.Secret));
        }

        var log = LogOf(server);

        // Where the log began again its first frames are new: the salt in its head has changed.
        byte[]? salt = null;

        using (var reader = server.Services.GetRequiredService<SqliteConnections>().Open())
        {
            using var transaction = reader.BeginTransaction(deferred: true);
            using var look = reader.CreateCommand();
            look.CommandText = "SELECT count(*) FROM token_counters";
            look.ExecuteScalar();
            // Every batch is a few pages; past the start of two checkpoints.
            await WriteUntilAsync(server, ids, atOnce: 50, () => Length(log) > 2 * SqliteCheckpoint.PagesMin * (Page + 24));
        }

        // Nobody holds it any more: a checkpoint or two later it begins again, cut to what is kept.
        await WriteUntilAsync(server, ids, atOnce: 50, () => Length(log) <= SqliteConnections.LogMax && Restarted());

        bool Restarted()
        {
            var head = new byte[24];
            using (var file = new FileStream(log.FullName, FileMode.Open, FileAccess.Read, FileShare.ReadWrite))
            {
                file.ReadExactly(head);
            }

            salt ??= head[16..];
            return !salt.AsSpan().SequenceEqual(head.AsSpan(16));
        }
    }

    [Theory]
    [InlineData(1, SqliteCheckpoint.PagesMin)]
    [InlineData(SqliteCheckpoint.PagesMin / 4, SqliteCheckpoint.PagesMin)]
    [InlineData(10_000, 40_000)]
    [InlineData(1_000_000, SqliteCheckpoint.PagesMax)]
    public void The_log_may_become_four_times_as_long_as_the_database_within_its_bounds(long databasePages, int pages) =>
        Assert.Equal(pages, SqliteCheckpoint.PagesBefore(databasePages));

    /// <summary>The rule follows a database that grows while the server runs, as one does into which keys are imported.</summary>
    [Fact]
    public async Task A_database_that_grew_is_checkpointed_less_often()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var ids = Enumerable.Repeat(await server.AddTokenAsync("C1", Codes.Secret), 2000).ToList();
        var file = new FileInfo(Path.Combine(server.Folder, "oath.db"));
        var log = LogOf(server);
        Assert.Equal(2 * SqliteCheckpoint.PagesMin, Ask(server, "PRAGMA wal_autocheckpoint"));
        Ask(server, $"CREATE TABLE weight (w); INSERT INTO weight VALUES (zeroblob({2 * SqliteCheckpoint.PagesMin * Page}))");

        // The log of the growth is carried over, three times PagesMin at most with what came meanwhile; from then on the longer
        // rule holds, of eight times.
        await WriteUntilAsync(server, ids, atOnce: 1, () => Length(file) > 2 * SqliteCheckpoint.PagesMin * Page);
        await WriteUntilAsync(server, ids, atOnce: 1, () => Length(log) > 5 * SqliteCheckpoint.PagesMin * Page);

        // So it does for those who write something else, on connections opened since.
        using (var pooled = server.Services.GetRequiredService<SqliteConnections>().Open())
        {
            SqliteConnection.ClearPool(pooled);
        }

        Assert.InRange(Ask(server, "PRAGMA wal_autocheckpoint"), 16 * SqliteCheckpoint.PagesMin, 2 * SqliteCheckpoint.PagesMax);
    }

    private static FileInfo LogOf(ServerUnderTest server) => new(Path.Combine(server.Folder, "oath.db-wal"));

    private static long Length(FileInfo file)
    {
        file.Refresh();
        return file.Length;
    }

    private static long Ask(ServerUnderTest server, string sql)
    {
        using var connection = server.Services.GetRequiredService<SqliteConnections>().Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (long?)command.ExecuteScalar() ?? 0;
    }

    private static async Task WriteUntilAsync(ServerUnderTest server, List<long> ids, int atOnce, Func<bool> reached)
    {
        var writer = server.Services.GetRequiredService<CounterCommit>();
        for (var batches = 0; !reached(); batches++)
        {
            Assert.True(batches < 4_000, $"the log has {Length(LogOf(server))} bytes");
            await Task.WhenAll(Enumerable.Range(0, atOnce).Select(_ => writer.SubmitAsync(new Advance([.. ids]))));
        }
    }

    /// <summary>Moves all counters, and logs enough to fill pages.</summary>
    private sealed class Advance(long[] ids) : CounterChange
    {
        public override ReadOnlySpan<long> TokenIds => ids;

        public override void Decide(CounterRows rows, DateTimeOffset now, ValidationLog log)
        {
            foreach (var id in ids)
            {
                log.Add(now, id, 0, Outcome.Accepted, ++rows[id].Counter);
            }
        }
    }
}
