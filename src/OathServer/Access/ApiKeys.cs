using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using OathServer.Secrets;
using OathServer.Storage;

namespace OathServer.Access;

/// <summary>An API key that was recognised.</summary>
internal sealed record KnownApiKey(int Id, string Name, string Role, string[] Realms, DateTimeOffset? ExpiresAt)
{
    public bool MayEnter(string realm) => Realms.Length == 0 || Realms.Contains(realm, StringComparer.Ordinal);
}

/// <summary>Recognises API keys. A key is 256 random bits, shown once; its HMAC under the server's hashing
/// key is what is stored and looked up, so neither the table nor a timing tells anything of the key.</summary>
internal sealed class ApiKeys(IServiceScopeFactory scopes, ServerSecrets secrets, TimeProvider time)
{
    public const string Prefix = "oath_";

    /// <summary>How long a revocation on another node may go unnoticed.</summary>
    private static readonly TimeSpan Remembered = TimeSpan.FromSeconds(5);

    private const int RememberedMax = 10_000;

    private readonly ConcurrentDictionary<string, (KnownApiKey Key, DateTimeOffset Until)> known = new(StringComparer.Ordinal);
    private byte[]? hashingKey;

    /// <summary>Who a key belongs to; null when it is unknown, expired or revoked.</summary>
    public ValueTask<KnownApiKey?> RecogniseAsync(string key, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        if (hashingKey is { } hashing
            && known.TryGetValue(Convert.ToHexString(HMACSHA256.HashData(hashing, Encoding.UTF8.GetBytes(key))), out var entry)
            && entry.Until > now && !(entry.Key.ExpiresAt <= now))
        {
            return ValueTask.FromResult<KnownApiKey?>(entry.Key);
        }

        return LookUpAsync(key, now, cancel);
    }

    private async ValueTask<KnownApiKey?> LookUpAsync(string key, DateTimeOffset now, CancellationToken cancel)
    {
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<OathDbContext>();
        var hash = await HashAsync(db, key, cancel);
        var row = await db.ApiKeys.AsNoTracking().SingleOrDefaultAsync(k => k.Hash == hash || k.PreviousHash == hash, cancel);
        var ends = row is not null && !CryptographicOperations.FixedTimeEquals(row.Hash, hash)
            ? Earlier(row.ExpiresAt, row.PreviousUntil ?? DateTimeOffset.MinValue)
            : row?.ExpiresAt;
        if (row is null || row.RevokedAt is not null || ends <= now)
        {
            known.TryRemove(Convert.ToHexString(hash), out _);
            return null;
        }

        if (row.LastUsedAt is null || now - row.LastUsedAt > TimeSpan.FromMinutes(1))
        {
            await db.ApiKeys.Where(k => k.Id == row.Id).ExecuteUpdateAsync(k => k.SetProperty(x => x.LastUsedAt, now), cancel);
        }

        var realms = row.Realms.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var recognised = new KnownApiKey(row.Id, row.Name, row.Role, realms, ends);
        if (known.Count >= RememberedMax)
        {
            known.Clear();
        }

        known[Convert.ToHexString(hash)] = (recognised, now + Remembered);
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
