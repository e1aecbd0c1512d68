using System.Globalization;
using Microsoft.EntityFrameworkCore;
using OathServer.Storage;

namespace OathServer.Readiness;

/// <summary>A point of a trend: how many keys there were on a day, and how many had each gap closed.</summary>
internal sealed record ReadinessPoint(DateOnly Day, int Keys, int Orphans, IReadOnlyList<int> Closed);

/// <summary>Keeps the figures of each day, so that readiness has a past. Today's are written again every quarter of an hour;
/// the last of a day stay.</summary>
internal sealed class DailyFigures(IServiceScopeFactory scopes, TimeProvider time, ILogger<DailyFigures> log)
    : TimedFigures(scopes, time, first: TimeSpan.FromMinutes(1), every: TimeSpan.FromMinutes(15), log)
{
    private const int KeptDays = 800;

    /// <summary>Writes today's figures; those written earlier today are replaced.</summary>
    public static async Task WriteAsync(OathDbContext db, DateTimeOffset now, CancellationToken cancel)
    {
        var counts = await GapCounts.ReadAsync(db, cancel);
        var day = Number(now);
        var rows = counts.Groups.GroupBy(g => (Batch: g.Batch ?? "", Profile: g.Profile ?? "")).ToDictionary(g => g.Key, g => new ReadinessDay
        {
            Day = day,
            Batch = g.Key.Batch,
            Profile = g.Key.Profile,
            Keys = g.Sum(c => c.Keys),
            Puk = Closed(g, ClosedGaps.Puk),
            Pin = Closed(g, ClosedGaps.Pin),
            FirstCode = Closed(g, ClosedGaps.FirstCode),
            Fido = Closed(g, ClosedGaps.Fido),
            Record = Closed(g, ClosedGaps.Record),
        });
        foreach (var (batch, count) in counts.Orphans)
        {
            (rows.TryGetValue((batch, ""), out var row) ? row : rows[(batch, "")] = new ReadinessDay { Day = day, Batch = batch, Profile = "" }).Orphans = count;
        }

        var old = Number(now.AddDays(-KeptDays));
        db.ChangeTracker.Clear();
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        await db.ReadinessDays.Where(d => d.Day == day || d.Day < old).ExecuteDeleteAsync(cancel);
        db.ReadinessDays.AddRange(rows.Values);
        await db.SaveChangesAsync(cancel);
        await transaction.CommitAsync(cancel);
    }

    /// <summary>The days since <paramref name="from"/> that were kept, for these filters; today's stand last once written.</summary>
    public static async Task<List<ReadinessPoint>> ReadAsync(OathDbContext db, string? batch, string? profile, DateTimeOffset from, CancellationToken cancel)
    {
        var first = Number(from);
        var days = await db.ReadinessDays.AsNoTracking()
            .Where(d => d.Day >= first && (batch == null || d.Batch == batch) && (profile == null || d.Profile == profile || d.Orphans > 0))
            .GroupBy(d => d.Day).Select(g => new
            {
                Day = g.Key,
                Keys = g.Sum(d => profile == null || d.Profile == profile ? d.Keys : 0),
                Puk = g.Sum(d => profile == null || d.Profile == profile ? d.Puk : 0),
                Pin = g.Sum(d => profile == null || d.Profile == profile ? d.Pin : 0),
                FirstCode = g.Sum(d => profile == null || d.Profile == profile ? d.FirstCode : 0),
                Fido = g.Sum(d => profile == null || d.Profile == profile ? d.Fido : 0),
                Record = g.Sum(d => profile == null || d.Profile == profile ? d.Record : 0),
                Orphans = g.Sum(d => d.Orphans),
            }).OrderBy(d => d.Day).ToListAsync(cancel);
        return days.ConvertAll(d => new ReadinessPoint(
            DateOnly.ParseExact(d.Day.ToString(CultureInfo.InvariantCulture), "yyyyMMdd", CultureInfo.InvariantCulture),
            d.Keys, d.Orphans, [d.Puk, d.Pin, d.FirstCode, d.Fido, d.Record]));
    }

    protected override Task RunAsync(OathDbContext db, DateTimeOffset now, CancellationToken cancel) => WriteAsync(db, now, cancel);

    private static int Closed(IEnumerable<GapCount> groups, ClosedGaps gap) => groups.Where(g => g.Closed.HasFlag(gap)).Sum(g => g.Keys);

    private static int Number(DateTimeOffset at) => int.Parse(at.UtcDateTime.ToString("yyyyMMdd", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
}
