using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Operations;
using OathServer.Storage;

namespace OathServer.Records;

/// <summary>A reveal that two people make.</summary>
/// <param name="Id">Approve or decline it under this.</param>
/// <param name="Cuid">The key.</param>
/// <param name="What"><c>puk</c> or <c>pin</c>.</param>
/// <param name="Reason">What the one who asked gave as reason.</param>
/// <param name="AskedBy">Who will be shown it.</param>
/// <param name="AskedAt">When.</param>
/// <param name="ExpiresAt">Neither an approval nor the reveal comes later.</param>
public sealed record RevealAskView(Guid Id, string Cuid, string What, string Reason, string AskedBy, DateTimeOffset AskedAt, DateTimeOffset ExpiresAt);

/// <summary><c>/v1/reveals</c>: the second person's part.</summary>
internal static class RevealsEndpoint
{
    public static void MapReveals(this IEndpointRouteBuilder routes)
    {
        var reveals = routes.MapGroup("/v1/reveals").RequireAuthorization(Rules.Help);
        reveals.MapGet("/", List).WithSummary("Reveals that wait for a second person, oldest first.");
        reveals.MapPost("/{id:guid}/approve", (Guid id, HttpContext http, OathDbContext db, SecondPerson second, CancellationToken cancel) =>
            Decide(id, approve: true, http, db, second, cancel))
            .WithSummary("Lets a colleague see the PUK or PIN they asked for; never one's own request.")
            .ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);
        reveals.MapPost("/{id:guid}/decline", (Guid id, HttpContext http, OathDbContext db, SecondPerson second, CancellationToken cancel) =>
            Decide(id, approve: false, http, db, second, cancel))
            .WithSummary("Ends a request without a reveal.")
            .ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);
    }

    public static RevealAskView View(RevealAsk ask) => new(ask.Id, ask.Cuid, ask.What, ask.Reason, ask.AskedBy, ask.AskedAt, ask.ExpiresAt);

    private static async Task<Ok<List<RevealAskView>>> List(OathDbContext db, SecondPerson second, CancellationToken cancel) =>
        TypedResults.Ok((await second.Waiting(db).OrderBy(a => a.AskedAt).ThenBy(a => a.Id).ToListAsync(cancel)).ConvertAll(View));

    private static async Task<Results<Ok<RevealAskView>, ProblemHttpResult>> Decide(
        Guid id, bool approve, HttpContext http, OathDbContext db, SecondPerson second, CancellationToken cancel)
    {
        if (await db.RevealAsks.AsNoTracking().SingleOrDefaultAsync(a => a.Id == id, cancel) is not { } ask)
        {
            return Problem.NotFound($"There is no request {id}.", "GET /v1/reveals lists those that wait.");
        }

        return await second.DecideAsync(db, ask, approve, Actors.Of(http), cancel) is { } refusal
            ? Problem.Conflict(refusal, "GET /v1/reveals lists those that wait.")
            : TypedResults.Ok(View(ask));
    }
}
