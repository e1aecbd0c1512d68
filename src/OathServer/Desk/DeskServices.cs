using Microsoft.AspNetCore.WebSockets;

namespace OathServer.Desk;

/// <summary>Registers desk agents and the batch desk.</summary>
internal static class DeskServices
{
    public static void AddDesk(this IServiceCollection services)
    {
        services.AddWebSockets(options =>
        {
            // A line that was cut is found out by the missing answer, not by the next key.
            options.KeepAliveInterval = TimeSpan.FromSeconds(15);
            options.KeepAliveTimeout = TimeSpan.FromSeconds(15);
        });
        services.AddSingleton<DeskAgents>();
        services.AddSingleton<BatchDesk>();
        services.AddHostedService(provider => provider.GetRequiredService<BatchDesk>());
        services.AddSingleton<DeskBatches>();
    }
}
