using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using OathServer.Secrets;

namespace OathServer.Storage;

/// <summary>What must hold before anything is served: migrations applied, the sealing key proven on its canary, the
/// chain's key at hand.</summary>
internal sealed class StorageStart(
    IServiceScopeFactory scopes, Sealer sealer, ServerSecrets secrets, TimeProvider time, PostgreSqlConnections? postgreSql = null,
    SqliteConnections? sqlite = null)
{
    /// <summary>Migrations of a large store take their time.</summary>
    private static readonly TimeSpan MigrationMax = TimeSpan.FromHours(2);

    private const int MigrationTries = 20;

    private static readonly byte[] CanaryText = "this opens with the right sealing key"u8.ToArray();

    private byte[]? chainKey;

    public byte[] ChainKey => chainKey ?? throw new InvalidOperationException("The storage was not started.");

    /// <exception cref="InvalidOperationException">The database cannot be used; the message says what to do.</exception>
    public async Task RunAsync(CancellationToken cancel)
    {
        if (postgreSql is null)
        {
            try
            {
                await PrepareAsync(cancel);
            }
            catch (SqliteException fault)
            {
                throw new InvalidOperationException(SqliteConnections.Explain(fault, sqlite?.ConnectionString), fault);
            }

            return;
        }

        await using var turn = await PostgreSqlStart.TakeTurnAsync(postgreSql, cancel);
        try
        {
            await PrepareAsync(cancel);
        }
        catch (NpgsqlException fault)
        {
            throw new InvalidOperationException(postgreSql.Explain(fault), fault);
        }
    }

    private async Task PrepareAsync(CancellationToken cancel)
    {
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<OathDbContext>();
        db.Database.SetCommandTimeout(MigrationMax);
        await MigrateAsync(db, cancel);
        await CounterTrigger.EnsureAsync(db, cancel);
        await KnowSealingKeyAsync(db, cancel);
        chainKey = (await secrets.CurrentAsync(db, ServerSecrets.AuditChain, cancel)).Value;
        _ = await secrets.CurrentAsync(db, ServerSecrets.ApiKeyHash, cancel);
    }

    /// <summary>Other nodes serve meanwhile and hold locks in an order of their own: a migration that meets them (a deadlock, a
    /// lock not had in time) changed nothing and is tried again.</summary>
    private static async Task MigrateAsync(OathDbContext db, CancellationToken cancel)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                await db.Database.MigrateAsync(cancel);
                return;
            }
            catch (PostgresException held) when (
                tries < MigrationTries && (held.SqlState is PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.LockNotAvailable))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), cancel);
            }
        }
    }

    /// <summary>Proves the configured keys on the canaries, and adds one of the key that seals now.</summary>
    /// <exception cref="InvalidOperationException">The configured key is not one this database was sealed with.</exception>
    public async Task KnowSealingKeyAsync(OathDbContext db, CancellationToken cancel)
    {
        var known = await db.SealingKeys.AsNoTracking().ToListAsync(cancel);
        foreach (var key in known.Where(k => k.Id == sealer.KeyId))
        {
            _ = sealer.Open(key.Canary, SealedPlace.Canary(key.Id));
            return;
        }

        // A rotation made a new key: one before it must open here too, else this is another store's key.
        if (known.Count > 0 && !known.Exists(Opens))
        {
            throw new InvalidOperationException(
                $"The sealing key configured is {sealer.KeyId}, but this database was sealed with {string.Join(", ", known.Select(k => k.Id))}. Put the right key file in place.");
        }

        db.SealingKeys.Add(new SealingKey
        {
            Id = sealer.KeyId,
            Canary = sealer.Seal(CanaryText, SealedPlace.Canary(sealer.KeyId)),
            CreatedAt = time.GetUtcNow(),
        });
        await db.SaveChangesAsync(cancel);
    }

    private bool Opens(SealingKey key)
    {
        try
        {
            _ = sealer.Open(key.Canary, SealedPlace.Canary(key.Id));
            return true;
        }
        catch (SealBrokenException)
        {
            return false;
        }
    }
}
