using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Storage;

namespace OathServer.Validation;

/// <summary>Attempts added up.</summary>
/// <param name="ByKind">By what is said of them (<see cref="AttemptCount.Kind"/>).</param>
/// <param name="ByHour">Let in and refused, by hour.</param>
internal sealed record AttemptSums(IReadOnlyDictionary<int, long> ByKind, IReadOnlyDictionary<int, (long Good, long Bad)> ByHour);

/// <summary>
/// Counts the attempts of the log by hour, so that a chart over any time is one aggregated query. Any node counts the
/// logs of all; a row is counted once, as its count and the place up to which it was counted are in one transaction.
/// </summary>
internal sealed class AttemptFigures(IServiceScopeFactory scopes, TimeProvider time, ILogger<AttemptFigures> log)
    : TimedFigures(scopes, time, first: TimeSpan.FromSeconds(20), every: TimeSpan.FromMinutes(1), log)
{
    /// <summary>Rows of the log counted in one transaction.</summary>
    private const int RowsAtOnce = 500;
    private const int KeptDays = 800;

    /// <summary>Attempts since that hour, of all nodes together, up to the newest: added up by the database.</summary>
    public static async Task<AttemptSums> SinceAsync(OathDbContext db, int since, CancellationToken cancel)
    {
        var counts = db.AttemptCounts.AsNoTracking().Where(c => c.Hour >= since);
        var kinds = await counts.GroupBy(c => c.Kind).Select(g => new { g.Key, Count = g.Sum(c => c.Count) }).ToDictionaryAsync(g => g.Key, g => g.Count, cancel);
        var hours = await counts.GroupBy(c => c.Hour).Select(g => new
        {
            g.Key,
            Good = g.Sum(c => c.Kind < AttemptCount.Refused ? c.Count : 0),
            Bad = g.Sum(c => c.Kind == AttemptCount.Refused ? c.Count : 0),
        }).ToDictionaryAsync(g => g.Key, g => (g.Good, g.Bad), cancel);
        foreach (var ((hour, kind), count) in await TailAsync(db, cancel))
        {
            if (hour >= since)
            {
                kinds[kind] = kinds.GetValueOrDefault(kind) + count;
                var (good, bad) = hours.GetValueOrDefault(hour);
                hours[hour] = (good + (kind < AttemptCount.Refused ? count : 0), bad + (kind == AttemptCount.Refused ? count : 0));
            }
        }

        return new AttemptSums(kinds, hours);
    }

    /// <summary>Counts what was logged since the last time; true when there may be more.</summary>
    public static async Task<bool> CountAsync(OathDbContext db, CancellationToken cancel)
    {
        var more = false;
        foreach (var node in await Anchors.NodesAsync(db, cancel))
        {
            db.ChangeTracker.Clear();
            var place = await db.AttemptsCounted.SingleOrDefaultAsync(c => c.Node == node, cancel);
            var rows = await RowsAsync(db, node, place?.Sequence ?? 0, cancel);
            if (rows.Count == 0)
            {
                continue;
            }

            var counts = Sum(rows.Select(r => r.Entries));
            if (place is null)
            {
                db.AttemptsCounted.Add(place = new AttemptsCounted { Node = node });
            }

            // Another node that counted the same rows meanwhile finds, or leaves, another place here: one of the two is undone.
            place.Sequence = rows[^1].Sequence;
            var (from, to) = (counts.Keys.Min(k => k.Hour), counts.Keys.Max(k => k.Hour));
            var known = await db.AttemptCounts.Where(c => c.Node == node && c.Hour >= from && c.Hour <= to).ToDictionaryAsync(c => (c.Hour, c.Kind), cancel);
            foreach (var ((hour, kind), count) in counts)
            {
                if (!known.TryGetValue((hour, kind), out var row))
                {
                    db.AttemptCounts.Add(row = new AttemptCount { Hour = hour, Node = node, Kind = kind });
                }

                row.Count += count;
            }

            await db.SaveChangesAsync(cancel);
            more |= rows.Count == RowsAtOnce;
        }

        db.ChangeTracker.Clear();
        return more;
    }

    protected override async Task RunAsync(OathDbContext db, DateTimeOffset now, CancellationToken cancel)
    {
        while (await CountAsync(db, cancel))
        {
            // As long as there is more.
        }

        var old = AttemptCount.HourOf(now.AddDays(-KeptDays));
        await db.AttemptCounts.Where(c => c.Hour < old).ExecuteDeleteAsync(cancel);
    }

    /// <summary>What is logged and not counted yet: a minute's worth, bounded.</summary>
    private static async Task<Dictionary<(int Hour, int Kind), long>> TailAsync(OathDbContext db, CancellationToken cancel)
    {
        var places = await db.AttemptsCounted.AsNoTracking().ToDictionaryAsync(c => c.Node, c => c.Sequence, cancel);
        var rows = new List<LogRow>();
        foreach (var node in await Anchors.NodesAsync(db, cancel))
        {
            rows.AddRange(await RowsAsync(db, node, places.GetValueOrDefault(node), cancel));
        }

        return Sum(rows.Select(r => r.Entries));
    }

    private static Task<List<LogRow>> RowsAsync(OathDbContext db, int node, long after, CancellationToken cancel) =>
        db.ValidationBatches.AsNoTracking().Where(b => b.Node == node && b.Sequence > after).OrderBy(b => b.Sequence).Take(RowsAtOnce)
            .Select(b => new LogRow(b.Sequence, b.Entries)).ToListAsync(cancel);

    private static Dictionary<(int Hour, int Kind), long> Sum(IEnumerable<byte[]> rows)
    {
        var counts = new Dictionary<(int, int), long>();
        foreach (var attempt in rows.SelectMany(ValidationLog.Read))
        {
            var place = (AttemptCount.HourOf(attempt.At), KindOf(attempt));
            counts[place] = counts.GetValueOrDefault(place) + 1;
        }

        return counts;
    }

    private static int KindOf(in LoggedAttempt attempt) => attempt.Outcome switch
    {
        Outcome.Accepted or Outcome.Resynchronised when attempt.Distance >= 0 => Math.Min(attempt.Distance, AttemptCount.FarAhead),
        Outcome.Accepted or Outcome.Resynchronised or Outcome.Repeated or Outcome.AcceptedElsewhere or Outcome.CaughtUp => AttemptCount.Other,
        Outcome.Unlocked => AttemptCount.Neither,
        _ => AttemptCount.Refused,
    };

    private sealed record LogRow(long Sequence, byte[] Entries);
}
