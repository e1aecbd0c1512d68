using Microsoft.AspNetCore.Http.HttpResults;
using OathServer.Access;
using OathServer.Operations;
using OathServer.Storage;

namespace OathServer.Validation;

/// <summary>Consecutive codes from the key.</summary>
/// <param name="Codes">Two codes pressed one after the other; three when the window is above 100.</param>
public sealed record ResyncRequest(string[] Codes);

/// <summary>Where the key was found.</summary>
/// <param name="Resynchronised">Always true in a 200.</param>
/// <param name="Serial">The token.</param>
/// <param name="Distance">How many codes ahead of the server the key was.</param>
/// <param name="Counter">The next counter the server accepts.</param>
public sealed record ResyncReply(bool Resynchronised, string Serial, long Distance, long Counter);

/// <summary><c>POST /v1/tokens/{serial}/resync</c>.</summary>
internal static class ResyncEndpoint
{
    public static async Task<Results<Ok<ResyncReply>, ProblemHttpResult>> Resynchronise(
        string serial, ResyncRequest request, HttpContext http, Validator validator, CancellationToken cancel)
    {
        var key = http.ApiKey();
        var policy = await validator.PolicyOfAsync(serial, ValidateEndpoint.RealmsOf(key), cancel);
        var needed = policy.CodesForResync;
        if (request.Codes.Length < needed || request.Codes.Length > 3)
        {
            return Problem.BadField("codes", $"send {needed} codes pressed one after the other.");
        }

        // JSON can put a null into a list: no code either.
        var codes = Array.ConvertAll(request.Codes, code => validator.CodeOf(code ?? ""));
        for (var i = 0; i < codes.Length; i++)
        {
            if (ValidateEndpoint.FaultOf(codes[i]) is { } fault)
            {
                return Problem.BadField($"codes[{i}]", fault);
            }
        }

        var attempt = await validator.ResynchroniseAsync(
            serial, codes, Roles.IsStaff(http.User), key?.Id ?? 0, ValidateEndpoint.RealmsOf(key), cancel);
        if (attempt is null)
        {
            return Problem.NotFound($"There is no token {serial}.", "Check the serial number printed on the key.");
        }

        return attempt.Outcome == Outcome.Resynchronised
            ? TypedResults.Ok(new ResyncReply(true, serial, attempt.Distance, attempt.Counter))
            : Refusal(attempt.Outcome, policy);
    }

    private static ProblemHttpResult Refusal(Outcome outcome, ValidationPolicy policy) => outcome switch
    {
        Outcome.ResyncFirstCodeNotFound => Problem.Unprocessable(
            "The first code is not among the next ones searched.",
            $"Check that it is this key and that both codes were read right; then a reseed is needed. Searched are {policy.ResyncWindow}, and {Math.Max(policy.ResyncWindow, policy.FirstUseWindow)} for an imported token not used yet.", "first-code-not-found"),
        Outcome.ResyncNotConsecutive => Problem.Unprocessable(
            "The first code was found, but the second does not follow it.",
            "Press the key twice more, one after the other, without using a code elsewhere in between.", "not-consecutive"),
        Outcome.ResyncAmbiguous => Problem.Unprocessable(
            "The codes fit more than one place.", "Press the key twice more and send the two new codes.", "ambiguous"),
        Outcome.ResyncAlreadyUsed => Problem.Unprocessable(
            "These codes were used before.", "Press the key for two new codes.", "already-used"),
        Outcome.Throttled => Problem.Unprocessable(
            "Too many failures; this token waits before it is looked at again.", "Try again later, or ask the help desk.", "throttled"),
        Outcome.Locked => Problem.Unprocessable(
            "The token is locked after too many failures.", "Help desk unlocks it; then resynchronise.", "locked"),
        _ => Problem.Unprocessable(
            "The token is not in use.", "It is suspended, disabled or being provisioned; see its state.", "not-in-use"),
    };
}
