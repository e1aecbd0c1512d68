namespace OathServer.Validation.Pins;

/// <summary>One at a time for each number; those of other numbers go on.</summary>
internal sealed class Turns
{
    private readonly Dictionary<long, Line> lines = [];

    /// <summary>How many numbers are in use.</summary>
    public int Count
    {
        get
        {
            lock (lines)
            {
                return lines.Count;
            }
        }
    }

    /// <summary>The turn, which ends when disposed; null when it did not come in time.</summary>
    public async Task<IDisposable?> EnterAsync(long number, TimeSpan atMost, CancellationToken cancel)
    {
        Line? line;
        lock (lines)
        {
            if (!lines.TryGetValue(number, out line))
            {
                lines.Add(number, line = new Line(this, number));
            }

            line.Waiting++;
        }

        var entered = false;
        try
        {
            entered = await line.Free.WaitAsync(atMost, cancel);
            return entered ? line : null;
        }
        finally
        {
            if (!entered)
            {
                line.Leave();
            }
        }
    }

    private sealed class Line(Turns turns, long number) : IDisposable
    {
        public SemaphoreSlim Free { get; } = new(1, 1);

        public int Waiting { get; set; }

        public void Leave()
        {
            lock (turns.lines)
            {
                if (--Waiting == 0)
                {
                    turns.lines.Remove(number);
                }
            }
        }

        public void Dispose()
        {
            Free.Release();
            Leave();
        }
    }
}
