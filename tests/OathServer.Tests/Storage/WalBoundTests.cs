using Microsoft.Extensions.DependencyInjection;
using OathServer.Storage;

namespace OathServer.Tests.Storage;

/// <summary>The write-ahead log starts again from its beginning, also after somebody read for long.</summary>
public class WalBoundTests
{
    private const int PageSize = 4096;

    [Fact]
    public async Task A_reader_that_stays_makes_the_log_grow_and_once_it_is_gone_the_log_is_short_again()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var ids = new List<long>();
        for (var i = 0; i < 40; i++)
        {
            ids.Add(await server.AddTokenAsync($"W{i:D4}", Codes.Secret));
        }

        var log = new FileInfo(Path.Combine(server.Folder, "oath.db-wal"));
        var writer = server.Services.GetRequiredService<CounterCommit>();
        var connections = server.Services.GetRequiredService<SqliteConnections>();

        // Where the log began again its first frames are new: the salt in its head has changed.
        byte[]? salt = null;

        using (var reader = connections.Open())
        {
            using var transaction = reader.BeginTransaction(deferred: true);
            using var look = reader.CreateCommand();
            look.CommandText = "SELECT count(*) FROM token_counters";
            look.ExecuteScalar();
            // Every batch is a few pages; past the start of two checkpoints.
            await WriteUntilAsync(() => Length() > 2 * SqliteCheckpoint.PagesMin * (PageSize + 24));
        }

        // Nobody holds it any more: a checkpoint or two later it begins again, cut to what is kept.
        await WriteUntilAsync(() => Length() <= SqliteConnections.LogMax && Restarted());

        long Length()
        {
            log.Refresh();
            return log.Length;
        }

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

        async Task WriteUntilAsync(Func<bool> reached)
        {
            for (var batches = 0; !reached(); batches++)
            {
                Assert.True(batches < 5_000, $"the log has {Length()} bytes");
                await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => writer.SubmitAsync(new Advance([.. ids]))));
            }
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
