namespace OathServer.Webhooks;

/// <summary>Registers the delivery of webhooks.</summary>
internal static class WebhookServices
{
    public static void AddWebhooks(this IServiceCollection services)
    {
        // A redirect would carry what is told to an address nobody agreed to.
        services.AddHttpClient(WebhookDelivery.Client, client => client.Timeout = TimeSpan.FromSeconds(10))
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, ConnectTimeout = TimeSpan.FromSeconds(5) });
        services.AddLogging(logging => logging.AddFilter("System.Net.Http.HttpClient." + WebhookDelivery.Client, LogLevel.Warning));
        services.AddSingleton<WebhookLife>();
        services.AddHostedService<WebhookDelivery>();
    }
}
