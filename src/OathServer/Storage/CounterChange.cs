namespace OathServer.Storage;

/// <summary>
/// Something to be decided against counters and made durable before it is answered: a validation, a
/// resynchronisation, an unlock. <see cref="Decide"/> runs on the writer's thread, under the lock of its rows, in the
/// order of arrival; it must be quick and must not throw.
/// </summary>
/// <param name="answersAtOnce">What waits for it is short and never blocks: the answers of a batch are then given one
/// after another by few threads, instead of each by a work item of its own.</param>
internal abstract class CounterChange(bool answersAtOnce = false)
    : TaskCompletionSource(answersAtOnce ? TaskCreationOptions.None : TaskCreationOptions.RunContinuationsAsynchronously)
{
    /// <summary>Whether <see cref="Complete"/> runs what waits for it.</summary>
    public bool AnswersAtOnce => answersAtOnce;

    /// <summary>The rows it needs; those that do not exist are left out of the batch.</summary>
    public abstract ReadOnlySpan<long> TokenIds { get; }

    /// <summary>Whether <see cref="CounterRow.PersonId"/> is asked for.</summary>
    public virtual bool NeedsHolder => true;

    /// <summary>The true outcome; meaningful once durable.</summary>
    public Outcome Outcome { get; protected set; }

    /// <summary>How many codes, or time steps, lay between what the server expected and what was accepted.</summary>
    public long Distance { get; protected set; }

    /// <summary>It was decided on facts that may be old: nothing was counted, it is asked again.</summary>
    public bool Stale { get; protected set; }

    /// <summary>Consecutive codes to realign a token, not one code to get in.</summary>
    public virtual bool Realigns => false;

    /// <summary>Completes once the batch is durable; fails when it could not be made so.</summary>
    public Task Durable => Task;

    /// <summary>Decides by changing <paramref name="rows"/> and keeping its own verdict. May run again when a
    /// transaction had to be repeated: the last run counts.</summary>
    public abstract void Decide(CounterRows rows, DateTimeOffset now, ValidationLog log);

    public void Complete() => TrySetResult();

    public void Fail(Exception fault) => TrySetException(fault);
}

/// <summary>Where counters live. Two real ones: SQLite and PostgreSQL.</summary>
internal interface ICounterStore : IDisposable
{
    /// <summary>
    /// In one transaction: locks and reads the rows of <paramref name="batch"/>, lets every change decide in order,
    /// writes what changed by compare-and-set on the counter, appends the log, and returns only once all of it is on
    /// disk. On any exception nothing of the batch holds.
    /// </summary>
    /// <returns>How many changes, from the first, were decided; the others were not looked at, as those before them
    /// took <see cref="CounterCommit.DecidingMax"/>.</returns>
    int Commit(IReadOnlyList<CounterChange> batch, DateTimeOffset now);
}

/// <summary>Storage did not take a change: the caller is refused and may try again. Never an acceptance.</summary>
internal class StorageUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
