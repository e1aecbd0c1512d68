using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using OathServer.Secrets;
using OathServer.Storage;

namespace OathServer.Access;

/// <summary>One-time links by which a person chooses their password: nobody else ever knows it, and there is no default.</summary>
internal sealed class StaffLinks(ServerSecrets secrets, TimeProvider time)
{
    /// <summary>How long a link may be used.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromHours(24);

    public const string Path = "/setup";

    /// <summary>The path and query of a new link, added to <paramref name="db"/>; older ones of the same person stop working.</summary>
    public async Task<string> CreateAsync(OathDbContext db, int? staffId, CancellationToken cancel)
    {
        var token = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        var hash = await HashAsync(db, token, cancel);
        await db.StaffLinks.Where(l => l.StaffId == staffId && l.UsedAt == null).ExecuteDeleteAsync(cancel);
        db.StaffLinks.Add(new StaffLink { Hash = hash, StaffId = staffId, ExpiresAt = time.GetUtcNow() + Life });
        await db.SaveChangesAsync(cancel);
        return $"{Path}?token={token}";
    }

    /// <summary>A link for the first administrator; null once there is any staff.</summary>
    public async Task<string?> FirstAdministratorAsync(OathDbContext db, CancellationToken cancel) =>
        await db.Staff.AnyAsync(cancel) ? null : await CreateAsync(db, staffId: null, cancel);

    /// <summary>The link behind a token while it may be used.</summary>
    public async Task<StaffLink?> FindAsync(OathDbContext db, string token, CancellationToken cancel)
    {
        if (token.Length is 0 or > 128)
        {
            return null;
        }

        var hash = await HashAsync(db, token, cancel);
        var now = time.GetUtcNow();
        var link = await db.StaffLinks.AsNoTracking().SingleOrDefaultAsync(l => l.Hash == hash && l.UsedAt == null && l.ExpiresAt > now, cancel);
        // A first administrator's link is void the moment there is staff, whoever still holds it.
        return link is { StaffId: null } && await db.Staff.AnyAsync(cancel) ? null : link;
    }

    /// <summary>Uses it up; false when somebody else just did.</summary>
    public async Task<bool> UseAsync(OathDbContext db, StaffLink link, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        return await db.StaffLinks.Where(l => l.Id == link.Id && l.UsedAt == null && l.ExpiresAt > now)
            .ExecuteUpdateAsync(l => l.SetProperty(x => x.UsedAt, now), cancel) == 1;
    }

    private async Task<byte[]> HashAsync(OathDbContext db, string token, CancellationToken cancel) =>
        HMACSHA256.HashData((await secrets.CurrentAsync(db, ServerSecrets.ApiKeyHash, cancel)).Value, Encoding.UTF8.GetBytes(token));
}
