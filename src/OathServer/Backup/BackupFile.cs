using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace OathServer.Backup;

/// <summary>The first line of a backup: what it is of, and how its key is wrapped. Not secret; the key of the content
/// covers it, so an edited header opens nothing.</summary>
/// <param name="Made">When the backup was made.</param>
/// <param name="Provider">The database it is of.</param>
/// <param name="SealingKeyId">The sealing key its values need; it is kept apart.</param>
/// <param name="Wrap">How the content key is wrapped.</param>
internal sealed record BackupHeader(DateTimeOffset Made, string Provider, string SealingKeyId, WrappedKey Wrap);

/// <summary>
/// An encrypted backup as a stream: a magic line, the header line, then AES-256-GCM in chunks of 64 KiB. The nonce
/// counts the chunks and marks the last, so that none can be left out, moved or cut off (the STREAM construction).
/// </summary>
internal static class BackupFile
{
    public const string Magic = "OATHSERVER BACKUP 1";

    private const int ChunkSize = 64 * 1024;
    private const int TagSize = 16;
    private const int NonceSize = 12;
    private const int HeaderMax = 16 * 1024;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { RespectRequiredConstructorParameters = true };

    public static async Task WriteAsync(Stream plain, Stream file, BackupHeader header, byte[] key, CancellationToken cancel)
    {
        var head = Encoding.UTF8.GetBytes($"{Magic}\n{JsonSerializer.Serialize(header, Json)}\n");
        await file.WriteAsync(head, cancel);
        using var cipher = new AesGcm(ContentKey(key, head), TagSize);
        var (chunk, next) = (new byte[ChunkSize], new byte[ChunkSize]);
        var sealedChunk = new byte[ChunkSize + TagSize];
        var length = await plain.ReadAtLeastAsync(chunk, ChunkSize, throwOnEndOfStream: false, cancel);
        for (long number = 0; ; number++)
        {
            var following = length < ChunkSize ? 0 : await plain.ReadAtLeastAsync(next, ChunkSize, throwOnEndOfStream: false, cancel);
            var last = following == 0;
            cipher.Encrypt(Nonce(number, last), chunk.AsSpan(0, length), sealedChunk.AsSpan(0, length), sealedChunk.AsSpan(length, TagSize));
            await file.WriteAsync(sealedChunk.AsMemory(0, length + TagSize), cancel);
            if (last)
            {
                break;
            }

            (chunk, next, length) = (next, chunk, following);
        }

        CryptographicOperations.ZeroMemory(chunk);
        CryptographicOperations.ZeroMemory(next);
    }

    /// <summary>Reads the two lines before the content.</summary>
    /// <exception cref="InvalidOperationException">The file is no backup of this server.</exception>
    public static async Task<(BackupHeader Header, byte[] Head)> ReadHeaderAsync(Stream file, CancellationToken cancel)
    {
        var head = new MemoryStream();
        var one = new byte[1];
        for (var lines = 0; lines < 2;)
        {
            if (head.Length > HeaderMax || await file.ReadAsync(one, cancel) == 0)
            {
                throw NoBackup();
            }

            head.Write(one);
            lines += one[0] == '\n' ? 1 : 0;
        }

        var bytes = head.ToArray();
        var text = Encoding.UTF8.GetString(bytes).Split('\n');
        try
        {
            return text[0] == Magic && JsonSerializer.Deserialize<BackupHeader>(text[1], Json) is { } header ? (header, bytes) : throw NoBackup();
        }
        catch (JsonException)
        {
            throw NoBackup();
        }
    }

    /// <summary>Writes the content to <paramref name="plain"/>; what was written before a fault is worth nothing.</summary>
    /// <exception cref="InvalidOperationException">The file was edited or cut off.</exception>
    public static async Task ReadAsync(Stream file, Stream plain, byte[] head, byte[] key, CancellationToken cancel)
    {
        using var cipher = new AesGcm(ContentKey(key, head), TagSize);
        var (chunk, next) = (new byte[ChunkSize + TagSize], new byte[ChunkSize + TagSize]);
        var opened = new byte[ChunkSize];
        var length = await file.ReadAtLeastAsync(chunk, chunk.Length, throwOnEndOfStream: false, cancel);
        for (long number = 0; ; number++)
        {
            var following = length < chunk.Length ? 0 : await file.ReadAtLeastAsync(next, next.Length, throwOnEndOfStream: false, cancel);
            var last = following == 0;
            var size = length - TagSize;
            try
            {
                if (size < 0)
                {
                    throw new AuthenticationTagMismatchException();
                }

                cipher.Decrypt(Nonce(number, last), chunk.AsSpan(0, size), chunk.AsSpan(size, TagSize), opened.AsSpan(0, size));
            }
            catch (AuthenticationTagMismatchException)
            {
                throw new InvalidOperationException(
                    $"The backup does not open at octet {head.Length + (number * (ChunkSize + TagSize))}: it was edited or cut off. Take another copy of it.");
            }

            await plain.WriteAsync(opened.AsMemory(0, size), cancel);
            if (last)
            {
                return;
            }

            (chunk, next, length) = (next, chunk, following);
        }
    }

    private static byte[] Nonce(long number, bool last)
    {
        var nonce = new byte[NonceSize];
        BinaryPrimitives.WriteInt64BigEndian(nonce.AsSpan(3), number);
        nonce[^1] = last ? (byte)1 : (byte)0;
        return nonce;
    }

    private static byte[] ContentKey(byte[] key, byte[] head) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, key, outputLength: 32, salt: SHA256.HashData(head), info: "backup content"u8.ToArray());

    private static InvalidOperationException NoBackup() => new("This file is no backup made by `backup`.");
}
