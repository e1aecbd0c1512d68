using System.Globalization;
using OathServer.Storage;
using OathServer.Validation;

namespace OathServer.Pages;

/// <summary>A bar of a chart: accepted below, refused above.</summary>
/// <param name="Name">What stands under it.</param>
/// <param name="Good">Accepted.</param>
/// <param name="Bad">Refused.</param>
public sealed record ChartBar(string Name, long Good, long Bad);

/// <summary>What the attempts counted by hour (<see cref="AttemptFigures"/>) say of drift and refusals.</summary>
/// <param name="Drift">How far accepted codes were ahead, over the last 30 days.</param>
/// <param name="Hours">The last 24 hours, the present one last.</param>
/// <param name="Days">The last 30 times 24 hours, the present ones last.</param>
/// <param name="Accepted">Acceptances with a distance in the last 30 days.</param>
/// <param name="Percentile99">How far ahead 99 of a hundred of them were at most.</param>
internal sealed record ReadinessCharts(
    IReadOnlyList<ChartBar> Drift, IReadOnlyList<ChartBar> Hours, IReadOnlyList<ChartBar> Days, long Accepted, int Percentile99)
{
    private const int HoursShown = 24;
    private const int DaysShown = 30;

    /// <summary>The last bar is open at its end.</summary>
    private static readonly int[] Most = [0, 1, 2, 3, 5, 10, 20, 50, 100, int.MaxValue];

    /// <summary>A little more than what 99 % need, and never less than a few presses in a pocket.</summary>
    public int Recommended => Math.Clamp(Percentile99 + 2, 5, 25);

    public static async Task<ReadinessCharts> ReadAsync(OathDbContext db, DateTimeOffset now, CancellationToken cancel)
    {
        var last = AttemptCount.HourOf(now);
        var sums = await AttemptFigures.SinceAsync(db, last - (DaysShown * 24) + 1, cancel);
        var ahead = sums.ByKind.Where(k => k.Key <= AttemptCount.FarAhead).ToDictionary();
        var accepted = ahead.Values.Sum();
        return new ReadinessCharts(
            accepted == 0 ? [] : [.. Most.Select((edge, i) => new ChartBar(Edge(i), ahead.Where(a => a.Key <= edge && (i == 0 || a.Key > Most[i - 1])).Sum(a => a.Value), 0))],
            Bars(sums.ByHour, last, HoursShown, each: 1), Bars(sums.ByHour, last, DaysShown, each: 24), accepted, Percentile(ahead, accepted));
    }

    private static List<ChartBar> Bars(IReadOnlyDictionary<int, (long Good, long Bad)> hours, int last, int shown, int each)
    {
        var bars = new (long Good, long Bad)[shown];
        foreach (var (hour, (good, bad)) in hours)
        {
            var ago = (last - hour) / each;
            if (hour <= last && ago < shown)
            {
                ref var bar = ref bars[shown - 1 - ago];
                bar = (bar.Good + good, bar.Bad + bad);
            }
        }

        return Array.TrueForAll(bars, b => b is (0, 0)) ? []
            : [.. bars.Select((b, i) => new ChartBar((shown - 1 - i).ToString(CultureInfo.InvariantCulture), b.Good, b.Bad))];
    }

    private static int Percentile(Dictionary<int, long> ahead, long accepted)
    {
        var needed = (long)Math.Ceiling(accepted * 0.99);
        foreach (var (distance, count) in ahead.OrderBy(a => a.Key))
        {
            needed -= count;
            if (needed <= 0)
            {
                return distance;
            }
        }

        return 0;
    }

    private static string Edge(int i) => i <= 3 ? Most[i].ToString(CultureInfo.InvariantCulture)
        : i == Most.Length - 1 ? ">100" : string.Create(CultureInfo.InvariantCulture, $"≤{Most[i]}");
}
