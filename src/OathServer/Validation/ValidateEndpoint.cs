using Microsoft.AspNetCore.Http.HttpResults;
using OathServer.Access;
using OathServer.Operations;
using OathServer.Storage;

namespace OathServer.Validation;

/// <summary>A code to validate: the user or the serial number, never both.</summary>
/// <param name="Code">The one-time code: 6 to 10 ASCII digits.</param>
/// <param name="User">The user's name in the realm.</param>
/// <param name="Serial">The token's serial number.</param>
/// <param name="Realm">The user's realm; <c>default</c> when left out.</param>
public sealed record ValidateRequest(string Code, string? User = null, string? Serial = null, string? Realm = null);

/// <summary>The verdict. The true reason of a refusal is for staff, in the token's attempts and the trail.</summary>
/// <param name="Accepted">Whether the code was accepted; it never will be again.</param>
/// <param name="Serial">The token that accepted it; left out of a refusal.</param>
public sealed record ValidateReply(bool Accepted, string? Serial = null);

/// <summary><c>POST /v1/validate</c>.</summary>
internal static class ValidateEndpoint
{
    public const string DefaultRealm = "default";
    private const int NameMax = 256;

    public static void MapValidation(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/validate", Validate).RequireAuthorization(Rules.Validate)
            .WithSummary("Validates a one-time code. Accepted at most once, durable before the reply.")
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status503ServiceUnavailable);
        routes.MapPost("/v1/tokens/{serial}/resync", ResyncEndpoint.Resynchronise).RequireAuthorization(Rules.Resynchronise)
            .WithSummary("Realigns a token with its key by consecutive codes.")
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status422UnprocessableEntity).ProducesProblem(StatusCodes.Status503ServiceUnavailable);
    }

    private static async Task<Results<Ok<ValidateReply>, ProblemHttpResult>> Validate(
        ValidateRequest request, HttpContext http, Validator validator, CancellationToken cancel)
    {
        if (FaultOf(request.Code) is { } fault)
        {
            return Problem.BadField("code", fault);
        }

        if (string.IsNullOrWhiteSpace(request.User) == string.IsNullOrWhiteSpace(request.Serial))
        {
            return Problem.BadField("user", "send either user or serial, and not an empty one.");
        }

        if ((request.User ?? request.Serial)!.Length > NameMax)
        {
            return Problem.BadField(request.User is null ? "serial" : "user", $"longer than {NameMax} characters.");
        }

        var key = http.ApiKey();
        var attempt = request.Serial is { } serial
            ? await validator.ValidateSerialAsync(serial, request.Code, key?.Id ?? 0, RealmsOf(key), cancel)
            : await validator.ValidateUserAsync(request.Realm ?? DefaultRealm, request.User!, request.Code, key?.Id ?? 0, RealmsOf(key), cancel);
        return TypedResults.Ok(attempt.Outcome == Outcome.Accepted
            ? new ValidateReply(true, attempt.AcceptedBy!.Serial)
            : new ValidateReply(false));
    }

    internal static Validator.RealmFilter? RealmsOf(KnownApiKey? key) => key is null ? null : key.MayEnter;

    /// <summary>A code is 6 to 10 ASCII digits and nothing else: what is lenient here is a replay elsewhere.</summary>
    internal static string? FaultOf(string code)
    {
        if (code.Length is < Oath.Hotp.MinDigits or > Oath.Hotp.MaxDigits)
        {
            return $"a code is {Oath.Hotp.MinDigits} to {Oath.Hotp.MaxDigits} digits; this has {code.Length} characters.";
        }

        foreach (var character in code)
        {
            if (!char.IsAsciiDigit(character))
            {
                return "a code is digits 0 to 9 only, without spaces or signs.";
            }
        }

        return null;
    }
}
