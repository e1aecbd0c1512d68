using Microsoft.EntityFrameworkCore;

namespace OathServer.Storage;

/// <summary>Keeps the counter rows of tokens in line with whether their holders are still in the organisation.</summary>
internal static class Holders
{
    /// <summary>Sets or clears <see cref="CounterFlags.HolderInactive"/> on these tokens, and drops PINs of earlier holders; call it in the transaction that
    /// gave them a holder, after the change was saved.</summary>
    /// <remarks>The people's rows are taken first: somebody who leaves at this very moment leaves before or after it,
    /// never unseen.</remarks>
    public static async Task AlignAsync(OathDbContext db, IQueryable<Token> tokens, CancellationToken cancel)
    {
        await TokenPins.AlignAsync(db, tokens, cancel);
        // By IN and not by EXISTS: SQLite goes from the tokens to the rows, and not through all rows there are.
        await db.People.Where(p => tokens.Where(t => t.PersonId != null).Select(t => t.PersonId!.Value).Contains(p.Id))
            .ExecuteUpdateAsync(p => p.SetProperty(x => x.UpdatedAt, x => x.UpdatedAt), cancel);
        await db.Counters.Where(c => tokens.Where(t => t.Person!.Active == false).Select(t => t.Id).Contains(c.TokenId))
            .ExecuteUpdateAsync(c => c.SetProperty(x => x.Flags, x => x.Flags | CounterFlags.HolderInactive), cancel);
        await db.Counters
            .Where(c => (c.Flags & CounterFlags.HolderInactive) != 0
                && tokens.Where(t => t.PersonId == null || t.Person!.Active).Select(t => t.Id).Contains(c.TokenId))
            .ExecuteUpdateAsync(c => c.SetProperty(x => x.Flags, x => x.Flags & ~CounterFlags.HolderInactive), cancel);
    }
}
