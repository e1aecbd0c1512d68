using Microsoft.AspNetCore.Authorization;

namespace OathServer.Access;

/// <summary>
/// A key that is limited to realms enters only endpoints that say they keep to them; everywhere else it would see what
/// is not of its realms. A new endpoint is closed to such keys until it says so.
/// </summary>
internal static class RealmScope
{
    /// <summary>Says that an endpoint asks <see cref="KnownApiKey.MayEnter"/> for whatever it reads or changes.</summary>
    public static TBuilder KeepsToRealms<TBuilder>(this TBuilder endpoint) where TBuilder : IEndpointConventionBuilder =>
        endpoint.WithMetadata(Marker.Instance);

    /// <summary>Whether who asks may enter, as far as realms go.</summary>
    public static bool Allows(AuthorizationHandlerContext context) =>
        context.Resource is HttpContext http
        && (http.ApiKey() is not { Realms.Length: > 0 } || http.GetEndpoint()?.Metadata.GetMetadata<Marker>() is not null);

    private sealed class Marker
    {
        public static readonly Marker Instance = new();
    }
}
