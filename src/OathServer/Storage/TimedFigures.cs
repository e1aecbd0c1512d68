namespace OathServer.Storage;

/// <summary>Writes figures again and again while the server runs. A time that fails is made up for by the next: another node
/// wrote at the same moment, or the database is away, and nothing is lost by either.</summary>
/// <param name="scopes">A context for each time.</param>
/// <param name="time">The clock.</param>
/// <param name="first">How long after the start, so that a start is not slowed.</param>
/// <param name="every">How often from then on.</param>
/// <param name="log">Where a time that failed is told.</param>
internal abstract class TimedFigures(IServiceScopeFactory scopes, TimeProvider time, TimeSpan first, TimeSpan every, ILogger log) : BackgroundService
{
    /// <summary>Writes them once, as they stand now.</summary>
    protected abstract Task RunAsync(OathDbContext db, DateTimeOffset now, CancellationToken cancel);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Delay(first, time, stoppingToken);
        using var timer = new PeriodicTimer(every, time);
        do
        {
            try
            {
                await using var scope = scopes.CreateAsyncScope();
                await RunAsync(scope.ServiceProvider.GetRequiredService<OathDbContext>(), time.GetUtcNow(), stoppingToken);
            }
            catch (Exception fault) when (!stoppingToken.IsCancellationRequested)
            {
                log.LogInformation("{Figures} were not written ({Fault}).", GetType().Name, fault.GetType().Name);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }
}
