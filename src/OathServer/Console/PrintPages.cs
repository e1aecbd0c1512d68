using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Desk;
using OathServer.Provisioning.Handout;
using OathServer.Secrets;
using OathServer.Storage;

namespace OathServer.Pages;

/// <summary>What is printed from the pages: labels, and handout pages. A handout with an initial PIN is the answer to a form,
/// never an address that could be opened again.</summary>
internal static class PrintPages
{
    private const int LabelsMax = 10_000;

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/print/labels", LabelsAsync).RequireAuthorization(Rules.Read).ExcludeFromDescription();
        routes.MapPost("/print/handouts", HandoutsAsync).RequireAuthorization(Rules.Provision).ExcludeFromDescription();
    }

    private static async Task<IResult> LabelsAsync(
        OathDbContext db, CancellationToken cancel, [FromQuery] string[]? cuid = null, Guid? batch = null) => BatchLabels.Page(batch is { } id
            ? await BatchLabels.OfAsync(db, id, line: null, cancel)
            : await BatchLabels.OfKeysAsync(db, [.. (cuid ?? []).Take(LabelsMax)], cancel));

    /// <summary>Of one key, or of every key of a batch at the desk that is ready and was not handed out.</summary>
    private static async Task<IResult> HandoutsAsync(
        HttpContext http, OathDbContext db, Sealer sealer, AuditTrail audit, CancellationToken cancel,
        [FromForm] string? cuid = null, [FromForm] Guid? batch = null)
    {
        var cuids = batch is { } id
            ? await db.DeskBatchLines.Where(l => l.BatchId == id && l.State == DeskLineState.Done
                    && db.Records.Any(r => r.Cuid == l.Cuid && r.Status == KeyStatus.ReadyForHandout))
                .OrderBy(l => l.Ordinal).Select(l => l.Cuid!).ToArrayAsync(cancel)
            : [cuid ?? ""];
        return await HandoutEndpoint.Print(new HandoutRequest(cuids), http, db, sealer, audit, cancel);
    }
}
