using OathServer.Storage;

namespace OathServer.Audit;

/// <summary>An anchor a minute while the chains grow, and one when the server stops.</summary>
internal sealed class AnchorClock(Anchors anchors, IServiceScopeFactory scopes, ILogger<AnchorClock> log) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval);
        try
        {
            do
            {
                await WriteAsync(stoppingToken);
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException)
        {
            // The last one is written once nothing is accepted any more.
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await WriteAsync(cancellationToken);
    }

    private async Task WriteAsync(CancellationToken cancel)
    {
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            await anchors.WriteAsync(scope.ServiceProvider.GetRequiredService<OathDbContext>(), cancel);
        }
        catch (Exception fault) when (fault is not OperationCanceledException)
        {
            // Validation goes on without: the next minute tries again, and an old anchor only notices less.
            log.LogError("No anchor could be written to {File}: {Fault}", anchors.File.Path, fault.Message);
        }
    }
}
