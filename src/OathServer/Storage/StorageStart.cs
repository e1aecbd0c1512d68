using Microsoft.EntityFrameworkCore;
using Npgsql;
using OathServer.Secrets;

namespace OathServer.Storage;

/// <summary>What must hold before anything is served: migrations applied, the sealing key proven on its canary, the
/// chain's key at hand.</summary>
internal sealed class StorageStart(
    IServiceScopeFactory scopes, Sealer sealer, ServerSecrets secrets, TimeProvider time, PostgreSqlConnections? postgreSql = null)
{
    /// <summary>Migrations of a large store take their time.</summary>
    private static readonly TimeSpan MigrationMax = TimeSpan.FromHours(2);

    private static readonly byte[] CanaryText = "this opens with the right sealing key"u8.ToArray();

    private byte[]? chainKey;

    public byte[] ChainKey => chainKey ?? throw new InvalidOperationException("The storage was not started.");

    /// <exception cref="InvalidOperationException">The database cannot be used; the message says what to do.</exception>
    public async Task RunAsync(CancellationToken cancel)
    {
        if (postgreSql is null)
        {
            await PrepareAsync(cancel);
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
        await db.Database.MigrateAsync(cancel);
        await CounterTrigger.EnsureAsync(db, cancel);
        await ProveSealingKeyAsync(db, cancel);
        chainKey = (await secrets.CurrentAsync(db, ServerSecrets.AuditChain, cancel)).Value;
        _ = await secrets.CurrentAsync(db, ServerSecrets.ApiKeyHash, cancel);
    }

    /// <exception cref="InvalidOperationException">The configured key is not the one this database was sealed with.</exception>
    private async Task ProveSealingKeyAsync(OathDbContext db, CancellationToken cancel)
    {
        var known = await db.SealingKeys.AsNoTracking().ToListAsync(cancel);
        var mine = known.Find(k => k.Id == sealer.KeyId);
        if (mine is not null)
        {
            _ = sealer.Open(mine.Canary, SealedPlace.Canary(mine.Id));
            return;
        }

        if (known.Count > 0)
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
}
