using System.Text;
using System.Text.Json;
using OathServer.Storage;

namespace OathServer.Interop;

/// <summary>For FreeRADIUS' rlm_rest, which reads the status: 204 accept, 401 wrong, 403 locked or throttled, 404 unknown,
/// 503 store down. A 200 means reject there, unless the configuration we ship makes it what it is here: a challenge, whose
/// attributes are in the body, for a client that said it can show one.</summary>
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
        var (user, realm) = (request["user"], request["realm"]);
        if (string.IsNullOrWhiteSpace(user) || request["pass"] is not { Length: > 0 } code)
        {
            http.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }

        try
        {
            var (verdict, challenge) = await clients.CheckAsync(
                http, new Asked(user, Serial: null, realm), request["state"] is { Length: > 0 } state ? TextOf(state) : null, code,
                challenges: request["challenges"] == "yes", http.RequestAborted);
            if (challenge is not null)
            {
                await WriteChallengeAsync(http, challenge);
                return;
            }

            http.Response.StatusCode = StatusOf(verdict.Answer);
        }
        catch (StorageUnavailableException)
        {
            http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        }
    }

    private static int StatusOf(FacadeAnswer answer) => answer switch
    {
        FacadeAnswer.Accepted => StatusCodes.Status204NoContent,
        FacadeAnswer.Locked => StatusCodes.Status403Forbidden,
        FacadeAnswer.UnknownUser => StatusCodes.Status404NotFound,
        _ => StatusCodes.Status401Unauthorized,
    };

    /// <summary>Attributes as rlm_rest reads them.</summary>
    private static async Task WriteChallengeAsync(HttpContext http, Challenge challenge)
    {
        http.Response.StatusCode = StatusCodes.Status200OK;
        http.Response.ContentType = "application/json";
        http.Response.Headers.CacheControl = "no-store";
        await using var writer = new Utf8JsonWriter(http.Response.BodyWriter);
        writer.WriteStartObject();
        writer.WriteString("control:Response-Packet-Type", "Access-Challenge");
        writer.WriteString("reply:Reply-Message", challenge.Message);
        writer.WriteString("reply:State", challenge.Transaction);
        writer.WriteEndObject();
    }

    /// <summary>FreeRADIUS writes octets as hexadecimal after 0x.</summary>
    private static string TextOf(string state)
    {
        if (!state.StartsWith("0x", StringComparison.Ordinal))
        {
            return state;
        }

        try
        {
            return Encoding.UTF8.GetString(Convert.FromHexString(state.AsSpan(2)));
        }
        catch (FormatException)
        {
            // No transaction of ours.
            return "";
        }
    }
}
