using System.Security.Cryptography;

namespace OathServer.Secrets;

/// <summary>A place that keeps key-encryption keys.</summary>
internal interface IKeySource : IDisposable
{
    /// <summary>Where, in words for staff.</summary>
    string Where { get; }

    /// <summary>All keys of this place as they are now, the one that seals first; made when there is none and
    /// <paramref name="mayCreate"/> allows. A key known already may come again as another object.</summary>
    /// <exception cref="InvalidOperationException">A key is missing, damaged, open to others, or its place is out of reach;
    /// the message says what to do.</exception>
    IReadOnlyList<KeyEncryptionKey> Read(bool mayCreate);

    /// <summary>Makes a new key that seals from the next <see cref="Read"/> on; those before it stay.</summary>
    /// <exception cref="InvalidOperationException">Keys of this place are made elsewhere.</exception>
    void Add();

    /// <summary>Destroys a key that seals no more. False when it is not here.</summary>
    bool Remove(string id);
}

/// <summary>Keys in files of their own: the one that seals, and earlier ones beside it as <c>FILE.ID</c>.</summary>
internal sealed class FileKeys(string path) : IKeySource
{
    public string Where => path;

    public IReadOnlyList<KeyEncryptionKey> Read(bool mayCreate)
    {
        List<KeyEncryptionKey> keys = [KeyFile.Open(path, mayCreate)];
        foreach (var earlier in Directory.GetFiles(Path.GetDirectoryName(Path.GetFullPath(path))!, Path.GetFileName(path) + ".*"))
        {
            if (earlier.Length == Path.GetFullPath(path).Length + 1 + (KeyEncryptionKey.IdSize * 2))
            {
                keys.Add(KeyFile.Open(earlier, mayCreate: false));
            }
        }

        return keys;
    }

    /// <summary>The key before is written beside the new one first, so a crash at any moment loses none.</summary>
    public void Add()
    {
        using (var current = KeyFile.Open(path, mayCreate: false))
        {
            var aside = $"{path}.{current.Id}";
            if (!File.Exists(aside))
            {
                KeyFile.Write(aside, current.Value);
            }
        }

        var next = $"{path}.next";
        File.Delete(next);
        var value = RandomNumberGenerator.GetBytes(KeyEncryptionKey.Size);
        KeyFile.Write(next, value);
        CryptographicOperations.ZeroMemory(value);
        File.Move(next, path, overwrite: true);
    }

    public bool Remove(string id)
    {
        var aside = $"{path}.{id}";
        if (!File.Exists(aside))
        {
            return RemoveMain(id);
        }

        File.Delete(aside);
        return true;
    }

    public void Dispose()
    {
    }

    /// <summary>When another place seals now, the main file may go too.</summary>
    private bool RemoveMain(string id)
    {
        if (!File.Exists(path))
        {
            return false;
        }

        using (var main = KeyFile.Open(path, mayCreate: false))
        {
            if (main.Id != id)
            {
                return false;
            }
        }

        File.Delete(path);
        return true;
    }
}

/// <summary>Keys in the settings themselves, that is from the environment: <c>Secrets:Key</c>, and earlier ones in
/// <c>Secrets:RetiredKeys</c>.</summary>
internal sealed class SettingsKeys(string? current, string? retired) : IKeySource
{
    public string Where => "your settings";

    public IReadOnlyList<KeyEncryptionKey> Read(bool mayCreate) =>
    [
        .. string.IsNullOrWhiteSpace(current) ? Array.Empty<KeyEncryptionKey>() : [Parse(current.Trim(), "Secrets:Key")],
        .. (retired ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(text => Parse(text, "Secrets:RetiredKeys")),
    ];

    public void Add() => throw new InvalidOperationException(
        "The sealing key comes from the settings. Put the new one into Secrets:Key and the present one into Secrets:RetiredKeys, restart, then run `secrets rotate --rewrap-only`.");

    public bool Remove(string id) => false;

    public void Dispose()
    {
    }

    private static KeyInMemory Parse(string hex, string setting)
    {
        try
        {
            return new KeyInMemory(Convert.FromHexString(hex));
        }
        catch (FormatException)
        {
            throw new InvalidOperationException($"{setting} is no key: 64 hexadecimal digits were expected.");
        }
    }
}
