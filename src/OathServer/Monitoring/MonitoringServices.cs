using System.Diagnostics.Metrics;
using System.Reflection;
using OathServer.Access;
using OathServer.Storage;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace OathServer.Monitoring;

/// <summary>Registers metrics and, where a collector is named (<c>OTEL_EXPORTER_OTLP_ENDPOINT</c>), their export and traces.</summary>
internal static class MonitoringServices
{
    public const string MetricsPath = "/metrics";

    private const string Collector = "OTEL_EXPORTER_OTLP_ENDPOINT";

    public static void AddMonitoring(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<StandingFigures>();
        builder.Services.AddHostedService(provider => provider.GetRequiredService<StandingFigures>());
        var exports = builder.Configuration[Collector] is { Length: > 0 };
        var telemetry = builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService("oathserver", serviceVersion: Version))
            .WithMetrics(metrics =>
            {
                metrics.AddMeter(CommitFigures.MeterName, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Runtime");
                metrics.AddView(Kept);
                metrics.AddPrometheusExporter();
                if (exports)
                {
                    metrics.AddOtlpExporter();
                }
            });
        if (exports)
        {
            // A trace costs allocations a request, so nobody pays for one that nobody collects.
            telemetry.WithTracing(traces => traces
                .AddAspNetCoreInstrumentation(options =>
                {
                    options.Filter = http => !http.Request.Path.StartsWithSegments("/health") && http.Request.Path != MetricsPath;
                    options.EnrichWithHttpResponse = (activity, response) =>
                    {
                        // The path and the query of a request name users, serial numbers and CUIDs.
                        activity.SetTag("url.path", (response.HttpContext.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "/");
                        activity.SetTag("url.query", null);
                        activity.SetTag("client.address", null);
                    };
                })
                // Statements with their parameters' names; values are not in it.
                .AddSource("Npgsql")
                .AddOtlpExporter());
        }
    }

    public static void MapMonitoring(this IEndpointRouteBuilder routes) =>
        routes.MapPrometheusScrapingEndpoint(MetricsPath).RequireAuthorization(Rules.ReadMetrics).ExcludeFromDescription();

    /// <summary>How much is kept of an instrument; null for as much as the library keeps (2,000 sets of labels, for which it takes
    /// 170 kB from the first day).</summary>
    private static MetricStreamConfiguration? Kept(Instrument instrument) => instrument.Name switch
    {
        // How long connections last says nothing about codes; how many there are does.
        "kestrel.connection.duration" => MetricStreamConfiguration.Drop,
        // By route, method and status.
        "http.server.request.duration" => null,
        _ => new MetricStreamConfiguration { CardinalityLimit = 200 },
    };

    private static string Version =>
        typeof(MonitoringServices).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
}
