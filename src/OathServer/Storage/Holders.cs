using Microsoft.EntityFrameworkCore;

namespace OathServer.Storage;

/// <summary>Keeps the counter rows of tokens in line with whether their holders are still in the organisation.</summary>
internal static class Holders
{
    /// <summary>Sets or clears <see cref="CounterFlags.HolderInactive"/> on these tokens; call it in the transaction that
    /// gave them a holder, after the change was saved.</summary>
    /// <remarks>The people's rows are taken first: somebody who leaves at this very moment leaves before or after it,
    /// never unseen.</remarks>
    public static async Task AlignAsync(OathDbContext db, IQueryable<Token> tokens, CancellationToken cancel)
    {
        await db.People.Where(p => tokens.Any(t => t.PersonId == p.Id))
            .ExecuteUpdateAsync(p => p.SetProperty(x => x.UpdatedAt, x => x.UpdatedAt), cancel);
        await db.Counters.Where(c => tokens.Any(t => t.Id == c.TokenId && t.Person!.Active == false))
            .ExecuteUpdateAsync(c => c.SetProperty(x => x.Flags, x => x.Flags | CounterFlags.HolderInactive), cancel);
        await db.Counters
            .Where(c => (c.Flags & CounterFlags.HolderInactive) != 0 && tokens.Any(t => t.Id == c.TokenId && (t.PersonId == null || t.Person!.Active)))
            .ExecuteUpdateAsync(c => c.SetProperty(x => x.Flags, x => x.Flags & ~CounterFlags.HolderInactive), cancel);
    }
}
