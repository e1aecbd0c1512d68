using Microsoft.EntityFrameworkCore;
using OathServer.Access;
using OathServer.Readiness;
using OathServer.Storage;

namespace OathServer.Pages;

/// <summary>Readiness as tables for a spreadsheet: every exception of the five gaps, and the shipments one by one.</summary>
internal static class ReadinessCsv
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/readiness.csv", Exceptions).RequireAuthorization(Rules.Read).ExcludeFromDescription();
        routes.MapGet("/readiness/batches.csv", BatchesAsync).RequireAuthorization(Rules.Read).ExcludeFromDescription();
    }

    private static IResult Exceptions(OathDbContext db, string? batch = null, string? profile = null) => CsvFile.Of(
        "readiness.csv", AllAsync(db, Null(batch), Null(profile)),
        ("gap", e => e.Gap), ("what", e => GapWords.What(e.Gap).ToString()), ("key or token", e => e.Id), ("user", e => e.User), ("status", e => e.Status),
        ("batch", e => e.Batch), ("profile", e => e.Profile));

    private static async IAsyncEnumerable<Exceptional> AllAsync(OathDbContext db, string? batch, string? profile)
    {
        for (var gap = 1; gap <= GapWords.All.Length; gap++)
        {
            var number = gap;
            var open = FiveGaps.Open(GapCounts.Live(db, batch, profile), GapWords.All[gap - 1]).OrderBy(r => r.Cuid)
                .Select(r => new Exceptional(number, r.Cuid, r.Person!.Name, r.Status.ToString(), r.Batch, r.ProfileName));
            await foreach (var row in open.AsAsyncEnumerable())
            {
                yield return row;
            }
        }

        var orphans = GapCounts.OrphansOf(db, batch).OrderBy(t => t.Serial)
            .Select(t => new Exceptional(GapWords.All.Length, t.Serial, t.Person!.Name, "token in use without a record", t.Batch, null));
        await foreach (var row in orphans.AsAsyncEnumerable())
        {
            yield return row;
        }
    }

    private static async Task<IResult> BatchesAsync(OathDbContext db, CancellationToken cancel)
    {
        var counts = await GapCounts.ReadAsync(db, cancel);
        return CsvFile.Of("readiness-batches.csv", counts.ByBatch().ToAsyncEnumerable(),
            ("batch", b => b.Batch), ("keys", b => b.Counts.Keys), ("ready for handout", b => b.Counts.IsReady ? "yes" : "no"),
            ("puk", b => b.Counts.Closed(ClosedGaps.Puk)), ("pin", b => b.Counts.Closed(ClosedGaps.Pin)), ("first code", b => b.Counts.Closed(ClosedGaps.FirstCode)),
            ("fido", b => b.Counts.Closed(ClosedGaps.Fido)), ("record", b => b.Counts.Closed(ClosedGaps.Record)), ("in doubt", b => b.Counts.InDoubt),
            ("tokens without a record", b => b.Counts.Orphans.Values.Sum()));
    }

    private static string? Null(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private sealed record Exceptional(int Gap, string Id, string? User, string Status, string? Batch, string? Profile);
}
