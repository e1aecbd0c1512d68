using System.Threading.Channels;
using Npgsql;

namespace OathServer.Storage;

/// <summary>Carries <see cref="FactsChanged"/> between nodes by LISTEN and NOTIFY, so that a cache that became stale
/// costs no second look. Whatever is lost here costs that look and nothing else.</summary>
internal sealed class FactsNotices : BackgroundService
{
    private const string Subject = "oath_facts";

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    // Many changes at once are one notice.
    private readonly Channel<bool> changes = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    private readonly string self = Guid.NewGuid().ToString("N");
    private readonly PostgreSqlConnections connections;
    private readonly FactsChanged facts;
    private readonly ILogger<FactsNotices> log;

    public FactsNotices(PostgreSqlConnections connections, FactsChanged facts, ILogger<FactsNotices> log)
    {
        this.connections = connections;
        this.facts = facts;
        this.log = log;
        facts.TellOthersBy(() => changes.Writer.TryWrite(true));
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(Repeat(ListenAsync, stoppingToken), Repeat(NotifyAsync, stoppingToken));

    private async Task Repeat(Func<CancellationToken, Task> work, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await work(stop);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception fault)
            {
                log.LogWarning("Notices between nodes are interrupted: {Fault}", fault.Message);
                await Task.Delay(Pause, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task ListenAsync(CancellationToken stop)
    {
        await using var connection = await connections.Listening.OpenConnectionAsync(stop);
        connection.Notification += (_, notice) =>
        {
            if (notice.Payload != self)
            {
                facts.Heard();
            }
        };
        await using (var listen = new NpgsqlCommand("LISTEN " + Subject, connection))
        {
            await listen.ExecuteNonQueryAsync(stop);
        }

        // Whatever was said while nobody listened.
        facts.Heard();
        while (true)
        {
            await connection.WaitAsync(stop);
        }
    }

    private async Task NotifyAsync(CancellationToken stop)
    {
        await foreach (var _ in changes.Reader.ReadAllAsync(stop))
        {
            await using var notify = connections.Pool.CreateCommand("SELECT pg_notify($1, $2)");
            notify.Parameters.AddWithValue(Subject);
            notify.Parameters.AddWithValue(self);
            await notify.ExecuteNonQueryAsync(stop);
        }
    }
}
