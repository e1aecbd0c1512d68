using System.Runtime.ExceptionServices;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Primitives;

namespace OathServer.Access;

/// <summary>
/// The short way in for endpoints that only API keys call, thousands of times a second: a known key whose role the
/// endpoint's rule allows goes straight to the endpoint. Everything else, every refusal included, takes the ordinary
/// way through sign-in and rules, so there is one place that refuses. A fault takes it too
/// (<see cref="UseApiKeyLaneFaults"/>), so that the lane need not run behind what handles faults.
/// </summary>
internal static class ApiKeyLane
{
    /// <summary>Metadata of an endpoint that may be entered this way.</summary>
    public static readonly object Marker = new LaneMarker();

    public static void UseApiKeyLane(this WebApplication app)
    {
        var keys = app.Services.GetRequiredService<ApiKeys>();
        var limits = app.Services.GetRequiredService<ApiKeyLimits>();
        app.Use(next => http =>
        {
            var endpoint = http.GetEndpoint();
            return endpoint?.RequestDelegate is { } enter
                && endpoint.Metadata.GetMetadata<LaneMarker>() is not null
                && endpoint.Metadata.GetMetadata<IAuthorizeData>() is { Policy: { } rule }
                && http.Request.Headers.TryGetValue(ApiKeyAuthentication.Header, out StringValues values) && values is [{ } text]
                && keys.TryRecall(text, out var key)
                && Rules.RolesOf[rule].AsSpan().Contains(key.Role)
                && key.MayComeBy(http.Connection)
                ? Enter(http, key, limits, enter, next)
                : next(http);
        });
    }

    /// <summary>Holds keys that came the ordinary way to the same limits; after sign-in, before the endpoint.</summary>
    public static void UseApiKeyLimits(this WebApplication app)
    {
        var limits = app.Services.GetRequiredService<ApiKeyLimits>();
        app.Use(next => http => http.ApiKey() is { } key ? limits.EnterAsync(http, key, next) : next(http));
    }

    /// <summary>Throws what an endpoint of the lane threw; directly behind what handles faults.</summary>
    public static void UseApiKeyLaneFaults(this WebApplication app) => app.Use(next => http =>
    {
        if (http.Features.Get<LaneFault>() is { } fault)
        {
            http.Features.Set<LaneFault>(null);
            fault.Thrown.Throw();
        }

        return next(http);
    });

    private static Task Enter(HttpContext http, KnownApiKey key, ApiKeyLimits limits, RequestDelegate enter, RequestDelegate ordinary)
    {
        http.Features.Set(key);
        return limits.TryEnter(http, key, out var place) is { } refused ? refused : EnterAsync(http, place, enter, ordinary);
    }

    private static async Task EnterAsync(HttpContext http, ApiKeyLimits.Places place, RequestDelegate enter, RequestDelegate ordinary)
    {
        LaneFault fault;
        using (place)
        {
            try
            {
                await enter(http);
                return;
            }
            catch (Exception thrown)
            {
                fault = new(ExceptionDispatchInfo.Capture(thrown));
            }
        }

        http.Features.Set(fault);
        await ordinary(http);
    }

    private sealed record LaneFault(ExceptionDispatchInfo Thrown);

    private sealed class LaneMarker;
}
