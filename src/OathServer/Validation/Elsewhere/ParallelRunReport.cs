using Microsoft.EntityFrameworkCore;
using OathServer.Storage;

namespace OathServer.Validation.Elsewhere;

/// <summary>How far the move is, read from the store.</summary>
internal static class ParallelRunReport
{
    /// <param name="db">The store.</param>
    /// <param name="policy">Whether an old server is asked, and which.</param>
    /// <param name="moved">Only who has a token here by now, or only who has none; null for both.</param>
    /// <param name="skip">People of earlier pages.</param>
    /// <param name="take">People of this one, at most.</param>
    /// <param name="cancel">Ends the reading.</param>
    public static async Task<ParallelRunView> ReadAsync(
        OathDbContext db, ParallelRunPolicy policy, bool? moved, int skip, int take, CancellationToken cancel)
    {
        var rows = db.LivesElsewhere.AsNoTracking().Select(l => new
        {
            Row = l,
            Moved = l.IsSerial
                ? db.Tokens.Any(t => t.Serial == l.Name)
                : db.Tokens.Any(t => t.Person != null && t.Person.Realm == l.Realm && t.Person.NormalizedName == l.NormalizedName),
        });
        var left = await rows.CountAsync(r => !r.Moved, cancel);
        var there = await rows.CountAsync(r => r.Moved, cancel);
        var page = await rows.Where(r => moved == null || r.Moved == moved)
            .OrderBy(r => r.Moved).ThenByDescending(r => r.Row.LastAcceptedAt).ThenBy(r => r.Row.Id).Skip(skip).Take(take).ToListAsync(cancel);
        return new ParallelRunView(
            policy.IsOn, policy.Server, left, there, await db.AcceptedElsewhere.CountAsync(cancel), page.ConvertAll(r => new LivingElsewhere(
                r.Row.IsSerial ? null : r.Row.Realm, r.Row.IsSerial ? null : r.Row.Name, r.Row.IsSerial ? r.Row.Name : null, r.Row.Token, r.Moved,
                r.Row.Accepted, r.Row.FirstAcceptedAt, r.Row.LastAcceptedAt)));
    }
}
