using System.Globalization;
using System.Threading.Channels;
using OathServer.Audit;
using OathServer.Storage;

namespace OathServer.Validation;

/// <summary>
/// Tells the audit trail, and by it the webhooks, of a code that came a second time and of a token that failures made
/// wait or lock. Beside the hot path, and bounded: one entry a token and kind in ten minutes, sixty a minute in all; what
/// came meanwhile is counted and told with the next. The log of validations holds every attempt all the same.
/// </summary>
internal sealed class AttackAlarms(AuditTrail audit, IServiceScopeFactory scopes, TimeProvider time, ILogger<AttackAlarms> log) : BackgroundService
{
    public const string Replay = "validation.replay";
    public const string Lock = "validation.lock";

    /// <summary>Between two entries about the same thing.</summary>
    public static readonly TimeSpan Quiet = TimeSpan.FromMinutes(10);

    private const int PerMinute = 60;
    private const int WaitingMax = 1024;
    private const int RememberedMax = 10_000;

    private readonly Channel<Alarm> waiting = Channel.CreateBounded<Alarm>(
        new BoundedChannelOptions(WaitingMax) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private readonly Dictionary<(string Action, string Serial), Told> told = [];
    private DateTimeOffset minute;
    private int inMinute;
    private int untold;

    private readonly record struct Alarm(string Action, string Serial, string? User, string What);

    private sealed class Told(DateTimeOffset at)
    {
        public DateTimeOffset At { get; } = at;

        public int More { get; set; }
    }

    /// <summary>Takes note of a refusal; returns at once.</summary>
    public void Note(ValidationAttempt attempt, string? user, int apiKeyId)
    {
        var through = apiKeyId == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", through API key {apiKeyId}");
        if (attempt.ReplayOf is { } used)
        {
            waiting.Writer.TryWrite(new Alarm(Replay, used.Serial, user, $"a code that was used before came again and was refused{through}"));
        }

        if (attempt.LockOf is { } held)
        {
            waiting.Writer.TryWrite(new Alarm(Lock, held.Serial, user, attempt.LocksForGood
                ? $"failures locked it until help desk unlocks{through}"
                : $"failures make it wait before the next code is looked at{through}"));
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var alarm in waiting.Reader.ReadAllAsync(stoppingToken))
        {
            try
            {
                await TellAsync(alarm, stoppingToken);
            }
            catch (Exception fault) when (!stoppingToken.IsCancellationRequested)
            {
                // The verdict stands and is in the log of validations; the next alarm is tried again.
                log.LogError("{Action} of {Serial} is not in the trail: {Fault}", alarm.Action, alarm.Serial, fault.Message);
            }
        }
    }

    private async Task TellAsync(Alarm alarm, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        var last = told.GetValueOrDefault((alarm.Action, alarm.Serial));
        if (last is not null && now - last.At < Quiet)
        {
            last.More++;
            return;
        }

        if (now - minute >= TimeSpan.FromMinutes(1))
        {
            (minute, inMinute) = (now, 0);
        }

        if (inMinute >= PerMinute)
        {
            untold++;
            return;
        }

        inMinute++;
        var detail = alarm.What
            + (last is { More: > 0 } ? string.Create(CultureInfo.InvariantCulture, $"; {last.More} more since the last of these alarms") : "")
            + (untold > 0 ? string.Create(CultureInfo.InvariantCulture, $"; {untold} alarms about others were not told, there were too many") : "");
        await using var scope = scopes.CreateAsyncScope();
        await audit.SaveAsync(
            scope.ServiceProvider.GetRequiredService<OathDbContext>(), cancel,
            new AuditEvent("server", alarm.Action, "alarm") { Serial = alarm.Serial, UserName = alarm.User, Detail = detail });
        untold = 0;
        if (told.Count >= RememberedMax)
        {
            told.Clear();
        }

        told[(alarm.Action, alarm.Serial)] = new Told(now);
    }
}
