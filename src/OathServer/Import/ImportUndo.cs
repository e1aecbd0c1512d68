using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Storage;

namespace OathServer.Import;

/// <summary>What became of an undo.</summary>
/// <param name="Import">The import, or null when there is none of that number.</param>
/// <param name="Removed">How many tokens went.</param>
/// <param name="InUse">Serial numbers of tokens that are in use, which keep the whole import; the first few.</param>
/// <param name="InUseCount">How many there are.</param>
internal sealed record UndoResult(ImportedFile? Import, int Removed, IReadOnlyList<string> InUse, int InUseCount);

/// <summary>Takes an import back while nothing of it has been used: its tokens, the people it brought, its line in the
/// history. The audit trail keeps both the import and its end.</summary>
internal sealed class ImportUndo(AuditTrail audit, FactsChanged factsChanged)
{
    private const int ShownMax = 20;

    public async Task<UndoResult> UndoAsync(OathDbContext db, long id, AuditEvent actor, CancellationToken cancel)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        var import = await db.Imports.SingleOrDefaultAsync(i => i.Id == id, cancel);
        if (import is null)
        {
            return new UndoResult(null, 0, [], 0);
        }

        var tokens = db.Tokens.Where(t => t.ImportId == id);
        var count = await tokens.CountAsync(cancel);
        // By their numbers: asked for by both tables at once, PostgreSQL, which knows nothing yet of the new rows, looks through all tokens for each person.
        var owners = await tokens.Where(t => t.PersonId != null).Select(t => t.PersonId!.Value).Distinct().ToListAsync(cancel);
        var people = await db.People.Where(p => EF.Parameter(owners).Contains(p.Id) && p.Realm == import.Realm && p.CreatedAt == import.ImportedAt)
            .Select(p => p.Id).ToListAsync(cancel);

        // The condition is on the very rows deleted, so that a code accepted this moment, on any node, keeps its token.
        var removed = await Unused(db, id).ExecuteDeleteAsync(cancel);
        if (removed < count)
        {
            await transaction.RollbackAsync(cancel);
            db.ChangeTracker.Clear();
            var unused = Unused(db, id);
            var used = tokens.Where(t => !unused.Any(c => c.TokenId == t.Id));
            return new UndoResult(import, 0, await used.OrderBy(t => t.Serial).Select(t => t.Serial).Take(ShownMax).ToListAsync(cancel), count - removed);
        }

        await tokens.ExecuteDeleteAsync(cancel);
        await db.People.Where(p => EF.Parameter(people).Contains(p.Id) && !db.Tokens.Any(t => t.PersonId == p.Id) && !db.Records.Any(r => r.PersonId == p.Id))
            .ExecuteDeleteAsync(cancel);
        db.Imports.Remove(import);
        await audit.SaveAsync(db, cancel, actor with
        {
            Action = "import.undo",
            Outcome = "done",
            Detail = $"import {id}: {removed} tokens of {import.FileName} (SHA-256 {import.Digest}, imported at {import.ImportedAt:u} by {import.ImportedBy})",
        });
        await transaction.CommitAsync(CancellationToken.None);
        factsChanged.Announce();
        return new UndoResult(import, removed, [], 0);
    }

    /// <summary>As it came: no code accepted, no counter moved, no new seed, on no key and not about to be.</summary>
    private static IQueryable<TokenCounter> Unused(OathDbContext db, long id) => db.Counters.Where(c =>
        c.Generation == NewTokens.Generation && c.LastAcceptedAt == 0 && c.State != TokenState.Pending && c.State != TokenState.Active
        && db.Tokens.Any(t => t.Id == c.TokenId && t.ImportId == id && t.Cuid == null && t.StartCounter == c.Counter));
}
