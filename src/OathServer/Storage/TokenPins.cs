using Microsoft.EntityFrameworkCore;

namespace OathServer.Storage;

/// <summary>Keeps PINs in line with their tokens; all of it in the caller's transaction.</summary>
internal static class TokenPins
{
    /// <summary>Forgets the PINs of these tokens.</summary>
    /// <returns>How many there were.</returns>
    public static async Task<int> RemoveAsync(OathDbContext db, IReadOnlyCollection<long> tokenIds, CancellationToken cancel)
    {
        var removed = await db.TokenPins.Where(p => tokenIds.Contains(p.TokenId)).ExecuteDeleteAsync(cancel);
        await db.Counters.Where(c => tokenIds.Contains(c.TokenId) && (c.Flags & CounterFlags.HasPin) != 0)
            .ExecuteUpdateAsync(c => c.SetProperty(x => x.Flags, x => x.Flags & ~CounterFlags.HasPin), cancel);
        return removed;
    }

    /// <summary>A PIN stays with its person: it goes when one of these tokens has another holder, or none, and is the first
    /// holder's where nobody had the token before.</summary>
    public static async Task AlignAsync(OathDbContext db, IQueryable<Token> tokens, CancellationToken cancel)
    {
        // From the tokens to their PINs, not through all PINs there are; nearly always there is none to change.
        var moved = await tokens.Join(db.TokenPins, t => t.Id, p => p.TokenId, (t, p) => new { p.TokenId, Was = p.PersonId, Is = t.PersonId })
            .Where(p => p.Was != p.Is).ToListAsync(cancel);
        if (moved.Exists(p => p.Was is not null))
        {
            await RemoveAsync(db, [.. moved.Where(p => p.Was is not null).Select(p => p.TokenId)], cancel);
        }

        var first = moved.Where(p => p.Was is null).Select(p => p.TokenId).ToList();
        if (first.Count > 0)
        {
            await db.TokenPins.Where(p => first.Contains(p.TokenId))
                .ExecuteUpdateAsync(p => p.SetProperty(x => x.PersonId, x => db.Tokens.Single(t => t.Id == x.TokenId).PersonId), cancel);
        }
    }
}
