using Microsoft.EntityFrameworkCore;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Operations;
using OathServer.Storage;

namespace OathServer.Provisioning.Reseed;

/// <summary>Gives the key of a token a new seed.</summary>
/// <param name="Reader">The reader the key is in.</param>
/// <param name="Pin">The holder's PIN, where a program drives the key and the initial PIN was handed out: such a key takes a
/// credential by its PIN only. Used once and kept nowhere.</param>
public sealed record ReseedRequest(string Reader, string? Pin = null);

/// <summary>What came of it.</summary>
/// <param name="Serial">The token.</param>
/// <param name="Cuid">The key that carries it.</param>
/// <param name="State"><c>switched</c>: the old seed is gone. <c>pending</c>: both work until the first code of the new one.</param>
/// <param name="Generation">The generation of the new seed.</param>
/// <param name="Next">What to do now; null when switched.</param>
public sealed record ReseedReply(string Serial, string Cuid, string State, int Generation, string? Next = null);

/// <summary><c>POST /v1/tokens/{serial}/reseed</c>.</summary>
internal static class ReseedEndpoint
{
    public static void MapReseed(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/v1/tokens/{serial}/reseed", Reseed).RequireAuthorization(Rules.Provision)
            .WithSummary("Gives the key a new seed; the old one counts until the first code of the new one. Safe to repeat.")
            .Produces<ReseedReply>().ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status422UnprocessableEntity);

    private static async Task<IResult> Reseed(
        string serial, ReseedRequest request, HttpContext http, OathDbContext db, SeedRenewal renewal, CancellationToken cancel)
    {
        var token = await db.Tokens.Include(t => t.Counter).Include(t => t.Person).SingleOrDefaultAsync(t => t.Serial == serial, cancel);
        if (token is null)
        {
            return Problem.NotFound($"There is no token {serial}.", "Check the serial number.");
        }

        return await renewal.RunAsync(db, token, request.Reader, Actors.Of(http), cancel, request.Pin) switch
        {
            RenewalOutcome.Switched done => TypedResults.Ok(new ReseedReply(serial, done.Key, "switched", done.Generation)),
            RenewalOutcome.Pending waits => TypedResults.Ok(new ReseedReply(serial, waits.Key, "pending", waits.Generation, waits.Next)),
            RenewalOutcome.Refused refused => Problem.Unprocessable(refused.What, refused.Next),
            _ => throw new InvalidOperationException("No such outcome."),
        };
    }
}
