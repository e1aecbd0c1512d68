using Microsoft.EntityFrameworkCore;
using Oath;
using OathServer.Storage;
using OathServer.Validation;

namespace OathServer.Backup;

/// <summary>
/// The state of a store of which nobody knows what was accepted since: a HOTP token comes back with two consecutive
/// codes, of which an eavesdropper of one has none; a TOTP token accepts nothing up to the present step. Counters get no
/// margin: that would lock out every key that was not used meanwhile.
/// </summary>
internal sealed class SafeState(ValidationPolicy policy, TimeProvider time)
{
    /// <returns>How many HOTP and TOTP tokens were put into it.</returns>
    public async Task<(int Hotp, int Totp)> EnterAsync(OathDbContext db, CancellationToken cancel)
    {
        var hotp = await db.Counters.Where(c => db.Tokens.Any(t => t.Id == c.TokenId && t.Type == TokenType.Hotp)).ExecuteUpdateAsync(
            c => c.SetProperty(x => x.Flags, x => x.Flags | CounterFlags.ResyncRequired).SetProperty(x => x.Drift, 0), cancel);
        var totp = 0;
        // Of all realms the widest.
        var tolerance = Math.Max(policy.TimeStepTolerance, await db.RealmPolicies.MaxAsync(p => (int?)p.TimeStepTolerance, cancel) ?? 0);
        foreach (var length in await db.Tokens.Where(t => t.Type == TokenType.Totp).Select(t => t.TimeStep).Distinct().ToListAsync(cancel))
        {
            // A key with a fast clock may have spent a step that is still to come.
            var first = (long)Totp.StepAt(time.GetUtcNow(), length) + tolerance + 1;
            totp += await db.Counters
                .Where(c => db.Tokens.Any(t => t.Id == c.TokenId && t.Type == TokenType.Totp && t.TimeStep == length))
                .ExecuteUpdateAsync(
                    c => c.SetProperty(x => x.Counter, x => x.Counter > first + (x.Drift > 0 ? x.Drift : 0) ? x.Counter : first + (x.Drift > 0 ? x.Drift : 0)),
                    cancel);
        }

        return (hotp, totp);
    }
}
