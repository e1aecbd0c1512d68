using System.Buffers.Text;
using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Storage;

namespace OathServer.Access;

/// <summary>Makes, rotates and revokes API keys; each act with its audit entry in one transaction.</summary>
internal sealed class ApiKeyLife(ApiKeys keys, AuditTrail audit, TimeProvider time)
{
    public const int NameMax = 64;

    /// <summary>Both keys of a rotation work together for at most this long.</summary>
    public static readonly TimeSpan OverlapMax = TimeSpan.FromDays(30);

    /// <summary>Makes a key and returns it; it cannot be read again.</summary>
    /// <exception cref="ArgumentException">The name is taken or no name, or the role is unknown.</exception>
    public async Task<(ApiKey Row, string Key)> CreateAsync(
        OathDbContext db, string name, string role, IEnumerable<string> realms, TimeSpan? life, AuditEvent actor, CancellationToken cancel, string? clientCertificate = null)
    {
        if (!Roles.All.Contains(role, StringComparer.Ordinal))
        {
            throw new ArgumentException($"There is no role {role}. Roles are: {string.Join(", ", Roles.All)}.", nameof(role));
        }

        var names = string.Join(',', realms);
        if (names.Any(char.IsControl) || name.Length is 0 or > NameMax || name.Any(char.IsControl) || name.Trim() != name)
        {
            throw new ArgumentException($"A name has 1 to {NameMax} characters, no control characters and no space at its ends.", nameof(name));
        }

        if (await db.ApiKeys.AnyAsync(k => k.Name == name, cancel))
        {
            throw new ArgumentException($"There is already an API key named {name}. Choose another name, or rotate that one.", nameof(name));
        }

        var key = NewKey();
        var now = time.GetUtcNow();
        var row = new ApiKey
        {
            Name = name,
            Role = role,
            Realms = names,
            ClientCertificate = clientCertificate,
            Hash = await keys.HashAsync(db, key, cancel),
            CreatedAt = now,
            ExpiresAt = life is null ? null : now + life,
        };
        db.ApiKeys.Add(row);
        try
        {
            await audit.SaveAsync(db, cancel, actor with { Action = "api-key.create", Outcome = "done", Detail = $"{name}, {role}{(names.Length == 0 ? "" : $", realms {names}")}" });
        }
        catch (DbUpdateException) when (!cancel.IsCancellationRequested)
        {
            throw new ArgumentException($"There is already an API key named {name}. Choose another name, or rotate that one.", nameof(name));
        }

        return (row, key);
    }

    /// <summary>A new key under the same name; the one before works on for <paramref name="overlap"/>.</summary>
    public async Task<string> RotateAsync(OathDbContext db, ApiKey row, TimeSpan overlap, AuditEvent actor, CancellationToken cancel)
    {
        var key = NewKey();
        row.PreviousHash = row.Hash;
        row.PreviousUntil = time.GetUtcNow() + overlap;
        row.Hash = await keys.HashAsync(db, key, cancel);
        await audit.SaveAsync(db, cancel, actor with { Action = "api-key.rotate", Outcome = "done", Detail = $"{row.Name}, the one before until {row.PreviousUntil:u}" });
        keys.Forget();
        return key;
    }

    /// <summary>Ends a key for good, here at once and on other nodes within seconds.</summary>
    public async Task RevokeAsync(OathDbContext db, ApiKey row, AuditEvent actor, CancellationToken cancel)
    {
        row.RevokedAt ??= time.GetUtcNow();
        row.PreviousUntil = null;
        row.PreviousHash = null;
        await audit.SaveAsync(db, cancel, actor with { Action = "api-key.revoke", Outcome = "done", Detail = row.Name });
        keys.Forget();
    }

    private static string NewKey() => ApiKeys.Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
}
