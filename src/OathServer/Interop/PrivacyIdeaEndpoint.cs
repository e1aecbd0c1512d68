using OathServer.Storage;

namespace OathServer.Interop;

/// <summary>privacyIDEA's validate interface as its clients call it. A wrong code is 200 with <c>value: false</c>.</summary>
internal static class PrivacyIdeaEndpoint
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        // Open to the configured networks: these clients cannot send an API key. OtherClients.MayAsk decides.
        string[] methods = [HttpMethods.Get, HttpMethods.Post];
        routes.MapMethods("/validate/check", methods, Check).AllowAnonymous().ExcludeFromDescription();
        routes.MapMethods("/validate/radiuscheck", methods, RadiusCheck).AllowAnonymous().ExcludeFromDescription();
        routes.MapMethods("/validate/polltransaction", methods, Poll).AllowAnonymous().ExcludeFromDescription();
        routes.MapMethods("/validate/polltransaction/{transaction}", methods, Poll).AllowAnonymous().ExcludeFromDescription();
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
            var (verdict, challenge) = await clients.CheckAsync(
                http, new Asked(request["user"], request["serial"], request["realm"]), request["transaction_id"] ?? request["state"], code,
                challenges: true, http.RequestAborted);
            await (challenge is not null ? PrivacyIdeaReply.ChallengeAsync(http, challenge, time)
                : verdict.Answer == FacadeAnswer.UnknownUser
                ? PrivacyIdeaReply.ErrorAsync(http, StatusCodes.Status400BadRequest, PrivacyIdeaFault.UnknownUser, "The user can not be found in any resolver in this realm!", time)
                : PrivacyIdeaReply.VerdictAsync(http, verdict.Accepted, Message(verdict.Answer), verdict.Accepted ? verdict.Serial : null, verdict.Digits, time));
        }
        catch (StorageUnavailableException)
        {
            await PrivacyIdeaReply.ErrorAsync(http, StatusCodes.Status503ServiceUnavailable, PrivacyIdeaFault.StoreDown, "The storage did not take the change.", time);
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

            var verdict = await clients.ValidateAsync(http, new Asked(request["user"], request["serial"], request["realm"]), request["pass"] ?? "", http.RequestAborted);
            http.Response.StatusCode = verdict.Accepted ? StatusCodes.Status204NoContent : StatusCodes.Status400BadRequest;
        }
    }

    /// <summary>Codes are typed, never confirmed elsewhere: a challenge of ours waits until it is answered by
    /// <c>/validate/check</c>, and one that is not ours, or too old, is over.</summary>
    private static async Task Poll(HttpContext http, OtherClients clients, TimeProvider time, string? transaction = null)
    {
        if (await RefuseAsync(http, clients, time, needsPass: false) is not { } request)
        {
            return;
        }

        if ((transaction ?? request["transaction_id"]) is not { Length: > 0 } id)
        {
            await PrivacyIdeaReply.ErrorAsync(http, StatusCodes.Status400BadRequest, PrivacyIdeaFault.Parameter, "Missing parameter: 'transaction_id'", time);
            return;
        }

        await PrivacyIdeaReply.PolledAsync(http, await clients.WaitsAsync(id, http.RequestAborted) ? "pending" : "declined", time);
    }

    private static async Task Resynchronise(HttpContext http, OtherClients clients, TimeProvider time)
    {
        if (await RefuseAsync(http, clients, time, needsPass: false) is not { } request)
        {
            return;
        }

        if (request["serial"] is not { Length: > 0 } serial || request["otp1"] is not { } first || request["otp2"] is not { } second)
        {
            await PrivacyIdeaReply.ErrorAsync(http, StatusCodes.Status400BadRequest, PrivacyIdeaFault.Parameter, "Missing parameter: serial, otp1, otp2", time);
            return;
        }

        var verdict = await clients.ResynchroniseAsync(http, serial, [first, second], http.RequestAborted);
        await PrivacyIdeaReply.VerdictAsync(http, verdict.Accepted, Message(verdict.Answer), verdict.Accepted ? serial : null, first.Length, time);
    }

    private static async Task<CallerRequest?> RefuseAsync(HttpContext http, OtherClients clients, TimeProvider time, bool needsPass = true)
    {
        if (!clients.MayAsk(http))
        {
            await PrivacyIdeaReply.ErrorAsync(http, StatusCodes.Status403Forbidden, PrivacyIdeaFault.NotAllowed, "This client may not ask here.", time);
            return null;
        }

        var request = await CallerRequest.ReadAsync(http.Request, http.RequestAborted);
        if (needsPass && request["pass"] is null)
        {
            await PrivacyIdeaReply.ErrorAsync(http, StatusCodes.Status400BadRequest, PrivacyIdeaFault.Parameter, "Missing parameter: 'pass'", time);
            return null;
        }

        if (needsPass && string.IsNullOrWhiteSpace(request["user"]) && string.IsNullOrWhiteSpace(request["serial"])
            && string.IsNullOrEmpty(request["transaction_id"]) && string.IsNullOrEmpty(request["state"]))
        {
            await PrivacyIdeaReply.ErrorAsync(http, StatusCodes.Status400BadRequest, PrivacyIdeaFault.Parameter, "Missing parameter: 'user' or 'serial'", time);
            return null;
        }

        return request;
    }

    private static string Message(FacadeAnswer answer) => answer switch
    {
        FacadeAnswer.Accepted => "matching 1 tokens",
        FacadeAnswer.Replayed => "wrong otp value. previous otp used again",
        FacadeAnswer.WrongPin => "wrong otp pin",
        FacadeAnswer.Locked => "Failcounter exceeded",
        _ => "wrong otp value",
    };
}
