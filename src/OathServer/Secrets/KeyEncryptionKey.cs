using System.Security.Cryptography;

namespace OathServer.Secrets;

/// <summary>The AES-256 key that wraps the data key of every sealed value, with AES-GCM. Never in the database.</summary>
internal abstract class KeyEncryptionKey(string id) : IDisposable
{
    public const int Size = 32;
    public const int IdSize = 4;
    public const int TagSize = 16;

    /// <summary>Names the key without telling it: four bytes, hex, that follow from the key alone.</summary>
    public string Id { get; } = id;

    /// <summary>Wraps a data key under a nonce that was never used before.</summary>
    public abstract void Wrap(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> dataKey, Span<byte> wrapped, Span<byte> tag, ReadOnlySpan<byte> associated);

    /// <exception cref="AuthenticationTagMismatchException">It was not wrapped by this key, or not with this associated data.</exception>
    public abstract void Unwrap(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> wrapped, ReadOnlySpan<byte> tag, Span<byte> dataKey, ReadOnlySpan<byte> associated);

    /// <summary>Clears what this process holds of the key.</summary>
    public abstract void Dispose();

    protected static string IdOf(ReadOnlySpan<byte> value)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(value, digest);
        return Convert.ToHexString(digest[..IdSize]);
    }
}

/// <summary>A key-encryption key whose value this process holds: from a file or from the settings.</summary>
internal sealed class KeyInMemory : KeyEncryptionKey
{
    private readonly byte[] key = GC.AllocateArray<byte>(Size, pinned: true);

    public KeyInMemory(ReadOnlySpan<byte> value) : base(IdOf(value))
    {
        if (value.Length != Size)
        {
            throw new InvalidOperationException($"A key-encryption key is {Size} bytes; this one has {value.Length}.");
        }

        value.CopyTo(key);
    }

    internal ReadOnlySpan<byte> Value => key;

    public override void Wrap(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> dataKey, Span<byte> wrapped, Span<byte> tag, ReadOnlySpan<byte> associated)
    {
        using var cipher = new AesGcm(key, TagSize);
        cipher.Encrypt(nonce, dataKey, wrapped, tag, associated);
    }

    public override void Unwrap(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> wrapped, ReadOnlySpan<byte> tag, Span<byte> dataKey, ReadOnlySpan<byte> associated)
    {
        using var cipher = new AesGcm(key, TagSize);
        cipher.Decrypt(nonce, wrapped, tag, dataKey, associated);
    }

    public override void Dispose() => CryptographicOperations.ZeroMemory(key);
}
