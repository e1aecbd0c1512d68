using System.Diagnostics.Metrics;
using System.Text.Json;
using OathServer.Audit;
using OathServer.Storage;

namespace OathServer.Monitoring;

/// <summary>Figures that cost a query: asked in the background, shown by every scrape. Where the queries become slow,
/// they are asked less often: at most a twentieth of the time goes into them.</summary>
internal sealed class StandingFigures : BackgroundService
{
    public const string PauseSetting = "Monitoring:SampleSeconds";
    public const int DefaultPause = 60;

    private const int Share = 20;
    private static readonly TimeSpan AuditWalk = TimeSpan.FromHours(1);

    private readonly IServiceScopeFactory scopes;
    private readonly Anchors anchors;
    private readonly AuditTrail trail;
    private readonly TimeProvider time;
    private readonly ILogger<StandingFigures> log;
    private readonly TimeSpan pause;
    private Standing? standing;
    private long walkedAt;
    private string? broken;
    private bool checkedOnce;

    public StandingFigures(
        IMeterFactory meters, IServiceScopeFactory scopes, Anchors anchors, AuditTrail trail, TimeProvider time, IConfiguration configuration,
        ILogger<StandingFigures> log, DiskReserve? reserve = null)
    {
        (this.scopes, this.anchors, this.trail, this.time, this.log) = (scopes, anchors, trail, time, log);
        pause = TimeSpan.FromSeconds(configuration.GetValue(PauseSetting, DefaultPause));
        var meter = meters.Create(CommitFigures.MeterName);
        meter.CreateObservableGauge("oathserver.tokens", () => Seen(s => s.Tokens.Select(t =>
            new Measurement<long>(t.Value, new KeyValuePair<string, object?>("state", JsonNamingPolicy.KebabCaseLower.ConvertName(t.Key.ToString()))))), "{token}", "Tokens by state.");
        Gauge(meter, "oathserver.tokens.locked", "{token}", "Tokens locked by failures, until help desk unlocks.", s => s.Locked);
        Gauge(meter, "oathserver.tokens.need.resync", "{token}", "Tokens restored without a journal, that want two consecutive codes.", s => s.NeedResync);
        Gauge(meter, "oathserver.keys", "{key}", "Keys that are neither lost nor retired.", s => s.Keys);
        Gauge(meter, "oathserver.keys.unknown.puk", "{key}", "Keys whose PUK is not known here.", s => s.UnknownPuk);
        Gauge(meter, "oathserver.keys.in.doubt", "{key}", "Keys of which a step could not be resolved.", s => s.InDoubt);
        Gauge(meter, "oathserver.jobs.open", "{job}", "Provisioning jobs begun and not ended.", s => s.OpenJobs);
        Gauge(meter, "oathserver.jobs.stuck", "{job}", "Open provisioning jobs that something stopped.", s => s.StuckJobs);
        Gauge(meter, "oathserver.webhook.lag", "{act}", "Acts the slowest webhook was not told of yet.", s => s.WebhookLag);
        Gauge(meter, "oathserver.webhook.wait", "s", "How long the oldest of them has waited.", s => (long)s.WebhookWait.TotalSeconds);
        Gauge(meter, "oathserver.backup.last.timestamp", "s", "When the last backup was made, in Unix time; 0 before the first.", s => s.LastBackup?.ToUnixTimeSeconds() ?? 0);
        Gauge(meter, "oathserver.audit.intact", "{flag}", "1 while the trail of acts and its last anchor hold; 0 when it was changed.", _ => broken is null ? 1 : 0);
        if (reserve is not null)
        {
            meter.CreateObservableGauge("oathserver.disk.reserve.missing", () => reserve.IsMissing ? 1 : 0, "{flag}", "1 while the disk is full or the reserve is not in place.");
        }

        var folder = StorageServices.DataFolder(configuration);
        meter.CreateObservableGauge("oathserver.disk.free", () => new DriveInfo(folder).AvailableFreeSpace, "By", "Free space on the disk of the data folder.");
    }

    /// <summary>How things stood when they were asked last; null before the first time.</summary>
    public Standing? Last => standing;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // The server listens first.
        await Task.Yield();
        while (!stoppingToken.IsCancellationRequested)
        {
            var started = time.GetTimestamp();
            try
            {
                await AskAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception fault)
            {
                // The figures stay as they were; that the database is away is told elsewhere.
                log.LogWarning("Figures for monitoring were not read: {Fault}", fault.Message);
            }

            var took = time.GetElapsedTime(started);
            var wait = took * Share > pause ? took * Share : pause;
            await Task.Delay(wait, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Reads all of it now.</summary>
    internal async Task AskAsync(CancellationToken cancel)
    {
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<OathDbContext>();
        await CheckAuditAsync(db, cancel);
        standing = await Standing.ReadAsync(db, time.GetUtcNow(), cancel);
    }

    /// <summary>The last anchor each time; every act once an hour. Validations are for <c>audit verify</c>: they are many.</summary>
    private async Task CheckAuditAsync(OathDbContext db, CancellationToken cancel)
    {
        var fault = await anchors.FaultAsync(db, cancel);
        if (fault is null && (broken is not null || !checkedOnce || time.GetElapsedTime(walkedAt) >= AuditWalk))
        {
            fault = await trail.VerifyAsync(db, cancel);
            (walkedAt, checkedOnce) = (time.GetTimestamp(), true);
        }

        if (fault is not null && fault != broken)
        {
            log.LogCritical("The audit trail does not hold: {Fault}. Run `audit verify`; see docs/operations.md.", fault);
        }

        broken = fault;
    }

    private void Gauge(Meter meter, string name, string unit, string what, Func<Standing, long> read) =>
        meter.CreateObservableGauge(name, () => Seen(s => [new Measurement<long>(read(s))]), unit, what);

    private IEnumerable<Measurement<long>> Seen(Func<Standing, IEnumerable<Measurement<long>>> read) => standing is { } seen ? read(seen) : [];
}
