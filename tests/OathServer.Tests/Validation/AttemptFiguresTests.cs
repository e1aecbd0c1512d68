using Microsoft.EntityFrameworkCore;
using OathServer.Pages;
using OathServer.Storage;
using OathServer.Validation;

namespace OathServer.Tests.Validation;

public class AttemptFiguresTests
{
    private const int Rows = 1200, Node = 7;
    private static readonly DateTimeOffset Now = new(2026, 11, 25, 12, 30, 0, TimeSpan.Zero);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_attempt_of_every_node_is_counted_once_in_its_hour_however_long_the_log_is()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.WithDatabase(FillAsync);

        while (await server.WithDatabase(db => AttemptFigures.CountAsync(db, Cancel)))
        {
            // As long as there is more.
        }

        await server.WithDatabase(db => AttemptFigures.CountAsync(db, Cancel));
        var charts = await server.WithDatabase(db => ReadinessCharts.ReadAsync(db, Now, Cancel));
        Assert.Equal((Rows, Rows), (charts.Hours.Sum(h => h.Good), charts.Hours.Sum(h => h.Bad)));
        Assert.Equal(Rows / 3, charts.Hours[^1].Good);
        Assert.Equal((2L * Rows, 2L * Rows), (charts.Days.Sum(h => h.Good), charts.Days.Sum(h => h.Bad)));
        Assert.Equal((2L * Rows, 4), (charts.Accepted, charts.Percentile99));
        Assert.Equal(Rows / 5 * 2, charts.Drift[0].Good);
    }

    [Fact]
    public async Task What_is_not_counted_yet_is_in_the_chart_all_the_same_and_a_race_counts_nothing_twice()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.WithDatabase(FillAsync);
        await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => server.WithDatabase(async db =>
        {
            try
            {
                return await AttemptFigures.CountAsync(db, Cancel);
            }
            catch (DbUpdateException)
            {
                // Another counted these rows at the same moment.
                return true;
            }
        })));

        // One place at least was counted by now; the chart adds what follows it, a bounded piece.
        var places = await server.WithDatabase(db => db.AttemptsCounted.ToDictionaryAsync(c => c.Node, c => c.Sequence, Cancel));
        var counts = await server.WithDatabase(db => AttemptFigures.SinceAsync(db, 0, Cancel));
        var known = Math.Min(places.Values.Single() + 500, 2 * Rows);
        Assert.Equal(3 * known, counts.ByKind.Values.Sum());
        Assert.Equal((known, known), (counts.ByHour.Values.Sum(h => h.Good), counts.ByHour.Values.Sum(h => h.Bad)));
    }

    /// <summary>A row an accepted and a refused attempt; half of them within the last three hours, half ten days ago.</summary>
    private static async Task<int> FillAsync(OathDbContext db)
    {
        for (var row = 0; row < 2 * Rows; row++)
        {
            var at = row < Rows ? Now.AddDays(-10) : Now.AddHours(-(row % 3));
            var log = new ValidationLog();
            log.Add(at, 1, 1, Outcome.Accepted, 3, row % 5);
            log.Add(at, 1, 1, row % 2 == 0 ? Outcome.WrongCode : Outcome.Throttled);
            log.Add(at, 1, 0, Outcome.Unlocked);
            db.ValidationBatches.Add(new ValidationBatch { Node = Node, Sequence = row + 1, At = at, Entries = log.Entries.ToArray(), Mac = new byte[32] });
        }

        return await db.SaveChangesAsync(Cancel);
    }
}
