namespace OathServer.Secrets;

/// <summary>
/// The key-encryption keys this machine reaches: the one that seals, and all others that still open. From one place that
/// seals (a file, the settings, a PKCS#11 token) and any that open only, so that values can move from one to another.
/// </summary>
internal sealed class KeyRing : IDisposable
{
    private readonly Lock turn = new();
    private readonly IKeySource seals;
    private readonly IReadOnlyList<IKeySource> opens;
    private Dictionary<string, KeyEncryptionKey> known = [];

    /// <param name="seals">Its first key seals new values.</param>
    /// <param name="opens">Places whose keys open only.</param>
    /// <param name="mayCreate">The database is new. A first key is made too when another place opens what was sealed.</param>
    /// <exception cref="InvalidOperationException">A key is missing, damaged, open to others or out of reach.</exception>
    public KeyRing(IKeySource seals, IReadOnlyList<IKeySource> opens, bool mayCreate)
    {
        (this.seals, this.opens) = (seals, opens);
        Read(mayCreate);
    }

    /// <summary>Seals new values.</summary>
    public KeyEncryptionKey Current { get; private set; } = null!;

    /// <summary>Where the key is that seals, in words for staff.</summary>
    public string Where => seals.Where;

    /// <summary>What keeps keys out of reach for the moment; null when nothing does.</summary>
    public string? Fault => opens.Prepend(seals).OfType<TokenKeys>().Select(t => t.Fault).FirstOrDefault(f => f is not null);

    public static KeyRing OfFile(string path, bool mayCreate) => new(new FileKeys(path), [], mayCreate);

    public static KeyRing OfSettings(string current, string? retired) => new(new SettingsKeys(current, retired), [], mayCreate: false);

    /// <summary>A ring of keys at hand, the first of which seals.</summary>
    public static KeyRing Of(params IReadOnlyList<KeyEncryptionKey> keys) => new(new KeysAtHand(keys), [], mayCreate: false);

    /// <summary>The key of that id. One that is not known yet may have been added by a rotation in another process: the
    /// places are read again, and from then on the newest seals. Null when it is not here.</summary>
    public KeyEncryptionKey? Find(string id)
    {
        lock (turn)
        {
            if (!known.ContainsKey(id))
            {
                Read(mayCreate: false);
            }

            return known.GetValueOrDefault(id);
        }
    }

    /// <summary>Makes a new key and lets it seal. The one before stays beside it, so a crash at any moment loses none.</summary>
    /// <exception cref="InvalidOperationException">The keys are made elsewhere.</exception>
    public KeyEncryptionKey Rotate()
    {
        lock (turn)
        {
            seals.Add();
            Read(mayCreate: false);
            return Current;
        }
    }

    /// <summary>Destroys a key that no value needs. False when it is not here, or its place cannot forget it.</summary>
    /// <exception cref="InvalidOperationException">It is the one that seals.</exception>
    public bool Remove(string id) => id == Current.Id
        ? throw new InvalidOperationException($"{id} is the key that seals. Rotate first.")
        : seals.Remove(id) || opens.Any(o => o.Remove(id));

    public void Dispose()
    {
        foreach (var key in known.Values)
        {
            key.Dispose();
        }

        foreach (var source in opens.Prepend(seals))
        {
            source.Dispose();
        }
    }

    private void Read(bool mayCreate)
    {
        // Others first: what opens already allows the place that seals to make its first key. A key that is not the
        // database's own is found out on the canaries.
        var all = opens.SelectMany(o => o.Read(mayCreate: false)).ToList();
        var sealing = seals.Read(mayCreate || all.Count > 0);
        if (sealing.Count == 0)
        {
            throw new InvalidOperationException($"There is no sealing key in {seals.Where}.");
        }

        // Readers look at a dictionary that never changes.
        var now = new Dictionary<string, KeyEncryptionKey>(known);
        foreach (var key in sealing.Concat(all))
        {
            if (now.TryAdd(key.Id, key) || ReferenceEquals(now[key.Id], key))
            {
                continue;
            }

            key.Dispose();
        }

        known = now;
        Current = now[sealing[0].Id];
    }

    private sealed class KeysAtHand(IReadOnlyList<KeyEncryptionKey> keys) : IKeySource
    {
        public string Where => "memory";

        public IReadOnlyList<KeyEncryptionKey> Read(bool mayCreate) => keys;

        public void Add() => throw new InvalidOperationException("These keys are at hand only.");

        public bool Remove(string id) => false;

        public void Dispose()
        {
        }
    }
}
