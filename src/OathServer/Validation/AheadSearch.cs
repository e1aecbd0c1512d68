using Microsoft.EntityFrameworkCore;
using Oath;
using OathServer.Storage;

namespace OathServer.Validation;

/// <summary>Where a code would stand past the counter, without accepting anything: for "type the next code" and for help
/// desk's diagnosis. One code alone never moves a counter that far.</summary>
internal sealed class AheadSearch(IServiceScopeFactory scopes, RealmPolicies policies)
{
    /// <summary>The first credential of a refused attempt whose resynchronisation window holds the code typed for it, that
    /// code, and how far ahead.</summary>
    public async Task<(string Serial, string Code, long Distance)?> FindAsync(ValidationAttempt refused, CancellationToken cancel)
    {
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<OathDbContext>();
        foreach (var facts in refused.Candidates.Where(f => f.Type == TokenType.Hotp))
        {
            var row = await db.Counters.AsNoTracking().SingleOrDefaultAsync(c => c.TokenId == facts.TokenId, cancel);
            if (row is { State: TokenState.Active or TokenState.Imported }
                && (row.Flags & (CounterFlags.Locked | CounterFlags.HolderInactive)) == 0
                && row.Generation == facts.Generation
                && refused.CodeOf(facts) is { } code
                && OtpCode.TryParse(code, facts.Digits, out var typed)
                && LookAheadWindow.TryMatch(facts.Key, (ulong)row.Counter, policies.Of(facts.Realm).WindowOf(row.State, row.Flags, row.LastAcceptedAt) - 1, typed, out var matched))
            {
                return (facts.Serial, code, (long)matched - row.Counter);
            }
        }

        return null;
    }
}
