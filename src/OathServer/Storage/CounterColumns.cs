using Npgsql;
using NpgsqlTypes;

namespace OathServer.Storage;

/// <summary>Changed counter rows, column by column, as <c>unnest</c> takes them.</summary>
internal sealed class CounterColumns
{
    private readonly List<long> ids = [];
    private readonly List<long> counters = [];
    private readonly List<int> states = [];
    private readonly List<int> flags = [];
    private readonly List<int> failures = [];
    private readonly List<long> lockedUntil = [];
    private readonly List<int> drifts = [];
    private readonly List<long> lastAcceptedAt = [];
    private readonly List<long> lastRequests = [];
    private readonly List<long> seen = [];
    private readonly List<int> generations = [];

    public int Count => ids.Count;

    /// <summary>Binds the columns in the order of <see cref="CounterSql.CompareAndSet"/>.</summary>
    public void AddTo(NpgsqlParameterCollection parameters)
    {
        parameters.Add(Of(ids, NpgsqlDbType.Bigint));
        parameters.Add(Of(counters, NpgsqlDbType.Bigint));
        parameters.Add(Of(states, NpgsqlDbType.Integer));
        parameters.Add(Of(flags, NpgsqlDbType.Integer));
        parameters.Add(Of(failures, NpgsqlDbType.Integer));
        parameters.Add(Of(lockedUntil, NpgsqlDbType.Bigint));
        parameters.Add(Of(drifts, NpgsqlDbType.Integer));
        parameters.Add(Of(lastAcceptedAt, NpgsqlDbType.Bigint));
        parameters.Add(Of(lastRequests, NpgsqlDbType.Bigint));
        parameters.Add(Of(seen, NpgsqlDbType.Bigint));
        parameters.Add(Of(generations, NpgsqlDbType.Integer));
    }

    /// <summary>A parameter that sends whatever <paramref name="values"/> holds when it is executed.</summary>
    public static NpgsqlParameter Of<T>(List<T> values, NpgsqlDbType type) =>
        new NpgsqlParameter<List<T>> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | type };

    public void Clear()
    {
        ids.Clear();
        counters.Clear();
        states.Clear();
        flags.Clear();
        failures.Clear();
        lockedUntil.Clear();
        drifts.Clear();
        lastAcceptedAt.Clear();
        lastRequests.Clear();
        seen.Clear();
        generations.Clear();
    }

    /// <summary>Adds <paramref name="row"/>, to be written only where the counter is the one in <paramref name="read"/>.</summary>
    public void Add(in CounterRow row, in CounterRow read)
    {
        ids.Add(row.TokenId);
        counters.Add(row.Counter);
        states.Add((int)row.State);
        flags.Add((int)row.Flags);
        failures.Add(row.Failures);
        lockedUntil.Add(row.LockedUntil);
        drifts.Add(row.Drift);
        lastAcceptedAt.Add(row.LastAcceptedAt);
        lastRequests.Add(row.LastRequest);
        seen.Add(read.Counter);
        generations.Add(read.Generation);
    }
}
