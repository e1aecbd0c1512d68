using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using OathServer.Secrets;
using OathServer.Storage;

namespace OathServer.Access;

/// <summary>An API key that was recognised.</summary>
internal sealed record KnownApiKey(int Id, string Name, string Role, string[] Realms, DateTimeOffset? ExpiresAt, string? ClientCertificate = null)
{
    /// <summary>Whether it came with the client certificate it is bound to, if it is.</summary>
    public bool MayComeBy(ConnectionInfo connection) => ClientCertificate is null
        || string.Equals(connection.ClientCertificate?.GetCertHashString(HashAlgorithmName.SHA256), ClientCertificate, StringComparison.Ordinal);

    public bool MayEnter(string realm) => Realms.Length == 0 || Realms.Contains(realm, StringComparer.Ordinal);
}

/// <summary>Recognises API keys. A key is 256 random bits, shown once; its HMAC under the server's hashing
/// key is what is stored and looked up, so neither the table nor a timing tells anything of the key.</summary>
internal sealed class ApiKeys(IServiceScopeFactory scopes, ServerSecrets secrets, TimeProvider time)
{
    public const string Prefix = "oath_";

    /// <summary>Longer ones are no keys of ours and are not hashed.</summary>
    public const int KeyLengthMax = 128;

    /// <summary>How long a revocation on another node may go unnoticed.</summary>
    private static readonly TimeSpan Remembered = TimeSpan.FromSeconds(5);

    private const int RememberedMax = 10_000;

    private readonly ConcurrentDictionary<UInt128, (KnownApiKey Key, DateTimeOffset Until)> known = new();

    // What is remembered is found under a salted hash of this process, so that no key lies in memory for longer than its request.
    private readonly byte[] salt = RandomNumberGenerator.GetBytes(16);
    private byte[]? hashingKey;

    /// <summary>Who a key belongs to; null when it is unknown, expired or revoked.</summary>
    public ValueTask<KnownApiKey?> RecogniseAsync(string key, CancellationToken cancel) =>
        key.Length is 0 or > KeyLengthMax ? ValueTask.FromResult<KnownApiKey?>(null)
        : TryRecall(key, out var recalled) ? ValueTask.FromResult<KnownApiKey?>(recalled)
        : LookUpAsync(key, time.GetUtcNow(), cancel);

    /// <summary>A row as a key that may be used now; null when it is revoked, expired, or neither of its two keys is the one
    /// that was sent.</summary>
    /// <param name="row">The key's row; null for none.</param>
    /// <param name="isIt">Whether a stored hash is of the key that was sent.</param>
    /// <param name="now">The time.</param>
    public static KnownApiKey? Known(ApiKey? row, Func<byte[], bool> isIt, DateTimeOffset now)
    {
        if (row is null || row.RevokedAt is not null)
        {
            return null;
        }

        // Beside a new key the one before it lives on for a while, but no longer than the row.
        var ends = isIt(row.Hash) ? row.ExpiresAt
            : row.PreviousHash is { } before && isIt(before) ? Earlier(row.ExpiresAt, row.PreviousUntil ?? DateTimeOffset.MinValue)
            : DateTimeOffset.MinValue;
        return ends <= now ? null : new KnownApiKey(
            row.Id, row.Name, row.Role, row.Realms.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries),
            ends, row.ClientCertificate);
    }

    /// <summary>Whether a key was recognised in the last seconds, without asking the database.</summary>
    public bool TryRecall(string key, [NotNullWhen(true)] out KnownApiKey? recalled)
    {
        recalled = null;
        if (key.Length > KeyLengthMax || !known.TryGetValue(Place(key), out var entry))
        {
            return false;
        }

        var now = time.GetUtcNow();
        recalled = entry.Until > now && !(entry.Key.ExpiresAt <= now) ? entry.Key : null;
        return recalled is not null;
    }

    private UInt128 Place(string key)
    {
        Span<byte> text = stackalloc byte[16 + (KeyLengthMax * 3)];
        salt.CopyTo(text);
        var length = 16 + Encoding.UTF8.GetBytes(key, text[16..]);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(text[..length], hash);
        return BinaryPrimitives.ReadUInt128LittleEndian(hash);
    }

    private async ValueTask<KnownApiKey?> LookUpAsync(string key, DateTimeOffset now, CancellationToken cancel)
    {
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<OathDbContext>();
        var hash = await HashAsync(db, key, cancel);
        var row = await db.ApiKeys.AsNoTracking().SingleOrDefaultAsync(k => k.Hash == hash || k.PreviousHash == hash, cancel);
        if (row is null || Known(row, stored => CryptographicOperations.FixedTimeEquals(stored, hash), now) is not { } recognised)
        {
            known.TryRemove(Place(key), out _);
            return null;
        }

        if (row.LastUsedAt is null || now - row.LastUsedAt > TimeSpan.FromMinutes(1))
        {
            await db.ApiKeys.Where(k => k.Id == row.Id).ExecuteUpdateAsync(k => k.SetProperty(x => x.LastUsedAt, now), cancel);
        }

        if (known.Count >= RememberedMax)
        {
            known.Clear();
        }

        known[Place(key)] = (recognised, now + Remembered);
        return recognised;
    }

    private static DateTimeOffset Earlier(DateTimeOffset? one, DateTimeOffset other) => one < other ? one.Value : other;

    /// <summary>Forgets what was recognised: a key was rotated or revoked on this node.</summary>
    public void Forget() => known.Clear();

    /// <summary>What is stored of a key.</summary>
    public async ValueTask<byte[]> HashAsync(OathDbContext db, string key, CancellationToken cancel)
    {
        hashingKey ??= (await secrets.CurrentAsync(db, ServerSecrets.ApiKeyHash, cancel)).Value;
        return HMACSHA256.HashData(hashingKey, Encoding.UTF8.GetBytes(key));
    }
}
