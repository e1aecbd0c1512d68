using OathServer.Secrets;
using OathServer.Storage;
using OathServer.Validation.Pins;

namespace OathServer.Import;

/// <summary>The rows an import writes, ready: sealed before the write lock is taken, so that validations wait as short
/// as can be.</summary>
internal sealed class NewTokens
{
    /// <summary>The first generation of a secret.</summary>
    public const int Generation = 1;

    /// <summary>The first version of a PIN.</summary>
    public const int PinVersion = 1;

    private NewTokens(SeedKey[] keys, byte[][] secrets, (PinScheme Scheme, byte[] Verifier)?[] pins)
    {
        Keys = keys;
        Secrets = secrets;
        Pins = pins;
    }

    public SeedKey[] Keys { get; }

    /// <summary>The sealed secret of each key.</summary>
    public byte[][] Secrets { get; }

    /// <summary>The sealed PIN of each key that has one.</summary>
    public (PinScheme Scheme, byte[] Verifier)?[] Pins { get; }

    /// <summary>The server the PINs come from.</summary>
    public string? PinSource { get; init; }

    public required string ImportedBy { get; init; }

    public long ImportId { get; set; }

    public required string Realm { get; init; }

    public string? Batch { get; init; }

    public required long CreatedAt { get; init; }

    /// <summary>Ids of the owners, by normalised name.</summary>
    public IReadOnlyDictionary<string, long> People { get; set; } = new Dictionary<string, long>();

    public static NewTokens Seal(
        IEnumerable<SeedKey> toImport, Sealer sealer, ImportOptions options, string? pinSource, string importedBy, DateTimeOffset now, Action<int>? progress, CancellationToken cancel)
    {
        var keys = toImport.ToArray();
        var secrets = new byte[keys.Length][];
        var pins = new (PinScheme, byte[])?[keys.Length];
        var done = 0;
        Parallel.For(0, keys.Length, new ParallelOptions { CancellationToken = cancel }, i =>
        {
            secrets[i] = sealer.Seal(keys[i].Secret, SealedPlace.TokenSecret(keys[i].TokenSerial, Generation));
            pins[i] = keys[i].Pin is { } pin ? PinCheck.Seal(sealer, keys[i].TokenSerial, PinVersion, pin.ToHash()) : null;
            if (Interlocked.Increment(ref done) is var count && count % 1000 == 0)
            {
                progress?.Invoke(count);
            }
        });
        return new NewTokens(keys, secrets, pins)
        {
            PinSource = pinSource,
            ImportedBy = importedBy,
            Realm = options.Realm,
            Batch = options.Batch,
            CreatedAt = now.ToUnixTimeMilliseconds(),
        };
    }

    /// <summary>The flags its counter row starts with.</summary>
    public CounterFlags FlagsOf(int index) => Pins[index] is null ? CounterFlags.None : CounterFlags.HasPin;

    public long? PersonOf(SeedKey key) => key.Owner is null ? null : People[Person.Normalize(key.Owner)];
}
