using OathServer.Storage;

namespace OathServer.Interop;

/// <summary>privacyIDEA's validate interface as its clients call it. A wrong code is 200 with <c>value: false</c>.</summary>
internal static class PrivacyIdeaEndpoint
{
    private const int ParameterError = 905;
    private const int UnknownUser = 904;
    private const int NotAllowed = 4031;
    private const int StoreDown = 903;

    public static void Map(IEndpointRouteBuilder routes)
    {
        // Open to the configured networks: these clients cannot send an API key. OtherClients.MayAsk decides.
        string[] methods = [HttpMethods.Get, HttpMethods.Post];
        routes.MapMethods("/validate/check", methods, Check).AllowAnonymous().ExcludeFromDescription();
        routes.MapMethods("/validate/radiuscheck", methods, RadiusCheck).AllowAnonymous().ExcludeFromDescription();
        routes.MapMethods("/token/resync", [HttpMethods.Post], Resynchronise).AllowAnonymous().ExcludeFromDescription();
    }

    private static async Task Check(HttpContext http, OtherClients clients, TimeProvider time)
    {
        if (await RefuseAsync(http, clients, time) is not { } request)
        {
            return;
        }

        var code = request["pass"] ?? "";
        try
        {
            if ((request["transaction_id"] ?? request["state"]) is { Length: > 0 } transaction)
            {
                var answer = await clients.AnswerAsync(http, transaction, code, http.RequestAborted);
                await PrivacyIdeaReply.VerdictAsync(http, answer.Accepted, Message(answer.Outcome), answer.Accepted ? answer.Serial : null, code.Length, time);
                return;
            }

            var verdict = await clients.ValidateAsync(http, request["user"], request["serial"], request["realm"], code, http.RequestAborted);
            if (await clients.ChallengeAsync(verdict.Outcome, request["user"], request["serial"], request["realm"], code, http.RequestAborted) is { } issued)
            {
                await PrivacyIdeaReply.ChallengeAsync(http, OtherClients.NextCodePlease, issued.Transaction, issued.Serial, time);
                return;
            }

            await (verdict.Outcome == Outcome.UnknownUser
                ? PrivacyIdeaReply.ErrorAsync(http, StatusCodes.Status400BadRequest, UnknownUser, "The user can not be found in any resolver in this realm!", time)
                : PrivacyIdeaReply.VerdictAsync(http, verdict.Accepted, Message(verdict.Outcome), verdict.Serial, verdict.Digits, time));
        }
        catch (StorageUnavailableException)
        {
            await PrivacyIdeaReply.ErrorAsync(http, StatusCodes.Status503ServiceUnavailable, StoreDown, "The storage did not take the change.", time);
        }
    }

    private static async Task RadiusCheck(HttpContext http, OtherClients clients, TimeProvider time)
    {
        http.StatusAlone();
        if (await RefuseAsync(http, clients, time) is { } request)
        {
            if (string.IsNullOrWhiteSpace(request["user"]) && string.IsNullOrWhiteSpace(request["serial"]))
            {
                // A transaction alone: this interface has no second step.
                http.Response.StatusCode = StatusCodes.Status400BadRequest;
                return;
            }

            var verdict = await clients.ValidateAsync(http, request["user"], request["serial"], request["realm"], request["pass"] ?? "", http.RequestAborted);
            http.Response.StatusCode = verdict.Accepted ? StatusCodes.Status204NoContent : StatusCodes.Status400BadRequest;
        }
    }

    private static async Task Resynchronise(HttpContext http, OtherClients clients, TimeProvider time)
    {
        if (await RefuseAsync(http, clients, time, needsPass: false) is not { } request)
        {
            return;
        }

        if (request["serial"] is not { Length: > 0 } serial || request["otp1"] is not { } first || request["otp2"] is not { } second)
        {
            await PrivacyIdeaReply.ErrorAsync(http, StatusCodes.Status400BadRequest, ParameterError, "Missing parameter: serial, otp1, otp2", time);
            return;
        }

        var verdict = await clients.ResynchroniseAsync(http, serial, [first, second], http.RequestAborted);
        await PrivacyIdeaReply.VerdictAsync(http, verdict.Accepted, Message(verdict.Outcome), verdict.Accepted ? serial : null, first.Length, time);
    }

    private static async Task<CallerRequest?> RefuseAsync(HttpContext http, OtherClients clients, TimeProvider time, bool needsPass = true)
    {
        if (!clients.MayAsk(http))
        {
            await PrivacyIdeaReply.ErrorAsync(http, StatusCodes.Status403Forbidden, NotAllowed, "This client may not ask here.", time);
            return null;
        }

        var request = await CallerRequest.ReadAsync(http.Request, http.RequestAborted);
        if (needsPass && request["pass"] is null)
        {
            await PrivacyIdeaReply.ErrorAsync(http, StatusCodes.Status400BadRequest, ParameterError, "Missing parameter: 'pass'", time);
            return null;
        }

        if (needsPass && string.IsNullOrWhiteSpace(request["user"]) && string.IsNullOrWhiteSpace(request["serial"])
            && request["transaction_id"] is null && request["state"] is null)
        {
            await PrivacyIdeaReply.ErrorAsync(http, StatusCodes.Status400BadRequest, ParameterError, "Missing parameter: 'user' or 'serial'", time);
            return null;
        }

        return request;
    }

    private static string Message(Outcome outcome) => outcome switch
    {
        Outcome.Accepted or Outcome.Resynchronised or Outcome.AcceptedElsewhere => "matching 1 tokens",
        Outcome.Replayed => "wrong otp value. previous otp used again",
        Outcome.Throttled or Outcome.Locked => "Failcounter exceeded",
        _ => "wrong otp value",
    };
}
