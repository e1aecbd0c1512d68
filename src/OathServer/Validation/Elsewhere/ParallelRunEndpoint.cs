using Microsoft.AspNetCore.Http.HttpResults;
using OathServer.Access;
using OathServer.Operations;
using OathServer.Storage;

namespace OathServer.Validation.Elsewhere;

/// <summary>How far the move is.</summary>
/// <param name="On">Whether an old server is asked.</param>
/// <param name="Server">Where it is.</param>
/// <param name="Left">How many that the old server accepted have no token here yet.</param>
/// <param name="Moved">How many have one by now.</param>
/// <param name="Codes">Codes remembered, so that they are not accepted here too.</param>
/// <param name="People">A page of them: who is left first, and of those who used it last.</param>
public sealed record ParallelRunView(bool On, string? Server, int Left, int Moved, int Codes, IReadOnlyList<LivingElsewhere> People);

/// <summary>Somebody the old server accepted.</summary>
/// <param name="Realm">The realm; left out for a serial number.</param>
/// <param name="User">The user.</param>
/// <param name="Serial">The serial number, for a token that was asked for by its own.</param>
/// <param name="OldToken">The token that the old server named.</param>
/// <param name="Moved">Whether there is a token here by now.</param>
/// <param name="Accepted">Acceptances by the old server, through this one.</param>
/// <param name="FirstAcceptedAt">The first of them.</param>
/// <param name="LastAcceptedAt">The last of them.</param>
public sealed record LivingElsewhere(
    string? Realm, string? User, string? Serial, string? OldToken, bool Moved, int Accepted, DateTimeOffset FirstAcceptedAt, DateTimeOffset LastAcceptedAt);

/// <summary><c>GET /v1/parallel-run</c>: who still lives on the old server.</summary>
internal static class ParallelRunEndpoint
{
    private const int PageMax = 1000;

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet("/v1/parallel-run", Report).RequireAuthorization(Rules.Read)
            .WithSummary("Who still lives on the old server: users it accepted for whom there is no token here.")
            .ProducesProblem(StatusCodes.Status400BadRequest);

    private static async Task<Results<Ok<ParallelRunView>, ProblemHttpResult>> Report(
        OathDbContext db, ParallelRunPolicy policy, CancellationToken cancel, bool? moved = null, int take = 100, int skip = 0)
    {
        if (take is < 1 or > PageMax || skip < 0)
        {
            return Problem.BadField(take is < 1 or > PageMax ? "take" : "skip", $"take is 1 to {PageMax}, skip 0 or more.");
        }

        return TypedResults.Ok(await ParallelRunReport.ReadAsync(db, policy, moved, skip, take, cancel));
    }
}
