using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using OathServer.Access;
using OathServer.Operations;
using OathServer.Storage;

namespace OathServer.Audit;

/// <summary>A page of the trail, newest first.</summary>
/// <param name="Entries">The acts.</param>
/// <param name="Next">Send it as <c>before</c> for the next page; null on the last one.</param>
public sealed record AuditPage(IReadOnlyList<AuditView> Entries, long? Next);

/// <summary><c>/v1/audit</c>: auditors and administrators read, check and export the trail. Nobody changes it.</summary>
internal static class AuditEndpoint
{
    private const int LimitMax = 500;

    public static void MapAudit(this IEndpointRouteBuilder routes)
    {
        var audit = routes.MapGroup("/v1/audit").RequireAuthorization(Rules.ReadAudit);
        audit.MapGet("/", Search).WithSummary("Reads the trail, newest first, page by page; filters by actor, action, outcome, CUID, serial, user and time; about is any of the three.")
            .ProducesProblem(StatusCodes.Status400BadRequest);
        audit.MapGet("/verify", Verify).WithSummary("Walks all chains and compares them with the anchors; says where one was changed.");
        audit.MapGet("/export", Export).WithSummary("The trail as lines, oldest first: jsonl, cef or syslog; with validations=true the validations.")
            .ProducesProblem(StatusCodes.Status400BadRequest);
    }

    private static async Task<Results<Ok<AuditPage>, ProblemHttpResult>> Search(
        OathDbContext db, CancellationToken cancel, string? actor = null, string? action = null, string? cuid = null, string? serial = null,
        string? user = null, DateTimeOffset? since = null, DateTimeOffset? until = null, long? before = null, int limit = 50, string? outcome = null,
        string? about = null)
    {
        if (limit is < 1 or > LimitMax)
        {
            return Problem.BadField("limit", $"1 to {LimitMax}.");
        }

        var entries = new AuditQuery(actor, action, cuid, serial, user, since, until, outcome, about).Of(db);
        entries = before is null ? entries : entries.Where(e => e.Sequence < before);
        var found = await entries.OrderByDescending(e => e.Sequence).Take(limit + 1).ToListAsync(cancel);
        return TypedResults.Ok(new AuditPage(
            found.Take(limit).Select(AuditLines.View).ToList(), found.Count > limit ? found[limit - 1].Sequence : null));
    }

    private static async Task<Ok<TrailVerdict>> Verify(OathDbContext db, TrailCheck check, CancellationToken cancel) =>
        TypedResults.Ok(await check.RunAsync(db, cancel));

    private static async Task<Results<EmptyHttpResult, ProblemHttpResult>> Export(
        HttpContext http, OathDbContext db, AuditTrail trail, CancellationToken cancel, string format = "jsonl", bool validations = false,
        string? actor = null, string? action = null, string? cuid = null, string? serial = null, string? user = null,
        DateTimeOffset? since = null, DateTimeOffset? until = null, string? outcome = null, string? about = null)
    {
        if (!Enum.TryParse<AuditFormat>(format, ignoreCase: true, out var chosen) || !Enum.IsDefined(chosen) || char.IsAsciiDigit(format[0]))
        {
            return Problem.BadField("format", "one of jsonl, cef, syslog.");
        }

        await trail.SaveAsync(db, cancel, Actors.Of(http) with { Action = "audit.export", Outcome = "done", Detail = validations ? "validations" : "acts" });
        http.Response.ContentType = chosen == AuditFormat.Jsonl ? "application/jsonl" : "text/plain; charset=utf-8";
        var lines = validations
            ? AuditExport.ValidationsAsync(db, since, until, chosen, cancel)
            : AuditExport.ActsAsync(db, new AuditQuery(actor, action, cuid, serial, user, since, until, outcome, about), chosen, cancel);
        await foreach (var line in lines)
        {
            await http.Response.WriteAsync(line + "\n", cancel);
        }

        return TypedResults.Empty;
    }
}
