using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Storage;

namespace OathServer.Tokens;

/// <summary>Changes in a token's life, each with its audit entry in one transaction. Counter rows are changed by one
/// conditional statement, never by saving a row that was read before.</summary>
internal sealed class TokenLife(AuditTrail audit, FactsChanged factsChanged, TimeProvider time)
{
    /// <summary>Gives the token to a user, whom it makes known when new; null takes it back. Null when there is no such token.</summary>
    public async Task<Token?> AssignAsync(
        OathDbContext db, string serial, string? user, string? realm, AuditEvent actor, CancellationToken cancel)
    {
        var token = await db.Tokens.Include(t => t.Counter).Include(t => t.Import).Include(t => t.Person)
            .SingleOrDefaultAsync(t => t.Serial == serial, cancel);
        if (token is null)
        {
            return null;
        }

        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        token.Person = user is null ? null : await PersonAsync(db, realm ?? token.Realm, user, cancel);
        token.PersonId = token.Person?.Id;
        await audit.SaveAsync(db, cancel, actor with { Action = user is null ? "token.unassign" : "token.assign", Outcome = "done", Serial = serial, UserName = user });
        await Holders.AlignAsync(db, db.Tokens.Where(t => t.Id == token.Id), cancel);
        await transaction.CommitAsync(cancel);
        factsChanged.Announce();
        return await TokensEndpoint.FindAsync(db, serial, cancel);
    }

    /// <summary>The person of that name, added to <paramref name="db"/> when new; saved with the caller's changes.</summary>
    public async Task<Person> PersonAsync(OathDbContext db, string realm, string user, CancellationToken cancel)
    {
        var name = Person.Normalize(user);
        var person = db.People.Local.FirstOrDefault(p => p.Realm == realm && p.NormalizedName == name)
            ?? await db.People.SingleOrDefaultAsync(p => p.Realm == realm && p.NormalizedName == name, cancel);
        if (person is null)
        {
            person = new Person { Realm = realm, Name = user, NormalizedName = name, CreatedAt = time.GetUtcNow() };
            db.People.Add(person);
        }

        return person;
    }

    /// <summary>Clears failures, delay and lock. Null when there is no such token.</summary>
    public async Task<Token?> UnlockAsync(OathDbContext db, string serial, AuditEvent actor, CancellationToken cancel)
    {
        var token = await TokensEndpoint.FindAsync(db, serial, cancel);
        if (token is null)
        {
            return null;
        }

        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        await db.Counters.Where(c => c.TokenId == token.Id).ExecuteUpdateAsync(
            c => c.SetProperty(x => x.Failures, 0).SetProperty(x => x.LockedUntil, 0L)
                .SetProperty(x => x.Flags, x => x.Flags & ~CounterFlags.Locked), cancel);
        await audit.SaveAsync(db, cancel, actor with { Action = "token.unlock", Outcome = "done", Serial = serial });
        await transaction.CommitAsync(cancel);
        return await TokensEndpoint.FindAsync(db, serial, cancel);
    }

    /// <summary>Moves the state when it is one of <paramref name="from"/>, and saves <paramref name="besides"/> with it; false when it was not.</summary>
    public async Task<bool> ChangeStateAsync(
        OathDbContext db, Token token, TokenState[] from, TokenState to, string action, AuditEvent actor, CancellationToken cancel,
        params AuditEvent[] besides)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        var changed = await db.Counters.Where(c => c.TokenId == token.Id && from.Contains(c.State))
            .ExecuteUpdateAsync(c => c.SetProperty(x => x.State, to), cancel);
        if (changed == 0)
        {
            return false;
        }

        await audit.SaveAsync(db, cancel, [actor with { Action = action, Outcome = "done", Serial = token.Serial }, .. besides]);
        await transaction.CommitAsync(cancel);
        return true;
    }
}
