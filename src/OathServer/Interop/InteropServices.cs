namespace OathServer.Interop;

/// <summary>Registers the facades that are switched on.</summary>
internal static class InteropServices
{
    public static void AddInterop(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton(configuration.GetSection(InteropPolicy.Section).Get<InteropPolicy>() ?? new InteropPolicy());
        services.AddSingleton<OtherClients>();
        services.AddSingleton<Transactions>();
        services.AddSingleton<ServiceAccounts>();
    }

    public static void MapInterop(this WebApplication app)
    {
        var policy = app.Services.GetRequiredService<InteropPolicy>();
        if (policy.PrivacyIdea)
        {
            PrivacyIdeaEndpoint.Map(app);
            PrivacyIdeaAccountEndpoint.Map(app);
        }

        if (policy.FreeRadius)
        {
            FreeRadiusEndpoint.Map(app);
        }
    }
}
