using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.Options;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Storage;

namespace OathServer.Records;

/// <summary><c>GET /v1/records/export</c>: every record as a line of JSON, in the order of the CUID, in the shape of
/// <c>GET /v1/records/{cuid}</c>. Read page by page, so that it takes no more memory for a hundred thousand. No secret is in
/// it.</summary>
internal static class RecordsExport
{
    private const int Page = 200;

    public static void Map(IEndpointRouteBuilder records) =>
        records.MapGet("/export", WriteAsync).RequireAuthorization(Rules.Administer)
            .WithSummary("Every record as lines of JSON, without secrets: for moving out, and for the inventory.")
            .Produces<string>(StatusCodes.Status200OK, "application/jsonl");

    private static async Task<EmptyHttpResult> WriteAsync(
        HttpContext http, OathDbContext db, AuditTrail audit, IOptions<JsonOptions> json, CancellationToken cancel)
    {
        await audit.SaveAsync(db, cancel, Actors.Of(http) with { Action = "records.export", Outcome = "done" });
        http.Response.ContentType = "application/jsonl";
        http.Response.Headers.CacheControl = "no-store";
        for (var after = ""; await RecordSearch.AfterAsync(db, after, Page, cancel) is { Count: > 0 } page; after = page[^1].Cuid)
        {
            foreach (var record in page)
            {
                await JsonSerializer.SerializeAsync(http.Response.Body, RecordViews.Of(record), json.Value.SerializerOptions, cancel);
                await http.Response.WriteAsync("\n", cancel);
            }

            db.ChangeTracker.Clear();
        }

        return TypedResults.Empty;
    }
}
