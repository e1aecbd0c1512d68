using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Oath;
using OathServer.Audit;
using OathServer.Secrets;
using OathServer.Storage;

namespace OathServer.Validation;

/// <summary>
/// Looks at the new seed of a token whose reseed is pending, after its present seed did not fit. The first good code
/// switches: new secret, next generation and the counter behind that code, in one transaction whose condition is the old
/// generation, so that one code switches once. The failure was counted before, as for any other code.
/// </summary>
internal sealed class SeedSwitch(
    IServiceScopeFactory scopes, Sealer sealer, RealmPolicies policies, AuditTrail audit, FactsChanged changed, TimeProvider time)
{
    /// <summary>The facts of the token in its new generation; null when the code is not of the new seed either.</summary>
    public async Task<CredentialFacts?> TryAsync(ValidationAttempt attempt, CancellationToken cancel)
    {
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<OathDbContext>();
        foreach (var facts in attempt.Candidates)
        {
            if (attempt.CodeOf(facts) is { } code
                && await db.PendingSeeds.SingleOrDefaultAsync(p => p.TokenId == facts.TokenId, cancel) is { } pending
                && pending.Generation == facts.Generation + 1
                && await TryAsync(db, facts, pending, code, cancel) is { } switched)
            {
                return switched;
            }
        }

        return null;
    }

    private async Task<CredentialFacts?> TryAsync(
        OathDbContext db, CredentialFacts facts, PendingSeed pending, string code, CancellationToken cancel)
    {
        if (!OtpCode.TryParse(code, facts.Digits, out var typed))
        {
            return null;
        }

        var token = await db.Tokens.SingleAsync(t => t.Id == facts.TokenId, cancel);
        var secret = sealer.Open(pending.SealedSecret, SealedPlace.TokenSecret(token.Serial, pending.Generation));
        var key = OathKey.Create(token.Algorithm, secret);
        CryptographicOperations.ZeroMemory(secret);
        if (Match(key, token, pending, typed, out var drift) is not { } matched)
        {
            return null;
        }

        var next = (long)matched + 1;
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        token.SealedSecret = pending.SealedSecret;
        token.StartCounter = pending.StartCounter;
        db.PendingSeeds.Remove(pending);
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        var switched = await db.Counters
            .Where(c => c.TokenId == token.Id && c.Generation == facts.Generation
                && (c.State == TokenState.Active || c.State == TokenState.Imported)
                && (c.Flags & (CounterFlags.HolderInactive | CounterFlags.Locked | CounterFlags.ResyncRequired)) == CounterFlags.None)
            .ExecuteUpdateAsync(c => c
                .SetProperty(x => x.Generation, pending.Generation).SetProperty(x => x.Counter, next).SetProperty(x => x.Drift, drift)
                .SetProperty(x => x.State, TokenState.Active).SetProperty(x => x.Failures, 0).SetProperty(x => x.LockedUntil, 0L)
                .SetProperty(x => x.LastAcceptedAt, now).SetProperty(x => x.LastRequest, 0L)
                .SetProperty(x => x.Flags, x => (x.Flags & CounterFlags.HasPin) | CounterFlags.OneCodeSeen), cancel);
        if (switched != 1)
        {
            return null;
        }

        await audit.SaveAsync(db, cancel, new AuditEvent("server", "token.reseed", "switched")
        {
            Serial = token.Serial,
            Cuid = token.Cuid,
            Detail = $"generation {pending.Generation}, by the first code of the new seed",
        });
        await transaction.CommitAsync(cancel);
        changed.Announce();
        return new CredentialFacts
        {
            TokenId = facts.TokenId,
            Serial = facts.Serial,
            Realm = facts.Realm,
            Type = facts.Type,
            Digits = facts.Digits,
            TimeStep = facts.TimeStep,
            Generation = pending.Generation,
            PersonId = facts.PersonId,
            Key = key,
        };
    }

    private ulong? Match(OathKey key, Token token, PendingSeed pending, OtpCode typed, out int drift)
    {
        drift = 0;
        var policy = policies.Of(token.Realm);
        if (token.Type == TokenType.Hotp)
        {
            return LookAheadWindow.TryMatch(key, (ulong)pending.StartCounter, policy.LookAhead, typed, out var counter) ? counter : null;
        }

        var step = Totp.StepAt(time.GetUtcNow(), token.TimeStep);
        var tolerance = policy.TimeStepTolerance;
        if (!Totp.TryMatch(key, step, 0, tolerance, tolerance, firstAllowedStep: 0, typed, out var matched))
        {
            return null;
        }

        drift = (int)((long)matched - (long)step);
        return matched;
    }
}
