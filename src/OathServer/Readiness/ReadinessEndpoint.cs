using Microsoft.AspNetCore.Http.HttpResults;
using OathServer.Access;
using OathServer.Provisioning.Puk;
using OathServer.Storage;

namespace OathServer.Readiness;

/// <summary><c>GET /v1/readiness</c>.</summary>
internal static class ReadinessEndpoint
{
    public static void MapReadiness(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/v1/readiness", Measure).RequireAuthorization(Rules.Read)
            .WithSummary("The five gaps, counted over the live records, with their exceptions, and the PUKs that are due; by batch and profile.");

    private static async Task<Ok<ReadinessView>> Measure(
        OathDbContext db, TimeProvider time, CancellationToken cancel, string? batch = null, string? profile = null) =>
        TypedResults.Ok(await FiveGaps.MeasureAsync(db, batch, profile, cancel) with
        {
            PuksDue = await (await DuePuks.AsOfAsync(db, time.GetUtcNow(), cancel))
                .PageAsync(GapCounts.Live(db, batch, profile), after: null, FiveGaps.ExceptionsMax, cancel),
        });
}
