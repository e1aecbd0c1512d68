namespace OathServer.Storage;

/// <summary>
/// The one writer of acceptances on this node, with group commit: changes that arrive while a transaction is being
/// flushed form the next one. Nobody is told yes before the flush returned; a failed flush refuses its whole batch.
/// </summary>
internal sealed class CounterCommit : IHostedService, IDisposable
{
    /// <summary>Changes in one transaction at most: bounds how long one waits for those before it.</summary>
    public const int BatchMax = 1024;

    /// <summary>How long the changes of one transaction are decided; who comes after that is in the next one. With
    /// <see cref="BatchMax"/> it bounds how long a lock is held and an answer waited for.</summary>
    public static readonly TimeSpan DecidingMax = TimeSpan.FromMilliseconds(10);

    /// <summary>Changes waiting at most; one more is refused, to be tried again later.</summary>
    public const int QueueMax = 8192;

    /// <summary>Answers worth a thread of their own.</summary>
    private const int AnswersMin = 8;

    /// <summary>How long a refusal tells against this node when nobody tries again.</summary>
    private static readonly TimeSpan RefusingFor = TimeSpan.FromSeconds(10);

    private readonly object turn = new();
    private readonly ICounterStore store;
    private readonly TimeProvider time;
    private readonly ILogger<CounterCommit> log;
    private readonly CommitFigures? figures;
    private readonly Thread writer;
    private List<CounterChange> waiting = new(BatchMax);
    private bool writerSleeps;
    private bool closed;
    private long refusedAt;
    private long refused;

    public CounterCommit(ICounterStore store, TimeProvider time, ILogger<CounterCommit> log, CommitFigures? figures = null)
    {
        this.store = store;
        this.time = time;
        this.log = log;
        this.figures = figures;
        figures?.Watch(this);
        // A thread of its own: the flush blocks, and the pool has few threads on a small machine.
        writer = new Thread(Write) { IsBackground = true, Name = "counter commit" };
    }

    /// <summary>Hands a change to the writer; the task ends once it is durable. There is no way to take it back: a
    /// caller that goes away meanwhile does not undo an acceptance.</summary>
    /// <exception cref="StorageUnavailableException">The queue is full, or the batch could not be made durable.</exception>
    public Task SubmitAsync(CounterChange change)
    {
        lock (turn)
        {
            if (closed || waiting.Count >= QueueMax)
            {
                throw new StorageUnavailableException(closed ? "The server is stopping." : "Too many changes are waiting to be written.");
            }

            waiting.Add(change);
            if (writerSleeps)
            {
                writerSleeps = false;
                Monitor.Pulse(turn);
            }
        }

        return change.Durable;
    }

    /// <summary>Changes waiting to be written, at a glance.</summary>
    public int Waiting => waiting.Count;

    /// <summary>Whether a batch was refused within the last few seconds and none was written since.</summary>
    public bool IsRefusing => Volatile.Read(ref refusedAt) is not 0 and var at && time.GetElapsedTime(at) < RefusingFor;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        writer.Start();
        return Task.CompletedTask;
    }

    /// <summary>Drains: everything accepted into the queue is decided and answered before the writer ends.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        Close();
        while (writer.IsAlive && !cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(5, CancellationToken.None);
        }
    }

    /// <summary>Ends the writer. The store belongs to the container, which disposes of it after this.</summary>
    public void Dispose()
    {
        Close();
        if (writer.IsAlive)
        {
            writer.Join();
        }
    }

    private void Close()
    {
        lock (turn)
        {
            closed = true;
            Monitor.Pulse(turn);
        }
    }

    private void Write()
    {
        var batch = new List<CounterChange>(BatchMax);
        while (Take(ref batch))
        {
            Commit(batch);
            batch.Clear();
        }
    }

    /// <summary>Waits for the next batch; false when closed and drained.</summary>
    private bool Take(ref List<CounterChange> batch)
    {
        lock (turn)
        {
            while (waiting.Count == 0)
            {
                if (closed)
                {
                    return false;
                }

                writerSleeps = true;
                Monitor.Wait(turn);
            }

            if (waiting.Count <= BatchMax)
            {
                (batch, waiting) = (waiting, batch);
            }
            else
            {
                batch.AddRange(waiting[..BatchMax]);
                waiting.RemoveRange(0, BatchMax);
            }

            return true;
        }
    }

    private void Commit(List<CounterChange> batch)
    {
        var started = time.GetTimestamp();
        try
        {
            PutBack(batch, store.Commit(batch, time.GetUtcNow()));
        }
        catch (Exception fault)
        {
            Volatile.Write(ref refusedAt, time.GetTimestamp());
            // Said once, not a thousand times a second while a database is away.
            if (refused == 0)
            {
                log.LogError("Counter changes are refused: {Fault}", fault.Message);
            }

            refused += batch.Count;
            figures?.Refused(batch.Count);
            var refusal = new StorageUnavailableException("The change could not be made durable.", fault);
            Answer(batch, refusal);
            return;
        }

        Volatile.Write(ref refusedAt, 0);
        if (refused > 0)
        {
            log.LogWarning("Counter changes are written again; {Count} were refused.", refused);
            refused = 0;
        }

        figures?.Committed(batch, time.GetElapsedTime(started));
        Answer(batch, refusal: null);
    }

    /// <summary>What a transaction had no time for is the first of the next one.</summary>
    private void PutBack(List<CounterChange> batch, int decided)
    {
        if (decided < batch.Count)
        {
            lock (turn)
            {
                waiting.InsertRange(0, batch.GetRange(decided, batch.Count - decided));
            }

            batch.RemoveRange(decided, batch.Count - decided);
        }
    }

    /// <summary>Tells everybody of a batch. The writer only hands over what others answer, and turns to the next batch.</summary>
    private static void Answer(List<CounterChange> batch, Exception? refusal)
    {
        var share = Math.Max(AnswersMin, (batch.Count + Environment.ProcessorCount - 1) / Environment.ProcessorCount);
        var answers = new Answers(refusal, share);
        foreach (var change in batch)
        {
            if (!change.AnswersAtOnce)
            {
                Answers.Tell(change, refusal);
                continue;
            }

            answers.Add(change);
            if (answers.Count == share)
            {
                ThreadPool.UnsafeQueueUserWorkItem(answers, preferLocal: false);
                answers = new Answers(refusal, share);
            }
        }

        if (answers.Count > 0)
        {
            ThreadPool.UnsafeQueueUserWorkItem(answers, preferLocal: false);
        }
    }

    /// <summary>Answers that one thread of the pool gives one after another.</summary>
    private sealed class Answers(Exception? refusal, int count) : List<CounterChange>(count), IThreadPoolWorkItem
    {
        public void Execute()
        {
            foreach (var change in this)
            {
                Tell(change, refusal);
            }
        }

        public static void Tell(CounterChange change, Exception? refusal)
        {
            if (refusal is null)
            {
                change.Complete();
            }
            else
            {
                change.Fail(refusal);
            }
        }
    }
}
