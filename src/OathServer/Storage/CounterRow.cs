namespace OathServer.Storage;

/// <summary>A row of <c>token_counters</c> in the writer's hands: what was read, and what a decision made of it.</summary>
internal struct CounterRow : IEquatable<CounterRow>
{
    public long TokenId;
    public long Counter;
    public int Generation;
    public TokenState State;
    public CounterFlags Flags;
    public int Failures;
    public long LockedUntil;
    public int Drift;
    public long LastAcceptedAt;

    /// <summary>Tells the request that was last accepted from others; 0 when it gave no request id.</summary>
    public long LastRequest;

    /// <summary>Whose token it is now; 0 for nobody's, <see cref="NotRead"/> where no other node can change it.</summary>
    public long PersonId;

    public const long NotRead = -1;

    public readonly bool Equals(CounterRow other) =>
        TokenId == other.TokenId && Counter == other.Counter && Generation == other.Generation && State == other.State
        && Flags == other.Flags && Failures == other.Failures && LockedUntil == other.LockedUntil
        && Drift == other.Drift && LastAcceptedAt == other.LastAcceptedAt && LastRequest == other.LastRequest;

    public override readonly bool Equals(object? obj) => obj is CounterRow other && Equals(other);

    public override readonly int GetHashCode() => HashCode.Combine(TokenId, Counter, Failures);
}

/// <summary>The rows of one batch: as read under the lock, and as the decisions leave them.</summary>
internal sealed class CounterRows
{
    private readonly Dictionary<long, int> places = [];
    private readonly List<CounterRow> before = [];
    private CounterRow[] now = new CounterRow[64];

    public int Count => before.Count;

    public void Clear()
    {
        places.Clear();
        before.Clear();
    }

    /// <summary>Adds a row as it was read.</summary>
    public void Add(in CounterRow row)
    {
        if (!places.TryAdd(row.TokenId, before.Count))
        {
            throw new InvalidOperationException($"Counter row {row.TokenId} was read twice in a batch.");
        }

        if (before.Count == now.Length)
        {
            Array.Resize(ref now, now.Length * 2);
        }

        now[before.Count] = row;
        before.Add(row);
    }

    public bool Contains(long tokenId) => places.ContainsKey(tokenId);

    /// <summary>The row of a token as the decisions before this one left it.</summary>
    public ref CounterRow this[long tokenId] => ref now[places[tokenId]];

    /// <summary>Row <paramref name="index"/>, if a decision changed it.</summary>
    public bool TryGetChange(int index, out CounterRow read, out CounterRow changed)
    {
        read = before[index];
        changed = now[index];
        if (read.Equals(changed))
        {
            return false;
        }

        if (changed.Counter < read.Counter && changed.Generation == read.Generation)
        {
            throw new InvalidOperationException($"A decision would lower the counter of token {read.TokenId}; nothing was written.");
        }

        return true;
    }
}
