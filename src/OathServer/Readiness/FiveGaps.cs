using System.Globalization;
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
public sealed record ReadinessView(bool ReadyForHandout, int Keys, int InDoubt, IReadOnlyList<GapView> Gaps, int PukKnownToPerson)
{
    /// <summary>What weakened the imports that live tokens came by, a line an import; empty as a rule.</summary>
    public IReadOnlyList<string> Cautions { get; init; } = [];

    /// <summary>Keys whose PUK should be renewed when they are next seen, and why; the first hundred. They hold no handout up.</summary>
    public IReadOnlyList<DuePuk> PuksDue { get; init; } = [];
}

/// <summary>Measures the five gaps over the records as they are now.</summary>
internal static class FiveGaps
{
    public const int ExceptionsMax = 100;

    private static readonly (ClosedGaps Gap, string What)[] Gaps =
    [
        (ClosedGaps.Puk, "PUK set and escrowed"),
        (ClosedGaps.Pin, "factory PIN rotated"),
        (ClosedGaps.FirstCode, "counter aligned, first code accepted"),
        (ClosedGaps.Fido, "FIDO PIN policy decided"),
        (ClosedGaps.Record, "recorded under its CUID"),
    ];

    public static async Task<ReadinessView> MeasureAsync(OathDbContext db, string? batch, string? profile, CancellationToken cancel) =>
        await ViewAsync(db, (await GapCounts.ReadAsync(db, cancel)).Of(batch, profile), batch, profile, cancel);

    /// <summary>The view of these counts, with the first exceptions of each gap that is open.</summary>
    public static async Task<ReadinessView> ViewAsync(OathDbContext db, GapCounts counts, string? batch, string? profile, CancellationToken cancel)
    {
        var firstOpen = await FirstOpenAsync(db, counts, batch, profile, cancel);
        var views = new List<GapView>();
        foreach (var (index, (gap, what)) in Gaps.Index())
        {
            var orphans = gap == ClosedGaps.Record ? counts.Orphans.Values.Sum() : 0;
            var (closed, of) = (counts.Closed(gap), counts.Keys + orphans);
            List<string> open = [.. firstOpen.Where(o => !o.Closed.HasFlag(gap)).Select(o => o.Cuid).Order(StringComparer.Ordinal).Take(ExceptionsMax)];
            if (orphans > 0)
            {
                open.AddRange(await GapCounts.OrphansOf(db, batch).OrderBy(t => t.Serial).Select(t => t.Serial).Take(ExceptionsMax).ToListAsync(cancel));
            }

            views.Add(new GapView(index + 1, what, closed, of, open));
        }

        return new ReadinessView(counts.IsReady, counts.Keys, counts.InDoubt, views, counts.PukKnownToPerson) { Cautions = await CautionsAsync(db, batch, cancel) };
    }

    /// <summary>The first keys of each set of closed gaps that leaves one open: among them are the first of every gap. A set is one
    /// stretch of an index, in order, and few sets occur.</summary>
    private static async Task<List<(ClosedGaps Closed, string Cuid)>> FirstOpenAsync(
        OathDbContext db, GapCounts counts, string? batch, string? profile, CancellationToken cancel)
    {
        var first = new List<(ClosedGaps, string)>();
        foreach (var closed in counts.Groups.Select(g => g.Closed).Distinct().Where(c => c != ClosedGaps.All))
        {
            var cuids = await GapCounts.Live(db, batch, profile).Where(r => r.Closed == closed).OrderBy(r => r.Cuid)
                .Select(r => r.Cuid).Take(ExceptionsMax).ToListAsync(cancel);
            first.AddRange(cuids.Select(cuid => (closed, cuid)));
        }

        return first;
    }

    private static async Task<List<string>> CautionsAsync(OathDbContext db, string? batch, CancellationToken cancel)
    {
        // Weak ones first: most often there is none, and PostgreSQL takes longer to plan both at once than to do it.
        var weak = await db.Imports.AsNoTracking().Where(i => i.Caution != null && (batch == null || i.Batch == batch))
            .OrderBy(i => i.Id).Select(i => new { i.Id, i.FileName, i.Caution }).ToListAsync(cancel);
        if (weak.Count == 0)
        {
            return [];
        }

        var ids = weak.ConvertAll(i => (long?)i.Id);
        var live = await db.Tokens.Where(t => EF.Parameter(ids).Contains(t.ImportId) && t.Counter!.State != TokenState.Disabled)
            .GroupBy(t => t.ImportId!.Value).Select(g => new { g.Key, Count = g.Count() }).ToDictionaryAsync(g => g.Key, g => g.Count, cancel);
        return [.. weak.Where(i => live.ContainsKey(i.Id)).Take(ExceptionsMax)
            .Select(i => string.Create(CultureInfo.InvariantCulture, $"Import {i.Id} ({i.FileName}), {live[i.Id]} tokens: {i.Caution}"))];
    }

    /// <summary>Keys that have the gap open. The first condition finds them at the beginning of the index.</summary>
    public static IQueryable<KeyRecord> Open(IQueryable<KeyRecord> records, ClosedGaps gap) =>
        records.Where(r => r.Closed < ClosedGaps.All && (r.Closed & gap) == 0);
}
