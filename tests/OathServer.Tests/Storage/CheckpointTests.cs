using Microsoft.Extensions.DependencyInjection;
using OathServer.Storage;

namespace OathServer.Tests.Storage;

/// <summary>How long the write-ahead log becomes before it is carried into the database file.</summary>
public class CheckpointTests
{
    private const long Page = 4096;

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
        var id = await server.AddTokenAsync("C1", Codes.Secret);
        var writer = server.Services.GetRequiredService<CounterCommit>();
        var file = new FileInfo(Path.Combine(server.Folder, "oath.db"));
        var log = new FileInfo(file.FullName + "-wal");
        Grow(server, bytes: 2 * SqliteCheckpoint.PagesMin * Page);

        // The log of the growth is carried over, three times PagesMin at most with what came meanwhile; from then on the longer
        // rule holds, of eight times.
        await WriteUntilAsync(() => Length(file) > 2 * SqliteCheckpoint.PagesMin * Page);
        await WriteUntilAsync(() => Length(log) > 5 * SqliteCheckpoint.PagesMin * Page);

        static long Length(FileInfo of)
        {
            of.Refresh();
            return of.Length;
        }

        async Task WriteUntilAsync(Func<bool> reached)
        {
            for (var batches = 0; !reached(); batches++)
            {
                Assert.True(batches < 4_000, $"the log has {Length(log)} bytes, the database {Length(file)}");
                await writer.SubmitAsync(new LongEntry(id));
            }
        }
    }

    private static void Grow(ServerUnderTest server, long bytes)
    {
        using var connection = server.Services.GetRequiredService<SqliteConnections>().Open();
        using var command = connection.CreateCommand();
        command.CommandText = $"CREATE TABLE weight (w); INSERT INTO weight VALUES (zeroblob({bytes}))";
        command.ExecuteNonQuery();
    }

    /// <summary>A commit of many pages.</summary>
    private sealed class LongEntry(long id) : CounterChange
    {
        private readonly long[] ids = [id];

        public override ReadOnlySpan<long> TokenIds => ids;

        public override void Decide(CounterRows rows, DateTimeOffset now, ValidationLog log)
        {
            for (var i = 0; i < 2000; i++)
            {
                log.Add(now, id, 0, Outcome.Accepted, ++rows[id].Counter);
            }
        }
    }
}
