using Microsoft.EntityFrameworkCore;
using OathServer.Secrets;

namespace OathServer.Storage;

/// <summary>What must hold before anything is served: migrations applied, the sealing key proven on its canary, the
/// chain's key at hand.</summary>
internal sealed class StorageStart(IServiceScopeFactory scopes, Sealer sealer, ServerSecrets secrets, TimeProvider time)
{
    private static readonly byte[] CanaryText = "this opens with the right sealing key"u8.ToArray();

    private byte[]? chainKey;

    public byte[] ChainKey => chainKey ?? throw new InvalidOperationException("The storage was not started.");

    public async Task RunAsync(CancellationToken cancel)
    {
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<OathDbContext>();
        await db.Database.MigrateAsync(cancel);
        await CounterTrigger.EnsureAsync(db, cancel);
        await ProveSealingKeyAsync(db, cancel);
        chainKey = (await secrets.CurrentAsync(db, ServerSecrets.AuditChain, cancel)).Value;
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
