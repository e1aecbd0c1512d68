namespace OathServer.Operations;

/// <summary>What routing finds out itself: nothing is at this address (404), or it does not take this method (405) or content
/// type (415). Rules know none of these and would refuse with 403; whoever is known here is told the true reason.</summary>
internal static class RoutingRefusal
{
    public static void UseRoutingRefusal(this IApplicationBuilder app) => app.Use(next => http =>
        http.User.Identity is { IsAuthenticated: true } && http.GetEndpoint() is not RouteEndpoint and var found
            ? found?.RequestDelegate?.Invoke(http) ?? NotFound(http)
            : next(http));

    private static Task NotFound(HttpContext http)
    {
        http.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }
}
