using Microsoft.EntityFrameworkCore;
using OathServer.Access;
using OathServer.Storage;

namespace OathServer.Pages;

/// <summary>Each list as a file: the same filters and order, every row.</summary>
internal static class ListFiles
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var files = routes.MapGroup("").RequireAuthorization(Rules.Read).ExcludeFromDescription();
        files.MapGet("/jobs.csv", Jobs);
        files.MapGet("/batches.csv", Batches);
        files.MapGet("/batches/{id:guid}.csv", Lines);
    }

    private static IResult Jobs(HttpRequest request, OathDbContext db) => CsvFile.Of(
        "jobs.csv", JobRow.Of(db, new Listing(request, "-started", JobRow.Orders)).AsAsyncEnumerable(),
        ("job", j => j.Id), ("cuid", j => j.Cuid), ("user", j => j.User), ("state", j => j.Words.Text.Text), ("token", j => j.Serial),
        ("profile", j => j.Profile), ("operator", j => j.Operator), ("started", j => j.StartedAt), ("ended", j => j.EndedAt), ("trouble", j => j.Trouble));

    private static IResult Batches(HttpRequest request, OathDbContext db) => CsvFile.Of(
        "batches.csv", BatchSummary.Of(db, new Listing(request, "-created", BatchSummary.Orders)).AsAsyncEnumerable(),
        ("batch", b => b.Name), ("state", b => BatchSummary.Words(b.State).Text.Text), ("done", b => b.Done), ("total", b => b.Total), ("red", b => b.Stuck),
        ("profile", b => b.Profile), ("shipment", b => b.Shipment), ("started by", b => b.CreatedBy), ("started", b => b.CreatedAt), ("ended", b => b.EndedAt));

    private static IResult Lines(Guid id, HttpRequest request, OathDbContext db)
    {
        var state = new Listing(request, "line").Of<DeskLineState>("line");
        return CsvFile.Of(
            "batch.csv", db.DeskBatchLines.AsNoTracking().Where(l => l.BatchId == id && (state == null || l.State == state)).OrderBy(l => l.Ordinal).AsAsyncEnumerable(),
            ("line", l => l.Ordinal), ("user", l => l.UserName), ("state", l => BatchSummary.Words(l.State).Text.Text), ("cuid", l => l.Cuid),
            ("token", l => l.Serial), ("job", l => l.JobId), ("milliseconds", l => l.Milliseconds), ("trouble", l => l.Trouble));
    }
}
