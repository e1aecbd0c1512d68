namespace OathServer.Import;

/// <summary>One import at a time on a node; who looks sees how far it is and may end it.</summary>
internal sealed class ImportTurn
{
    private RunningImport? running;

    public RunningImport? Running => Volatile.Read(ref running);

    /// <exception cref="ImportBusyException">Another one is running.</exception>
    public RunningImport Take(string fileName, CancellationToken cancel)
    {
        var mine = new RunningImport(this, fileName, cancel);
        if (Interlocked.CompareExchange(ref running, mine, null) is { } other)
        {
            mine.Dispose();
            throw new ImportBusyException(other.FileName);
        }

        return mine;
    }

    /// <summary>An import under way. Disposing it gives the turn to the next.</summary>
    public sealed class RunningImport(ImportTurn turn, string fileName, CancellationToken cancel) : IDisposable
    {
        private readonly CancellationTokenSource source = CancellationTokenSource.CreateLinkedTokenSource(cancel);

        public string FileName => fileName;

        public CancellationToken Cancelled => source.Token;

        public ImportProgress Latest { get; set; } = new(ImportStage.Reading, 0, null);

        /// <summary>Ends it; nothing of the file is in the store afterwards.</summary>
        public void Cancel()
        {
            try
            {
                source.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // It ended by itself just now.
            }
        }

        public void Dispose()
        {
            Interlocked.CompareExchange(ref turn.running, null, this);
            source.Dispose();
        }
    }
}
