using Microsoft.EntityFrameworkCore;
using OathServer.Storage;

namespace OathServer.Validation.Elsewhere;

/// <summary>The table of codes put to the old server. A code is reserved before the old server is asked, so that it is in
/// the table whatever happens meanwhile, and let go of when the old server did not accept it.</summary>
internal sealed class UsedCodes(IServiceScopeFactory scopes, ParallelRunPolicy policy, TimeProvider time)
{
    /// <summary>False when this code is being asked about, or was accepted, already.</summary>
    public async Task<bool> ReserveAsync(long subject, long code, CancellationToken cancel)
    {
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<OathDbContext>();
        var now = time.GetUtcNow();
        var forgotten = now - policy.Remember;
        await db.AcceptedElsewhere.Where(c => c.At < forgotten).ExecuteDeleteAsync(cancel);
        db.AcceptedElsewhere.Add(new AcceptedElsewhere { Subject = subject, Code = code, At = now });
        try
        {
            await db.SaveChangesAsync(cancel);
            return true;
        }
        catch (DbUpdateException fault)
        {
            // Was it that somebody reserved it first, or does the storage not answer?
            db.ChangeTracker.Clear();
            return await db.AcceptedElsewhere.AnyAsync(c => c.Subject == subject && c.Code == code, cancel)
                ? false
                : throw new StorageUnavailableException("The code could not be reserved.", fault);
        }
    }

    /// <summary>The old server did not accept it.</summary>
    public async Task ReleaseAsync(long subject, long code)
    {
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<OathDbContext>();
        await db.AcceptedElsewhere.Where(c => c.Subject == subject && c.Code == code).ExecuteDeleteAsync(CancellationToken.None);
    }

    /// <summary>The codes of these subjects that are remembered still.</summary>
    public async Task<HashSet<long>> OfAsync(OathDbContext db, long[] subjects, CancellationToken cancel)
    {
        var forgotten = time.GetUtcNow() - policy.Remember;
        return [.. await db.AcceptedElsewhere.AsNoTracking()
            .Where(c => subjects.Contains(c.Subject) && c.At >= forgotten).Select(c => c.Code).ToListAsync(cancel)];
    }

    /// <summary>Whether any is, also after the parallel run has ended.</summary>
    public async Task<bool> AnyAsync(CancellationToken cancel)
    {
        var forgotten = time.GetUtcNow() - policy.Remember;
        await using var scope = scopes.CreateAsyncScope();
        return await scope.ServiceProvider.GetRequiredService<OathDbContext>().AcceptedElsewhere.AnyAsync(c => c.At >= forgotten, cancel);
    }
}
