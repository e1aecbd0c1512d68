using System.Security.Cryptography;

namespace OathServer.Secrets;

/// <summary>
/// The key-encryption keys this machine holds: the one that seals, and those before it that still open. From a file
/// (setting <c>Secrets:KeyFile</c>; earlier keys beside it as <c>sealing.key.ID</c>), or from the settings themselves
/// (<c>Secrets:Key</c>, earlier ones in <c>Secrets:RetiredKeys</c>), that is from the environment.
/// </summary>
internal sealed class KeyRing : IDisposable
{
    private readonly Lock turn = new();
    private readonly string? path;
    private Dictionary<string, KeyEncryptionKey> known = [];

    private KeyRing(string? path) => this.path = path;

    /// <summary>Seals new values.</summary>
    public KeyEncryptionKey Current { get; private set; } = null!;

    /// <summary>The file of the current key; null when the keys are not in files.</summary>
    public string? File => path;

    /// <exception cref="InvalidOperationException">A key file is missing, damaged or open to others.</exception>
    public static KeyRing OfFile(string path, bool mayCreate)
    {
        var ring = new KeyRing(path);
        ring.Take(KeyFile.Open(path, mayCreate));
        ring.ReadEarlier();
        return ring;
    }

    /// <exception cref="InvalidOperationException">A key is not 64 hexadecimal digits.</exception>
    public static KeyRing OfSettings(string current, string? retired)
    {
        var ring = new KeyRing(path: null);
        foreach (var text in (retired ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            ring.Add(Parse(text, "Secrets:RetiredKeys"));
        }

        ring.Take(Parse(current.Trim(), "Secrets:Key"));
        return ring;
    }

    /// <summary>A ring of keys at hand.</summary>
    public static KeyRing Of(KeyEncryptionKey current, IEnumerable<KeyEncryptionKey> retired)
    {
        var ring = new KeyRing(path: null);
        foreach (var key in retired)
        {
            ring.Add(key);
        }

        ring.Take(current);
        return ring;
    }

    /// <summary>The key of that id. One that is not known yet may have been put beside the file by a rotation: the files
    /// are read again, and from then on the newest seals. Null when it is not here.</summary>
    public KeyEncryptionKey? Find(string id)
    {
        lock (turn)
        {
            if (known.TryGetValue(id, out var key) || path is null)
            {
                return key;
            }

            Take(KeyFile.Open(path, mayCreate: false));
            ReadEarlier();
            return known.GetValueOrDefault(id);
        }
    }

    /// <summary>Makes a new key and lets it seal. The one before stays beside it, so a crash at any moment loses none.</summary>
    /// <exception cref="InvalidOperationException">The keys are not in files.</exception>
    public KeyEncryptionKey Rotate()
    {
        if (path is null)
        {
            throw new InvalidOperationException(
                "The sealing key comes from the settings. Put the new one into Secrets:Key and the present one into Secrets:RetiredKeys, restart, then run `secrets rotate --rewrap-only`.");
        }

        lock (turn)
        {
            var aside = $"{path}.{Current.Id}";
            if (!System.IO.File.Exists(aside))
            {
                KeyFile.Write(aside, Current.Value);
            }

            var next = $"{path}.next";
            System.IO.File.Delete(next);
            KeyFile.Write(next, RandomNumberGenerator.GetBytes(KeyEncryptionKey.Size));
            System.IO.File.Move(next, path, overwrite: true);
            Take(KeyFile.Open(path, mayCreate: false));
            return Current;
        }
    }

    /// <summary>The file of a key that seals no more; null when there is none.</summary>
    public string? FileOf(string id) => path is not null && System.IO.File.Exists($"{path}.{id}") ? $"{path}.{id}" : null;

    public void Dispose()
    {
        foreach (var key in known.Values)
        {
            key.Dispose();
        }
    }

    private static KeyEncryptionKey Parse(string hex, string setting)
    {
        try
        {
            return new KeyEncryptionKey(Convert.FromHexString(hex));
        }
        catch (FormatException)
        {
            throw new InvalidOperationException($"{setting} is no key: 64 hexadecimal digits were expected.");
        }
    }

    private void ReadEarlier()
    {
        foreach (var earlier in Directory.GetFiles(Path.GetDirectoryName(Path.GetFullPath(path!))!, Path.GetFileName(path) + ".*"))
        {
            if (earlier.Length == Path.GetFullPath(path!).Length + 1 + (KeyEncryptionKey.IdSize * 2))
            {
                Add(KeyFile.Open(earlier, mayCreate: false));
            }
        }
    }

    private void Take(KeyEncryptionKey key) => Current = Add(key);

    private KeyEncryptionKey Add(KeyEncryptionKey key)
    {
        if (known.TryGetValue(key.Id, out var same))
        {
            key.Dispose();
            return same;
        }

        // Readers look without the lock at a dictionary that never changes.
        known = new(known) { [key.Id] = key };
        return key;
    }
}
