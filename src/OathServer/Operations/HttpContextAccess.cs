namespace OathServer.Operations;

/// <summary>
/// The request at hand, for pages and sign-in. Where the framework sees an accessor it makes a new context for each
/// request and lets it flow with all that follows; so it is not shown this one, which begins behind the short lane, whose
/// requests nobody asks for.
/// </summary>
internal static class HttpContextAccess
{
    public static void AddHttpContextAccess(this IServiceCollection services)
    {
        services.AddHttpContextAccessor();
        services.AddSingleton<IHttpContextFactory>(provider => new DefaultHttpContextFactory(new WithoutAccessor(provider)));
    }

    public static void UseHttpContextAccess(this WebApplication app)
    {
        var accessor = app.Services.GetRequiredService<IHttpContextAccessor>();
        app.Use(next => http => EnterAsync(accessor, http, next));
    }

    /// <summary>Runs <paramref name="next"/> with the request known, and forgets it for whatever outlives it.</summary>
    private static async Task EnterAsync(IHttpContextAccessor accessor, HttpContext http, RequestDelegate next)
    {
        accessor.HttpContext = http;
        try
        {
            await next(http);
        }
        finally
        {
            accessor.HttpContext = null;
        }
    }

    private sealed class WithoutAccessor(IServiceProvider provider) : IServiceProvider
    {
        public object? GetService(Type serviceType) =>
            serviceType == typeof(IHttpContextAccessor) ? null : provider.GetService(serviceType);
    }
}
