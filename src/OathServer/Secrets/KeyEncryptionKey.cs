using System.Security.Cryptography;

namespace OathServer.Secrets;

/// <summary>The AES-256 key that wraps the data key of every sealed value. Never in the database.</summary>
internal sealed class KeyEncryptionKey : IDisposable
{
    public const int Size = 32;

    private readonly byte[] key = GC.AllocateArray<byte>(Size, pinned: true);

    public KeyEncryptionKey(ReadOnlySpan<byte> value)
    {
        if (value.Length != Size)
        {
            throw new InvalidOperationException($"A key-encryption key is {Size} bytes; this one has {value.Length}.");
        }

        value.CopyTo(key);
        Span<byte> digest = stackalloc byte[32];
        SHA256.HashData(value, digest);
        Id = Convert.ToHexString(digest[..IdSize]);
    }

    public const int IdSize = 4;

    /// <summary>First four bytes of the key's SHA-256, hex: names the key without telling it.</summary>
    public string Id { get; }

    internal ReadOnlySpan<byte> Value => key;

    public void Dispose() => CryptographicOperations.ZeroMemory(key);
}
