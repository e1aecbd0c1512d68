namespace OathServer.Storage;

/// <summary>
/// Whose turn it is to write to SQLite, of those in this process. SQLite lets in one writer and has the others look again
/// after 1 to 100 ms, on a blocked thread each; in line they are woken the moment the one before is done. Only a courtesy:
/// what keeps writers apart is SQLite's own lock, so who waited long goes on without a turn.
/// </summary>
internal sealed class WriteTurn : IDisposable
{
    /// <summary>A writer that holds it for longer than this is stuck on a disk; the others then meet SQLite's lock.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim free = new(1, 1);

    /// <summary>Waits for the turn, which ends with the returned value; without one (another database) at once.</summary>
    public static async ValueTask<Held> TakeAsync(WriteTurn? turn, CancellationToken cancel) =>
        new(turn is not null && await turn.free.WaitAsync(LongestWait, cancel) ? turn : null);

    /// <summary>As <see cref="TakeAsync"/>, on a thread of the caller's own.</summary>
    public static Held Take(WriteTurn? turn) => new(turn is not null && turn.free.Wait(LongestWait) ? turn : null);

    public void Dispose() => free.Dispose();

    /// <summary>A turn that was taken.</summary>
    public readonly struct Held(WriteTurn? turn) : IDisposable
    {
        public void Dispose() => turn?.free.Release();
    }
}
