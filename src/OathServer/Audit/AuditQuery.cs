using Microsoft.EntityFrameworkCore;
using OathServer.Storage;

namespace OathServer.Audit;

/// <summary>Which acts are asked for; what is null does not restrict.</summary>
/// <param name="Actor">Who acted, exactly.</param>
/// <param name="Action">What was done, e.g. <c>puk.reveal</c>; with a dot at its end, all that start so.</param>
/// <param name="Cuid">On which key.</param>
/// <param name="Serial">On which token.</param>
/// <param name="User">On which user.</param>
/// <param name="Since">Not before.</param>
/// <param name="Until">Before.</param>
/// <param name="Outcome">How it went, e.g. <c>done</c> or <c>refused</c>.</param>
/// <param name="About">The key, the token or the user, whichever it is.</param>
internal sealed record AuditQuery(
    string? Actor = null, string? Action = null, string? Cuid = null, string? Serial = null, string? User = null,
    DateTimeOffset? Since = null, DateTimeOffset? Until = null, string? Outcome = null, string? About = null)
{
    public IQueryable<AuditEntry> Of(OathDbContext db)
    {
        var entries = db.Audit.AsNoTracking();
        entries = Actor is null ? entries : entries.Where(e => e.Actor == Actor);
        entries = Action is null ? entries
            : Action.EndsWith('.') ? entries.Where(e => e.Action.StartsWith(Action))
            : entries.Where(e => e.Action == Action);
        entries = Cuid is null ? entries : entries.Where(e => e.Cuid == Cuid);
        entries = Serial is null ? entries : entries.Where(e => e.Serial == Serial);
        entries = User is null ? entries : entries.Where(e => e.UserName == User);
        entries = Outcome is null ? entries : entries.Where(e => e.Outcome == Outcome);
        entries = About is null ? entries : entries.Where(e => e.Cuid == About || e.Serial == About || e.UserName == About);
        entries = Since is null ? entries : entries.Where(e => e.At >= Since);
        return Until is null ? entries : entries.Where(e => e.At < Until);
    }
}
