using OathServer.Secrets;

namespace OathServer.Import;

/// <summary>The rows an import writes, ready: sealed before the write lock is taken, so that validations wait as short
/// as can be.</summary>
internal sealed class NewTokens
{
    /// <summary>The first generation of a secret.</summary>
    public const int Generation = 1;

    private NewTokens(SeedKey[] keys, byte[][] secrets)
    {
        Keys = keys;
        Secrets = secrets;
    }

    public SeedKey[] Keys { get; }

    /// <summary>The sealed secret of each key.</summary>
    public byte[][] Secrets { get; }

    public long ImportId { get; set; }

    public required string Realm { get; init; }

    public string? Batch { get; init; }

    public required long CreatedAt { get; init; }

    /// <summary>Ids of the owners, by normalised name.</summary>
    public IReadOnlyDictionary<string, long> People { get; set; } = new Dictionary<string, long>();

    public static NewTokens Seal(
        IEnumerable<SeedKey> toImport, Sealer sealer, ImportOptions options, DateTimeOffset now, Action<int>? progress, CancellationToken cancel)
    {
        var keys = toImport.ToArray();
        var secrets = new byte[keys.Length][];
        var done = 0;
        Parallel.For(0, keys.Length, new ParallelOptions { CancellationToken = cancel }, i =>
        {
            secrets[i] = sealer.Seal(keys[i].Secret, SealedPlace.TokenSecret(keys[i].TokenSerial, Generation));
            if (Interlocked.Increment(ref done) is var count && count % 1000 == 0)
            {
                progress?.Invoke(count);
            }
        });
        return new NewTokens(keys, secrets)
        {
            Realm = options.Realm,
            Batch = options.Batch,
            CreatedAt = now.ToUnixTimeMilliseconds(),
        };
    }

    public long? PersonOf(SeedKey key) => key.Owner is null ? null : People[Storage.Person.Normalize(key.Owner)];
}
