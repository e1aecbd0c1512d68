using OathServer.Storage;

namespace OathServer.Interop;

/// <summary>For FreeRADIUS' rlm_rest, which reads the status alone: 204 accept, 401 wrong, 403 locked or throttled, 404
/// unknown, 503 store down. A 200 would mean reject there.</summary>
internal static class FreeRadiusEndpoint
{
    public static void Map(IEndpointRouteBuilder routes) =>
        // Open to the configured networks; OtherClients.MayAsk decides.
        routes.MapMethods("/radius/authorize", [HttpMethods.Post], Authorize).AllowAnonymous().ExcludeFromDescription();

    private static async Task Authorize(HttpContext http, OtherClients clients)
    {
        http.StatusAlone();
        if (!clients.MayAsk(http))
        {
            http.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return;
        }

        var request = await CallerRequest.ReadAsync(http.Request, http.RequestAborted);
        if (string.IsNullOrWhiteSpace(request["user"]) || request["pass"] is not { Length: > 0 } code)
        {
            http.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }

        try
        {
            var verdict = await clients.ValidateAsync(http, request["user"], serial: null, request["realm"], code, http.RequestAborted);
            http.Response.StatusCode = verdict.Outcome switch
            {
                Outcome.Accepted => StatusCodes.Status204NoContent,
                Outcome.Throttled or Outcome.Locked => StatusCodes.Status403Forbidden,
                Outcome.UnknownUser => StatusCodes.Status404NotFound,
                _ => StatusCodes.Status401Unauthorized,
            };
        }
        catch (StorageUnavailableException)
        {
            http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        }
    }
}
