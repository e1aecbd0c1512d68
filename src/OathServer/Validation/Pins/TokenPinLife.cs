using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Secrets;
using OathServer.Storage;

namespace OathServer.Validation.Pins;

/// <summary>Sets and clears PINs of tokens by staff; each act with its audit entry in one transaction. The trail keeps who and
/// why, never the PIN.</summary>
internal sealed class TokenPinLife(Sealer sealer, AuditTrail audit, ValidationPolicy settings, TimeProvider time)
{
    /// <summary>What is wrong with a PIN; null when nothing is.</summary>
    public string? FaultOf(string pin) =>
        pin.Length < settings.PinLengthMin || pin.Length > ValidationPolicy.PinLengthMax || pin.Any(char.IsControl)
            ? $"a PIN is {settings.PinLengthMin} to {ValidationPolicy.PinLengthMax} characters, none of them a control character." : null;

    /// <summary>Gives a token a PIN in which <see cref="FaultOf"/> found nothing; one that it had is written over. False
    /// when there is no such token.</summary>
    public async Task<bool> SetAsync(OathDbContext db, string serial, string pin, string reason, AuditEvent actor, CancellationToken cancel)
    {
        var hash = PinHash.Of(pin);
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        // Whoever changes waits for whoever changes: two versions of one number would open in each other's place.
        await AuditTrail.LockAsync(db, cancel);
        if (await db.Tokens.SingleOrDefaultAsync(t => t.Serial == serial, cancel) is not { } token)
        {
            return false;
        }

        var row = await db.TokenPins.SingleOrDefaultAsync(p => p.TokenId == token.Id, cancel);
        if (row is null)
        {
            row = new TokenPin { TokenId = token.Id, SealedVerifier = [], SetBy = actor.Actor };
            db.TokenPins.Add(row);
        }

        row.Version++;
        (row.Scheme, row.SealedVerifier) = PinCheck.Seal(sealer, serial, row.Version, hash);
        (row.PersonId, row.Source, row.SetBy, row.SetAt) = (token.PersonId, null, actor.Actor, time.GetUtcNow());
        await audit.SaveAsync(db, cancel, actor with { Action = "token.pin.set", Outcome = "done", Serial = serial, Cuid = token.Cuid, Detail = reason });
        await db.Counters.Where(c => c.TokenId == token.Id).ExecuteUpdateAsync(c => c.SetProperty(x => x.Flags, x => x.Flags | CounterFlags.HasPin), cancel);
        await transaction.CommitAsync(cancel);
        return true;
    }

    /// <summary>Takes a token's PIN away. Null when there is no such token, false when it has none.</summary>
    public async Task<bool?> ClearAsync(OathDbContext db, string serial, string reason, AuditEvent actor, CancellationToken cancel)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        await AuditTrail.LockAsync(db, cancel);
        if (await db.Tokens.AsNoTracking().SingleOrDefaultAsync(t => t.Serial == serial, cancel) is not { } token)
        {
            return null;
        }

        if (await TokenPins.RemoveAsync(db, [token.Id], cancel) == 0)
        {
            return false;
        }

        await audit.SaveAsync(db, cancel, actor with { Action = "token.pin.clear", Outcome = "done", Serial = serial, Cuid = token.Cuid, Detail = reason });
        await transaction.CommitAsync(cancel);
        return true;
    }
}
