using System.Collections.Concurrent;
using System.Security.Cryptography;
using SecurityKeys.Cards;
using SecurityKeys.Cards.PcSc;
using SecurityKeys.External;
using SecurityKeys.Virtual;

namespace OathServer.Provisioning;

/// <summary>A reader and whether a key is in it. <see cref="Insertion"/> changes when another key may be in it, where the
/// reader can tell.</summary>
internal sealed record KnownReader(string Name, string Kind, bool HasKey, long Insertion = 0);

/// <summary>A reader lent to this server.</summary>
internal sealed class PluggedReader(string name, string kind, Func<ISmartCardConnection> open)
{
    private static long lastInsertion;
    private bool hasKey = true;

    public string Name => name;

    public string Kind => kind;

    /// <summary>Taking a key out and in again counts as another insertion.</summary>
    public bool HasKey
    {
        get => hasKey;
        set
        {
            Insertion = value && !hasKey ? Interlocked.Increment(ref lastInsertion) : Insertion;
            hasKey = value;
        }
    }

    public long Insertion { get; private set; } = Interlocked.Increment(ref lastInsertion);

    public ISmartCardConnection Open() => open();
}

/// <summary>An open line to the key in a reader; while it is held nobody else here gets one. Either a smart card or a key
/// that a program of another make drives.</summary>
internal sealed class ReaderSession(SemaphoreSlim turn, ISmartCardConnection? card, ExternalKey? external = null) : IDisposable
{
    /// <exception cref="SmartCardException">The key takes no smart-card commands of ours.</exception>
    public ISmartCardConnection Card => card ?? throw new SmartCardException(
        $"The key in {external!.Reader} is driven by {external.Info.Name}: this cannot be done to it from here.");

    /// <summary>The key behind a driver; null when it is a smart card.</summary>
    public ExternalKey? External => external;

    /// <summary>The identities it offers, the one to keep a record under first.</summary>
    public async Task<IReadOnlyList<Cuid>> OfferedAsync(CancellationToken cancel) =>
        external is null ? CuidReading.Offered(Card) : [await external.ReadCuidAsync(cancel)];

    public void Dispose()
    {
        card?.Dispose();
        turn.Release();
    }
}

/// <summary>Where keys come from: virtual ones in this process, the system's smart-card readers, readers lent by desk agents,
/// and programs that drive keys of other makes.</summary>
internal sealed class KeyReaders(KeyDrivers? drivers = null)
{
    public const string VirtualKind = "virtual";
    public const string SystemKind = "system";

    private readonly ConcurrentDictionary<string, PluggedReader> plugged = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, SemaphoreSlim> turns = new(StringComparer.Ordinal);

    /// <summary>Lends a reader to this server under a name; an earlier one of that name is replaced.</summary>
    public PluggedReader Plug(string name, string kind, Func<ISmartCardConnection> open) => plugged[name] = new PluggedReader(name, kind, open);

    public void Unplug(string name) => plugged.TryRemove(name, out _);

    /// <summary>Takes back this very reader, and not a newer one of its name.</summary>
    public void Unplug(PluggedReader reader) => plugged.TryRemove(KeyValuePair.Create(reader.Name, reader));

    /// <summary>Factory-fresh virtual keys with random serials, for trying things out; nothing of them outlives the process.</summary>
    public IReadOnlyList<VirtualKey> PlugVirtualKeys(int count)
    {
        var keys = new List<VirtualKey>(count);
        for (var i = 0; i < count; i++)
        {
            var serial = (uint)RandomNumberGenerator.GetInt32(10_000_000, 99_999_999);
            var key = new VirtualKey(new VirtualKeyOptions { Serial = serial });
            Plug($"Virtual key {serial}", VirtualKind, key.Connect);
            keys.Add(key);
        }

        return keys;
    }

    /// <summary>Every reader, the lent ones first; system readers are left out where there is no smart-card service.</summary>
    public IReadOnlyList<KnownReader> List()
    {
        var lent = plugged.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => new KnownReader(p.Key, p.Value.Kind, p.Value.HasKey, p.Value.Insertion));
        try
        {
            using var system = new PcscContext();
            return [.. lent, .. system.ListStatuses().Select(s => new KnownReader(s.Reader, SystemKind, s.HasCard))];
        }
        catch (SmartCardException)
        {
            return [.. lent];
        }
    }

    /// <summary>Those of <see cref="List"/>, and the ones of the drivers.</summary>
    public async Task<IReadOnlyList<KnownReader>> ListAsync(CancellationToken cancel) =>
        drivers is null ? List() : [.. List(), .. await drivers.ListAsync(cancel)];

    /// <summary>Opens the key in a reader, one behind a driver too; null when somebody else here is at it.</summary>
    /// <exception cref="SmartCardException">There is no such reader or no key in it.</exception>
    public async Task<ReaderSession?> OpenAsync(string reader, CancellationToken cancel)
    {
        if (drivers is null || plugged.ContainsKey(reader) || await drivers.FindAsync(reader, cancel) is not { } key)
        {
            return Open(reader);
        }

        var turn = turns.GetOrAdd(reader, _ => new SemaphoreSlim(1, 1));
        return turn.Wait(0, CancellationToken.None) ? new ReaderSession(turn, card: null, key) : null;
    }

    /// <summary>Opens the smart card in a reader; null when somebody else here is at it.</summary>
    /// <exception cref="SmartCardException">There is no such reader or no key in it.</exception>
    public ReaderSession? Open(string reader)
    {
        var turn = turns.GetOrAdd(reader, _ => new SemaphoreSlim(1, 1));
        if (!turn.Wait(0))
        {
            return null;
        }

        try
        {
            return new ReaderSession(turn, plugged.TryGetValue(reader, out var lent) ? lent.Open() : OpenSystem(reader));
        }
        catch
        {
            turn.Release();
            throw;
        }
    }

    private static OwnedConnection OpenSystem(string reader)
    {
        var system = new PcscContext();
        try
        {
            var card = system.Connect(reader);
            // Other programs wait while a job runs; under EXCLUSIVE they would fail instead.
            return new OwnedConnection(card, card.BeginTransaction(), system);
        }
        catch
        {
            system.Dispose();
            throw;
        }
    }

    /// <summary>A connection with the transaction and the context it lives in.</summary>
    private sealed class OwnedConnection(ISmartCardConnection card, IDisposable transaction, PcscContext system) : ISmartCardConnection
    {
        public string ReaderName => card.ReaderName;

        public ReadOnlyMemory<byte> AnswerToReset => card.AnswerToReset;

        public byte[] Transmit(ReadOnlySpan<byte> command) => card.Transmit(command);

        public IDisposable BeginTransaction() => card.BeginTransaction();

        public void Dispose()
        {
            transaction.Dispose();
            card.Dispose();
            system.Dispose();
        }
    }
}
