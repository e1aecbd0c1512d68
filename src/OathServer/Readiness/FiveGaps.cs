using System.Linq.Expressions;
using Microsoft.EntityFrameworkCore;
using OathServer.Provisioning.Puk;
using OathServer.Storage;

namespace OathServer.Readiness;

/// <summary>One gap over the live records: how many keys have it closed, and which do not.</summary>
/// <param name="Gap">1 to 5, in the order of the problem statement.</param>
/// <param name="What">What is counted, e.g. <c>PUK set and escrowed</c>.</param>
/// <param name="Closed">Keys with the gap closed.</param>
/// <param name="Of">Keys counted.</param>
/// <param name="Exceptions">CUIDs (or token serials, for gap 5) with the gap open; the first hundred.</param>
public sealed record GapView(int Gap, string What, int Closed, int Of, IReadOnlyList<string> Exceptions);

/// <summary>The five gaps, and whether the keys counted may be handed out.</summary>
/// <param name="ReadyForHandout">All gaps closed on every key.</param>
/// <param name="Keys">Keys counted.</param>
/// <param name="InDoubt">Keys of which a step could not be resolved.</param>
/// <param name="Gaps">The gaps.</param>
/// <param name="PukKnownToPerson">Keys whose PUK a person has seen: due for a change when the key is next seen
/// (<c>GET /v1/puks/due</c>).</param>
/// <param name="PuksDue">All keys whose PUK should be renewed when they are next seen, and why; the first hundred. They
/// hold no handout up.</param>
public sealed record ReadinessView(
    bool ReadyForHandout, int Keys, int InDoubt, IReadOnlyList<GapView> Gaps, int PukKnownToPerson, IReadOnlyList<DuePuk> PuksDue);

/// <summary>Measures the five gaps over the records as they are now; nothing is kept.</summary>
internal static class FiveGaps
{
    private const int ExceptionsMax = 100;

    public static async Task<ReadinessView> MeasureAsync(
        OathDbContext db, string? batch, string? profile, DateTimeOffset now, CancellationToken cancel)
    {
        var live = db.Records.AsNoTracking().Where(r => r.Status != KeyStatus.Retired && r.Status != KeyStatus.Lost);
        if (batch is not null)
        {
            live = live.Where(r => r.Batch == batch);
        }

        if (profile is not null)
        {
            live = live.Where(r => r.ProfileName == profile);
        }

        var keys = await live.CountAsync(cancel);
        var inDoubt = await live.CountAsync(r => r.Status == KeyStatus.InDoubt, cancel);
        GapView[] gaps =
        [
            await CountAsync(1, "PUK set and escrowed", live, r => r.PukMethod == PukMethod.Derived || r.SealedPuk != null, keys, cancel),
            await CountAsync(2, "factory PIN rotated", live, r => r.PinMethod != PinMethod.FactoryDefault, keys, cancel),
            await CountAsync(3, "counter aligned, first code accepted", live, r => r.FirstCodeAcceptedAt != null, keys, cancel),
            await CountAsync(4, "FIDO PIN policy decided", live, r => r.FidoPolicy != null, keys, cancel),
            await RecordsAsync(db, live, batch, keys, cancel),
        ];
        var ready = keys > 0 && gaps.All(g => g.Closed == g.Of)
            && await live.AllAsync(r => r.Status == KeyStatus.ReadyForHandout || r.Status == KeyStatus.HandedOut || r.Status == KeyStatus.Suspended, cancel);
        return new ReadinessView(
            ready, keys, inDoubt, gaps, await live.CountAsync(r => r.PukKnownToPerson, cancel),
            await DuePuks.ListAsync(db, live, now, ExceptionsMax, cancel));
    }

    private static async Task<GapView> CountAsync(
        int gap, string what, IQueryable<KeyRecord> live, Expression<Func<KeyRecord, bool>> closed, int keys, CancellationToken cancel)
    {
        var open = live.Where(Expression.Lambda<Func<KeyRecord, bool>>(Expression.Not(closed.Body), closed.Parameters));
        return new GapView(gap, what, await live.CountAsync(closed, cancel), keys,
            await open.OrderBy(r => r.Cuid).Select(r => r.Cuid).Take(ExceptionsMax).ToListAsync(cancel));
    }

    /// <summary>Gap 5: keys whose record says holder, operator and time; tokens in use without any record are open.</summary>
    private static async Task<GapView> RecordsAsync(
        OathDbContext db, IQueryable<KeyRecord> live, string? batch, int keys, CancellationToken cancel)
    {
        var whole = live.Where(r => r.PersonId != null && r.ProvisionedBy != null && r.ProvisionedAt != null);
        var orphans = db.Tokens.AsNoTracking().Where(t => t.Cuid == null && t.Counter!.State == TokenState.Active && (batch == null || t.Batch == batch));
        var open = await live.Where(r => r.PersonId == null || r.ProvisionedBy == null || r.ProvisionedAt == null)
            .OrderBy(r => r.Cuid).Select(r => r.Cuid).Take(ExceptionsMax).ToListAsync(cancel);
        open.AddRange(await orphans.OrderBy(t => t.Serial).Select(t => t.Serial).Take(ExceptionsMax).ToListAsync(cancel));
        return new GapView(5, "recorded under its CUID", await whole.CountAsync(cancel), keys + await orphans.CountAsync(cancel), open);
    }
}
