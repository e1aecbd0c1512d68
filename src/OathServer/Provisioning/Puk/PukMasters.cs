using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Secrets;
using OathServer.Storage;

namespace OathServer.Provisioning.Puk;

/// <summary>A version of the PUK master secret and how many keys carry a PUK derived with it.</summary>
public sealed record PukMasterView(int Version, DateTimeOffset CreatedAt, int Keys, bool Current);

/// <summary>A file of PUK master secrets, closed with a passphrase.</summary>
internal sealed record PukMasterFile(string Kind, int Iterations, byte[] Salt, byte[] Nonce, byte[] Closed);

/// <summary>
/// The versions of the PUK master secret, which is not the sealing key. New keys use the newest; older ones stay, so that
/// every record's PUK can be made again. Exported closed with a passphrase (PBKDF2-HMAC-SHA-256, AES-256-GCM).
/// </summary>
internal sealed class PukMasters(ServerSecrets secrets, Sealer sealer, AuditTrail audit, TimeProvider time)
{
    public const int PassphraseMin = 12;
    private const string Kind = "oathserver-puk-master-1";
    private const int Iterations = 600_000;
    private const int TagSize = 16;

    public static async Task<List<PukMasterView>> ListAsync(OathDbContext db, CancellationToken cancel)
    {
        var versions = await db.ServerSecrets.AsNoTracking().Where(s => s.Purpose == ServerSecrets.PukMaster)
            .OrderBy(s => s.Version).Select(s => new { s.Version, s.CreatedAt }).ToListAsync(cancel);
        var used = await db.Records.Where(r => r.PukMethod == PukMethod.Derived).GroupBy(r => r.PukMasterVersion)
            .Select(g => new { g.Key, Keys = g.Count() }).ToDictionaryAsync(g => g.Key, g => g.Keys, cancel);
        return versions.ConvertAll(v => new PukMasterView(v.Version, v.CreatedAt, used.GetValueOrDefault(v.Version), v == versions[^1]));
    }

    /// <summary>Adds a version; keys written from now on use it.</summary>
    public async Task<int> RotateAsync(OathDbContext db, AuditEvent actor, CancellationToken cancel)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        var version = await secrets.RotateAsync(db, ServerSecrets.PukMaster, cancel);
        await audit.SaveAsync(db, cancel, actor with { Action = "puk-master.rotate", Outcome = "done", Detail = $"version {version}" });
        await transaction.CommitAsync(cancel);
        return version;
    }

    /// <summary>All versions, closed with the passphrase.</summary>
    public async Task<string> ExportAsync(OathDbContext db, string passphrase, AuditEvent actor, CancellationToken cancel)
    {
        var versions = new SortedDictionary<int, byte[]>();
        foreach (var secret in await db.ServerSecrets.AsNoTracking().Where(s => s.Purpose == ServerSecrets.PukMaster).ToListAsync(cancel))
        {
            versions[secret.Version] = sealer.Open(secret.SealedValue, SealedPlace.ServerSecret(secret.Purpose, secret.Version));
        }

        var plain = JsonSerializer.SerializeToUtf8Bytes(versions);
        var (salt, nonce) = (RandomNumberGenerator.GetBytes(16), RandomNumberGenerator.GetBytes(12));
        var closed = new byte[plain.Length + TagSize];
        using (var cipher = Cipher(passphrase, salt, Iterations))
        {
            cipher.Encrypt(nonce, plain, closed.AsSpan(0, plain.Length), closed.AsSpan(plain.Length));
        }

        Clear(plain, versions.Values);
        await audit.SaveAsync(db, cancel, actor with { Action = "puk-master.export", Outcome = "done", Detail = $"{versions.Count} versions" });
        return JsonSerializer.Serialize(new PukMasterFile(Kind, Iterations, salt, nonce, closed));
    }

    /// <summary>Adds the versions that are not here; one that is here with another value refuses the whole file.</summary>
    /// <exception cref="InvalidOperationException">The file does not open, or contradicts what is here.</exception>
    public async Task<int> ImportAsync(OathDbContext db, string file, string passphrase, AuditEvent actor, CancellationToken cancel)
    {
        var versions = Open(file, passphrase);
        var added = 0;
        foreach (var (version, value) in versions)
        {
            if (await db.ServerSecrets.AsNoTracking().SingleOrDefaultAsync(s => s.Purpose == ServerSecrets.PukMaster && s.Version == version, cancel) is { } here)
            {
                var present = sealer.Open(here.SealedValue, SealedPlace.ServerSecret(here.Purpose, here.Version));
                if (!CryptographicOperations.FixedTimeEquals(present, value))
                {
                    throw new InvalidOperationException($"Version {version} is here with another value. Nothing was imported: the file is of another server.");
                }

                continue;
            }

            db.ServerSecrets.Add(new ServerSecret
            {
                Purpose = ServerSecrets.PukMaster,
                Version = version,
                SealedValue = sealer.Seal(value, SealedPlace.ServerSecret(ServerSecrets.PukMaster, version)),
                CreatedAt = time.GetUtcNow(),
            });
            added++;
        }

        Clear([], versions.Values);
        await audit.SaveAsync(db, cancel, actor with { Action = "puk-master.import", Outcome = "done", Detail = $"{added} versions added" });
        return added;
    }

    private static SortedDictionary<int, byte[]> Open(string text, string passphrase)
    {
        PukMasterFile? file;
        try
        {
            file = JsonSerializer.Deserialize<PukMasterFile>(text);
        }
        catch (JsonException)
        {
            file = null;
        }

        if (file is not { Kind: Kind, Nonce.Length: 12, Closed.Length: > TagSize, Iterations: >= 100_000 and <= 10_000_000 })
        {
            throw new InvalidOperationException("This is not a file of PUK master secrets (puk-master export writes one).");
        }

        var plain = new byte[file.Closed.Length - TagSize];
        try
        {
            using var cipher = Cipher(passphrase, file.Salt, file.Iterations);
            cipher.Decrypt(file.Nonce, file.Closed.AsSpan(0, plain.Length), file.Closed.AsSpan(plain.Length), plain);
            return JsonSerializer.Deserialize<SortedDictionary<int, byte[]>>(plain)!;
        }
        catch (AuthenticationTagMismatchException)
        {
            throw new InvalidOperationException("The passphrase is wrong, or the file was changed.");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plain);
        }
    }

    private static AesGcm Cipher(string passphrase, byte[] salt, int iterations)
    {
        var key = Rfc2898DeriveBytes.Pbkdf2(passphrase, salt, iterations, HashAlgorithmName.SHA256, 32);
        var cipher = new AesGcm(key, TagSize);
        CryptographicOperations.ZeroMemory(key);
        return cipher;
    }

    private static void Clear(byte[] plain, IEnumerable<byte[]> values)
    {
        CryptographicOperations.ZeroMemory(plain);
        foreach (var value in values)
        {
            CryptographicOperations.ZeroMemory(value);
        }
    }
}
