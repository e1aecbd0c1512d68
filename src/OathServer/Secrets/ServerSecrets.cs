using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using OathServer.Storage;

namespace OathServer.Secrets;

/// <summary>The server's own secrets, sealed in the database and made when first needed: the keys of the audit chain
/// and of the API key hashes, and the versions of the PUK master secret.</summary>
internal sealed class ServerSecrets(Sealer sealer, TimeProvider time)
{
    public const string AuditChain = "audit-chain";
    public const string ApiKeyHash = "api-key-hash";
    public const string PukMaster = "puk-master";

    private const int Size = 32;

    /// <summary>The newest version, made if there is none yet. Safe to race: the first one stored wins.</summary>
    public async Task<(int Version, byte[] Value)> CurrentAsync(OathDbContext db, string purpose, CancellationToken cancel)
    {
        var newest = await db.ServerSecrets.AsNoTracking()
            .Where(s => s.Purpose == purpose).OrderByDescending(s => s.Version).FirstOrDefaultAsync(cancel);
        if (newest is null)
        {
            newest = await AddAsync(db, purpose, version: 1, cancel);
        }

        return (newest.Version, sealer.Open(newest.SealedValue, SealedPlace.ServerSecret(purpose, newest.Version)));
    }

    /// <summary>A stated version.</summary>
    /// <exception cref="InvalidOperationException">That version is not here.</exception>
    public async Task<byte[]> VersionAsync(OathDbContext db, string purpose, int version, CancellationToken cancel)
    {
        var secret = await db.ServerSecrets.AsNoTracking()
            .FirstOrDefaultAsync(s => s.Purpose == purpose && s.Version == version, cancel)
            ?? throw new InvalidOperationException($"Version {version} of {purpose} is not in this database.");
        return sealer.Open(secret.SealedValue, SealedPlace.ServerSecret(purpose, version));
    }

    /// <summary>Adds a version; those before stay, so that what they made can be made again.</summary>
    public async Task<int> RotateAsync(OathDbContext db, string purpose, CancellationToken cancel)
    {
        var last = await db.ServerSecrets.Where(s => s.Purpose == purpose).MaxAsync(s => (int?)s.Version, cancel) ?? 0;
        return (await AddAsync(db, purpose, last + 1, cancel)).Version;
    }

    private async Task<ServerSecret> AddAsync(OathDbContext db, string purpose, int version, CancellationToken cancel)
    {
        var value = RandomNumberGenerator.GetBytes(Size);
        var secret = new ServerSecret
        {
            Purpose = purpose,
            Version = version,
            SealedValue = sealer.Seal(value, SealedPlace.ServerSecret(purpose, version)),
            CreatedAt = time.GetUtcNow(),
        };
        CryptographicOperations.ZeroMemory(value);
        var entry = db.ServerSecrets.Add(secret);
        try
        {
            await db.SaveChangesAsync(cancel);
            return secret;
        }
        catch (DbUpdateException)
        {
            // Another node stored the same version first: theirs counts.
            entry.State = EntityState.Detached;
            return await db.ServerSecrets.AsNoTracking()
                .SingleAsync(s => s.Purpose == purpose && s.Version == version, cancel);
        }
    }
}
