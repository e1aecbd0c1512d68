using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using OathServer.Storage;

namespace OathServer.Tests.Storage;

/// <summary>The one writer over the real store, held at its flush so that a queue can be seen.</summary>
public class CounterCommitTests
{
    [Fact]
    public async Task A_full_queue_refuses_the_next_and_decides_all_that_waited()
    {
        await using var at = await Held.StartAsync();
        var first = at.Commit.SubmitAsync(at.Advance());
        await at.Store.Entered.WaitAsync(Cancel);
        var waiting = Enumerable.Range(0, CounterCommit.QueueMax).Select(_ => at.Commit.SubmitAsync(at.Advance())).ToArray();

        await Assert.ThrowsAsync<StorageUnavailableException>(() => at.Commit.SubmitAsync(at.Advance()));
        at.Store.Release();
        await Task.WhenAll([first, .. waiting]);

        Assert.Equal(1 + CounterCommit.QueueMax, (await at.Server.CounterAsync("C1")).Counter);
        Assert.True(at.Store.Largest <= CounterCommit.BatchMax, $"a batch of {at.Store.Largest}");
    }

    [Fact]
    public async Task Nobody_is_answered_before_the_flush_returned()
    {
        await using var at = await Held.StartAsync();
        var change = at.Commit.SubmitAsync(at.Advance());
        await at.Store.Entered.WaitAsync(Cancel);

        Assert.False(change.IsCompleted);
        at.Store.Release();
        await change;
    }

    [Fact]
    public async Task A_failed_flush_refuses_its_whole_batch_and_the_next_one_holds()
    {
        await using var at = await Held.StartAsync();
        var first = at.Commit.SubmitAsync(at.Advance());
        await at.Store.Entered.WaitAsync(Cancel);
        var doomed = Enumerable.Range(0, 10).Select(_ => at.Commit.SubmitAsync(at.Advance())).ToArray();
        at.Store.FailBatch = 2;
        at.Store.Release();
        await first;

        foreach (var change in doomed)
        {
            await Assert.ThrowsAsync<StorageUnavailableException>(() => change);
        }

        await at.Commit.SubmitAsync(at.Advance());
        Assert.Equal(2, (await at.Server.CounterAsync("C1")).Counter);
    }

    [Fact]
    public async Task Stopping_decides_and_answers_all_that_waited_and_takes_nothing_more()
    {
        await using var at = await Held.StartAsync();
        var first = at.Commit.SubmitAsync(at.Advance());
        await at.Store.Entered.WaitAsync(Cancel);
        var waiting = Enumerable.Range(0, 3000).Select(_ => at.Commit.SubmitAsync(at.Advance())).ToArray();

        var stopping = at.Commit.StopAsync(Cancel);
        await Assert.ThrowsAsync<StorageUnavailableException>(() => at.Commit.SubmitAsync(at.Advance()));
        at.Store.Release();
        await stopping;

        Assert.True(first.IsCompletedSuccessfully);
        Assert.All(waiting, change => Assert.True(change.IsCompletedSuccessfully));
        Assert.Equal(3001, (await at.Server.CounterAsync("C1")).Counter);
    }

    [Fact]
    public async Task A_transaction_decides_for_ten_milliseconds_and_leaves_the_others_to_the_next_in_their_order()
    {
        await using var at = await Held.StartAsync();
        var first = at.Commit.SubmitAsync(at.Advance());
        await at.Store.Entered.WaitAsync(Cancel);
        var order = new List<int>();
        var waiting = Enumerable.Range(0, 30).Select(i => at.Commit.SubmitAsync(at.Advance(() =>
        {
            order.Add(i);
            // Decisions that take a third of the time each.
            for (var since = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(since) < CounterCommit.DecidingMax / 3;)
            {
            }
        }))).ToArray();
        at.Store.Release();
        await Task.WhenAll([first, .. waiting]);

        Assert.Equal(Enumerable.Range(0, 30), order);
        Assert.True(at.Store.MostDecided <= 4, $"{at.Store.MostDecided} were decided in one transaction");
        Assert.Equal(31, (await at.Server.CounterAsync("C1")).Counter);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>A server with one token, and a writer of our own on its store.</summary>
    private sealed class Held : IAsyncDisposable
    {
        private long id;

        public required ServerUnderTest Server { get; init; }

        public required HeldStore Store { get; init; }

        public required CounterCommit Commit { get; init; }

        public static async Task<Held> StartAsync()
        {
            var server = await ServerUnderTest.StartAsync();
            var store = new HeldStore(server.Services.GetRequiredService<ICounterStore>());
            var held = new Held
            {
                Server = server,
                Store = store,
                Commit = new CounterCommit(store, TimeProvider.System, NullLogger<CounterCommit>.Instance),
            };
            held.id = await server.AddTokenAsync("C1", Codes.Secret);
            await held.Commit.StartAsync(Cancel);
            return held;
        }

        public AdvanceByOne Advance(Action? before = null) => new AdvanceByOne(id, before);

        public async ValueTask DisposeAsync()
        {
            Store.Release();
            Commit.Dispose();
            await Server.DisposeAsync();
        }
    }

    private sealed class AdvanceByOne(long id, Action? before) : CounterChange
    {
        private readonly long[] ids = [id];

        public override ReadOnlySpan<long> TokenIds => ids;

        public override void Decide(CounterRows rows, DateTimeOffset now, ValidationLog log)
        {
            before?.Invoke();
            rows[id].Counter++;
        }
    }

    /// <summary>The real store, whose first commit waits to be let go.</summary>
    private sealed class HeldStore(ICounterStore store) : ICounterStore
    {
        private readonly ManualResetEventSlim gate = new();
        private int batches;

        public SemaphoreSlim Entered { get; } = new(0);

        public int Largest { get; private set; }

        public int MostDecided { get; private set; }

        /// <summary>The batch, counted from 1, whose flush fails.</summary>
        public int FailBatch { get; set; }

        public void Release() => gate.Set();

        public int Commit(IReadOnlyList<CounterChange> batch, DateTimeOffset now)
        {
            batches++;
            Largest = Math.Max(Largest, batch.Count);
            if (batches == 1)
            {
                Entered.Release();
                gate.Wait();
            }

            if (batches == FailBatch)
            {
                throw new IOException("The flush failed.");
            }

            var decided = store.Commit(batch, now);
            MostDecided = Math.Max(MostDecided, decided);
            return decided;
        }

        public void Dispose()
        {
            gate.Dispose();
            Entered.Dispose();
        }
    }
}
