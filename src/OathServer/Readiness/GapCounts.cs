using Microsoft.EntityFrameworkCore;
using OathServer.Storage;

namespace OathServer.Readiness;

/// <summary>Keys of one batch and profile that have the same gaps closed and the same status.</summary>
internal sealed record GapCount(string? Batch, string? Profile, KeyStatus Status, ClosedGaps Closed, bool PukKnownToPerson, int Keys);

/// <summary>The live records counted by the database in one look at one index: a few rows, however many keys there are.</summary>
internal sealed class GapCounts(IReadOnlyList<GapCount> groups, IReadOnlyDictionary<string, int> orphans)
{
    public IReadOnlyList<GapCount> Groups => groups;

    /// <summary>Tokens in use without a record, by batch; the empty name for those of none.</summary>
    public IReadOnlyDictionary<string, int> Orphans => orphans;

    public int Keys => groups.Sum(g => g.Keys);

    public int InDoubt => groups.Where(g => g.Status == KeyStatus.InDoubt).Sum(g => g.Keys);

    /// <summary>Keys whose PUK a person has seen.</summary>
    public int PukKnownToPerson => groups.Where(g => g.PukKnownToPerson).Sum(g => g.Keys);

    /// <summary>Every gap of every key is closed, none is half made, no token is in use without a record.</summary>
    public bool IsReady => Keys > 0 && orphans.Count == 0 && groups.All(g => g.Closed == ClosedGaps.All
        && g.Status is KeyStatus.ReadyForHandout or KeyStatus.HandedOut or KeyStatus.Suspended);

    public int Closed(ClosedGaps gap) => groups.Where(g => g.Closed.HasFlag(gap)).Sum(g => g.Keys);

    /// <summary>The same counts batch by batch, by name; null stands for keys without one.</summary>
    public IEnumerable<(string? Batch, GapCounts Counts)> ByBatch() => groups.Select(g => g.Batch ?? "").Concat(orphans.Keys).Distinct()
        .Order(StringComparer.Ordinal).Select(name => (name.Length == 0 ? null : name, new GapCounts(
            [.. groups.Where(g => (g.Batch ?? "") == name)],
            orphans.Where(o => o.Key == name).ToDictionary())));

    /// <summary>Those of one batch, of one profile, or of both. A token without a record has no profile: it counts whichever is
    /// asked for.</summary>
    public GapCounts Of(string? batch, string? profile) => batch is null && profile is null ? this : new GapCounts(
        [.. groups.Where(g => (batch is null || g.Batch == batch) && (profile is null || g.Profile == profile))],
        batch is null ? orphans : orphans.Where(o => o.Key == batch).ToDictionary());

    /// <summary>Counts all there are; <see cref="Of"/> takes what is asked for out of them. Keys that do not count are left out
    /// here and not by the database, which would compare the state of every key.</summary>
    public static async Task<GapCounts> ReadAsync(OathDbContext db, CancellationToken cancel)
    {
        var groups = await db.Records.AsNoTracking()
            .GroupBy(r => new { r.Closed, r.Batch, r.ProfileName, r.Status, r.PukKnownToPerson })
            .Select(g => new GapCount(g.Key.Batch, g.Key.ProfileName, g.Key.Status, g.Key.Closed, g.Key.PukKnownToPerson, g.Count())).ToListAsync(cancel);
        var orphans = await OrphansOf(db, batch: null).GroupBy(t => t.Batch ?? "").Select(g => new { g.Key, Count = g.Count() })
            .ToDictionaryAsync(g => g.Key, g => g.Count, cancel);
        return new GapCounts(groups.FindAll(g => g.Status is not (KeyStatus.Retired or KeyStatus.Lost)), orphans);
    }

    /// <summary>Keys that count: neither lost nor retired.</summary>
    public static IQueryable<KeyRecord> Live(OathDbContext db, string? batch, string? profile) => db.Records.AsNoTracking()
        .Where(r => r.Status != KeyStatus.Retired && r.Status != KeyStatus.Lost
            && (batch == null || r.Batch == batch) && (profile == null || r.ProfileName == profile));

    /// <summary>Tokens in use that no record knows.</summary>
    public static IQueryable<Token> OrphansOf(OathDbContext db, string? batch) => db.Tokens.AsNoTracking()
        .Where(t => t.Cuid == null && t.Counter!.State == TokenState.Active && (batch == null || t.Batch == batch));
}
