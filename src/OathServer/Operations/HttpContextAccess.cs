namespace OathServer.Operations;

/// <summary>
/// The request at hand, for pages and sign-in. The framework's own accessor flows with every request from its first
/// moment, which costs those of the short lane and none of them asks; this one begins behind the lane.
/// </summary>
internal sealed class HttpContextAccess : IHttpContextAccessor
{
    private static readonly AsyncLocal<Holder?> current = new();

    public HttpContext? HttpContext
    {
        get => current.Value?.Http;
        set
        {
            // The framework sets it before the first middleware.
        }
    }

    /// <summary>Runs <paramref name="next"/> with the request known, and forgets it for whatever outlives it.</summary>
    public static async Task EnterAsync(HttpContext http, RequestDelegate next)
    {
        var holder = new Holder { Http = http };
        current.Value = holder;
        try
        {
            await next(http);
        }
        finally
        {
            holder.Http = null;
        }
    }

    private sealed class Holder
    {
        public HttpContext? Http { get; set; }
    }
}

internal static class HttpContextAccessServices
{
    public static void AddHttpContextAccess(this IServiceCollection services) =>
        services.AddSingleton<IHttpContextAccessor, HttpContextAccess>();

    public static void UseHttpContextAccess(this WebApplication app) =>
        app.Use(next => http => HttpContextAccess.EnterAsync(http, next));
}
