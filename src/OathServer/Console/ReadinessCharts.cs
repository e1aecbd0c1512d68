using System.Globalization;
using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Storage;

namespace OathServer.Pages;

/// <summary>A bar of a chart: accepted below, refused above.</summary>
/// <param name="Name">What stands under it.</param>
/// <param name="Good">Accepted.</param>
/// <param name="Bad">Refused.</param>
public sealed record ChartBar(string Name, int Good, int Bad);

/// <summary>What the newest part of the validation log says of drift and refusals.</summary>
internal sealed record ReadinessCharts(IReadOnlyList<ChartBar> Drift, IReadOnlyList<ChartBar> Hours, int Accepted, int Percentile99)
{
    private const int RowsMax = 5_000;
    private const int HoursShown = 24;

    /// <summary>A little more than what 99 % need, and never less than a few presses in a pocket.</summary>
    public int Recommended => Math.Clamp(Percentile99 + 2, 5, 25);

    public static async Task<ReadinessCharts> ReadAsync(OathDbContext db, DateTimeOffset now, CancellationToken cancel)
    {
        var nodes = await Anchors.NodesAsync(db, cancel);
        var rows = new List<byte[]>();
        foreach (var node in nodes)
        {
            rows.AddRange(await db.ValidationBatches.AsNoTracking().Where(b => b.Node == node).OrderByDescending(b => b.Sequence)
                .Select(b => b.Entries).Take(RowsMax / nodes.Count).ToListAsync(cancel));
        }

        int[] most = [0, 1, 2, 3, 5, 10, 20, 50, 100, int.MaxValue];
        var drift = new int[most.Length];
        var hours = new (int Good, int Bad)[HoursShown];
        var distances = new List<int>();
        foreach (var attempt in rows.SelectMany(ValidationLog.Read))
        {
            var good = attempt.Outcome is Outcome.Accepted or Outcome.Resynchronised or Outcome.Repeated or Outcome.AcceptedElsewhere or Outcome.CaughtUp;
            if (attempt.Outcome is Outcome.Accepted or Outcome.Resynchronised && attempt.Distance >= 0)
            {
                distances.Add(attempt.Distance);
                drift[Array.FindIndex(most, edge => attempt.Distance <= edge)]++;
            }

            var ago = (int)Math.Floor((now - attempt.At).TotalHours);
            if (ago is >= 0 and < HoursShown)
            {
                hours[HoursShown - 1 - ago] = good ? (hours[HoursShown - 1 - ago].Good + 1, hours[HoursShown - 1 - ago].Bad)
                    : (hours[HoursShown - 1 - ago].Good, hours[HoursShown - 1 - ago].Bad + 1);
            }
        }

        distances.Sort();
        return new ReadinessCharts(
            distances.Count == 0 ? [] : [.. drift.Select((count, i) => new ChartBar(Edge(most, i), count, 0))],
            rows.Count == 0 ? [] : [.. hours.Select((h, i) => new ChartBar((HoursShown - 1 - i).ToString(CultureInfo.InvariantCulture), h.Good, h.Bad))],
            distances.Count, distances.Count == 0 ? 0 : distances[(int)Math.Ceiling(distances.Count * 0.99) - 1]);
    }

    private static string Edge(int[] most, int i) => i <= 3 ? most[i].ToString(CultureInfo.InvariantCulture)
        : i == most.Length - 1 ? ">100" : string.Create(CultureInfo.InvariantCulture, $"≤{most[i]}");
}
