using System.Runtime.InteropServices;
using Microsoft.Extensions.Options;

namespace OathServer.Operations;

/// <summary>
/// How a node leaves without anybody noticing: told to stop, it first says "not ready" and goes on serving for
/// <c>Drain:Seconds</c>, so that whatever spreads the load sends new requests elsewhere; then it stops listening, answers
/// what it has begun, writes what waits, and ends. Told a second time, it waits no longer.
/// </summary>
internal sealed class Drain(IConfiguration configuration, ILogger<Drain> log) : IHostedLifecycleService, IConfigureOptions<HostOptions>
{
    public const string Setting = "Drain:Seconds";

    /// <summary>For requests that were begun, once nothing new comes in.</summary>
    private static readonly TimeSpan Finishing = TimeSpan.FromSeconds(30);

    private readonly TimeSpan notice = TimeSpan.FromSeconds(configuration.GetValue(Setting, 0));
    private volatile bool begun;

    /// <summary>Whether the node is leaving.</summary>
    public bool HasBegun => begun;

    public void Configure(HostOptions options) => options.ShutdownTimeout = notice + Finishing;

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        using var hurry = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Hurry);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Hurry);
        begun = true;
        if (notice > TimeSpan.Zero)
        {
            log.LogInformation("Leaving: not ready from now on, serving for {Seconds} more seconds.", notice.TotalSeconds);
            await Task.Delay(notice, hurry.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        void Hurry(PosixSignalContext signal)
        {
            signal.Cancel = true;
            hurry.Cancel();
        }
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <summary>Registers the drain, and sends callers that keep their connections elsewhere while it goes on.</summary>
internal static class DrainServices
{
    public static void AddDrain(this IServiceCollection services)
    {
        services.AddSingleton<Drain>();
        services.AddSingleton<IConfigureOptions<HostOptions>>(provider => provider.GetRequiredService<Drain>());
        services.AddHostedService(provider => provider.GetRequiredService<Drain>());
    }

    public static void UseDrain(this WebApplication app)
    {
        var drain = app.Services.GetRequiredService<Drain>();
        app.Use(next => http =>
        {
            if (drain.HasBegun)
            {
                http.Response.Headers.Connection = "close";
            }

            return next(http);
        });
    }
}
