using System.Security.Cryptography;

namespace OathServer.Secrets;

/// <summary>
/// Seals values at rest with AES-256-GCM (NIST SP 800-38D): each value under a data key of its own, the data key
/// wrapped by the key-encryption key, both bound to the value's place. A rotation rewraps data keys and leaves the
/// values alone.
/// </summary>
/// <remarks>Layout: format (1), key id (4), wrap nonce (12), wrapped data key (32), wrap tag (16), nonce (12),
/// cipher text (n), tag (16).</remarks>
internal sealed class Sealer(KeyRing keys)
{
    private const byte Format = 1;
    private const int NonceSize = 12;
    private const int TagSize = KeyEncryptionKey.TagSize;
    private const int HeaderSize = 1 + KeyEncryptionKey.IdSize;
    private const int WrapSize = NonceSize + KeyEncryptionKey.Size + TagSize;

    /// <summary>How many bytes a sealed value is longer than the plain one.</summary>
    public const int Overhead = HeaderSize + WrapSize + NonceSize + TagSize;

    public Sealer(KeyEncryptionKey current, params IReadOnlyCollection<KeyEncryptionKey> retired) : this(KeyRing.Of([current, .. retired]))
    {
    }

    /// <summary>Names the key that new values are sealed with.</summary>
    public string KeyId => keys.Current.Id;

    public byte[] Seal(ReadOnlySpan<byte> plain, SealedPlace place)
    {
        var blob = new byte[Overhead + plain.Length];
        var associated = place.AssociatedData();
        Span<byte> dataKey = stackalloc byte[KeyEncryptionKey.Size];
        RandomNumberGenerator.Fill(dataKey);
        try
        {
            WriteWrap(blob, dataKey, associated);
            var value = blob.AsSpan(HeaderSize + WrapSize);
            RandomNumberGenerator.Fill(value[..NonceSize]);
            using var cipher = new AesGcm(dataKey, TagSize);
            cipher.Encrypt(value[..NonceSize], plain, value[NonceSize..^TagSize], value[^TagSize..], associated);
            return blob;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(dataKey);
        }
    }

    /// <summary>Opens a value at its place. The caller clears what it gets.</summary>
    /// <exception cref="SealBrokenException">The value was edited, moved or copied from another place, or its key is not here.</exception>
    public byte[] Open(ReadOnlySpan<byte> blob, SealedPlace place)
    {
        Span<byte> dataKey = stackalloc byte[KeyEncryptionKey.Size];
        var associated = place.AssociatedData();
        try
        {
            Unwrap(blob, place, associated, dataKey);
            var value = blob[(HeaderSize + WrapSize)..];
            var plain = GC.AllocateUninitializedArray<byte>(value.Length - NonceSize - TagSize, pinned: true);
            using var cipher = new AesGcm(dataKey, TagSize);
            cipher.Decrypt(value[..NonceSize], value[NonceSize..^TagSize], value[^TagSize..], plain, associated);
            return plain;
        }
        catch (AuthenticationTagMismatchException)
        {
            throw new SealBrokenException(place);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(dataKey);
        }
    }

    /// <summary>The same value with its data key under the current key-encryption key; the value itself is not touched.</summary>
    public byte[] Rewrap(ReadOnlySpan<byte> blob, SealedPlace place)
    {
        Span<byte> dataKey = stackalloc byte[KeyEncryptionKey.Size];
        var associated = place.AssociatedData();
        try
        {
            Unwrap(blob, place, associated, dataKey);
            var rewrapped = blob.ToArray();
            WriteWrap(rewrapped, dataKey, associated);
            return rewrapped;
        }
        catch (AuthenticationTagMismatchException)
        {
            throw new SealBrokenException(place);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(dataKey);
        }
    }

    /// <summary>Names the key a value was sealed with.</summary>
    public static string KeyIdOf(ReadOnlySpan<byte> blob) => Convert.ToHexString(blob.Slice(1, KeyEncryptionKey.IdSize));

    private void WriteWrap(Span<byte> blob, ReadOnlySpan<byte> dataKey, byte[] associated)
    {
        var current = keys.Current;
        blob[0] = Format;
        Convert.FromHexString(current.Id, blob.Slice(1, KeyEncryptionKey.IdSize), out _, out _);
        var wrap = blob.Slice(HeaderSize, WrapSize);
        RandomNumberGenerator.Fill(wrap[..NonceSize]);
        current.Wrap(wrap[..NonceSize], dataKey, wrap[NonceSize..^TagSize], wrap[^TagSize..], associated);
    }

    private void Unwrap(ReadOnlySpan<byte> blob, SealedPlace place, byte[] associated, Span<byte> dataKey)
    {
        if (blob.Length < Overhead || blob[0] != Format)
        {
            throw new SealBrokenException(place);
        }

        var id = KeyIdOf(blob);
        var key = keys.Find(id) ?? throw new SealBrokenException(place, id);
        var wrap = blob.Slice(HeaderSize, WrapSize);
        key.Unwrap(wrap[..NonceSize], wrap[NonceSize..^TagSize], wrap[^TagSize..], dataKey, associated);
    }
}

/// <summary>A sealed value did not open where it stands: an alarm, never a wrong code.</summary>
internal sealed class SealBrokenException : Exception
{
    public SealBrokenException(SealedPlace place)
        : base($"The sealed value {place.Table}.{place.Column} of row {place.Row} does not open: it was edited, or moved here from another row. Treat it as tampering; restore the row from a backup.")
    {
    }

    public SealBrokenException(SealedPlace place, string keyId)
        : base($"The sealed value {place.Table}.{place.Column} of row {place.Row} needs sealing key {keyId}, which is not configured.")
    {
    }
}
