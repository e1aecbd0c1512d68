using Microsoft.AspNetCore.Http.HttpResults;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Operations;
using OathServer.Storage;

namespace OathServer.Validation.Pins;

/// <summary>A PIN for a token.</summary>
/// <param name="Pin">4 (<c>Validation:PinLengthMin</c>) to 64 characters, none of them a control character.</param>
/// <param name="Reason">Why, in 5 to 2000 characters; it is kept in the trail. The PIN is not.</param>
public sealed record SetPinRequest(string Pin, string Reason);

/// <summary>Why a token's PIN is taken away.</summary>
/// <param name="Reason">In 5 to 2000 characters; it is kept in the trail.</param>
public sealed record ClearPinRequest(string Reason);

/// <summary><c>/v1/tokens/{serial}/pin</c>.</summary>
internal static class PinEndpoint
{
    public const int ReasonMin = 5;
    public const int ReasonMax = 2000;

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPut("/v1/tokens/{serial}/pin", Set).RequireAuthorization(Rules.Help)
            .WithSummary("Sets a token's PIN, which a realm's policy may ask for before the code.")
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status404NotFound);
        routes.MapDelete("/v1/tokens/{serial}/pin", Clear).RequireAuthorization(Rules.Help)
            .WithSummary("Takes a token's PIN away: its codes count alone from now on.")
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status404NotFound);
    }

    /// <summary>What is wrong with a reason; null when nothing is.</summary>
    public static string? FaultOf(string reason) => reason.Trim().Length < ReasonMin || reason.Length > ReasonMax
        ? $"say why, in {ReasonMin} to {ReasonMax} characters; it is kept in the trail." : null;

    private static async Task<Results<NoContent, ProblemHttpResult>> Set(
        string serial, SetPinRequest request, HttpContext http, OathDbContext db, TokenPinLife life, CancellationToken cancel)
    {
        if (life.FaultOf(request.Pin) is { } wrong)
        {
            return Problem.BadField("pin", wrong);
        }

        if (FaultOf(request.Reason) is { } fault)
        {
            return Problem.BadField("reason", fault);
        }

        return await life.SetAsync(db, serial, request.Pin, request.Reason.Trim(), Actors.Of(http), cancel) ? TypedResults.NoContent() : Missing(serial);
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> Clear(
        string serial, [Microsoft.AspNetCore.Mvc.FromBody] ClearPinRequest request, HttpContext http, OathDbContext db, TokenPinLife life, CancellationToken cancel)
    {
        if (FaultOf(request.Reason) is { } fault)
        {
            return Problem.BadField("reason", fault);
        }

        return await life.ClearAsync(db, serial, request.Reason.Trim(), Actors.Of(http), cancel) switch
        {
            true => TypedResults.NoContent(),
            false => Problem.NotFound($"Token {serial} has no PIN.", "Nothing was changed."),
            null => Missing(serial),
        };
    }

    private static ProblemHttpResult Missing(string serial) =>
        Problem.NotFound($"There is no token {serial}.", "Check the serial number; a shipment must be imported first.");
}
