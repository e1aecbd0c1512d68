using System.Diagnostics.Metrics;
using System.Text.Json;

namespace OathServer.Storage;

/// <summary>
/// What the writer of counters did, for whoever watches: outcomes, batches, the queue. The writer adds to plain numbers of
/// its own; nothing is allocated and nothing is shared between threads but the reading of them.
/// </summary>
internal sealed class CommitFigures
{
    public const string MeterName = "OathServer";

    private static readonly KeyValuePair<string, object?>[] Labels = Array.ConvertAll(
        Enum.GetNames<Outcome>(), name => new KeyValuePair<string, object?>("outcome", JsonNamingPolicy.KebabCaseLower.ConvertName(name)));

    // Shown from the start: what first appears as one did not rise, and an alarm would miss it.
    private static readonly Outcome[] OfCodes =
    [
        Outcome.Accepted, Outcome.WrongCode, Outcome.Replayed, Outcome.Throttled, Outcome.Locked, Outcome.UnknownUser,
        Outcome.UnknownToken, Outcome.NotInUse, Outcome.ResyncRequired, Outcome.GuessingAlarm, Outcome.WrongPin,
    ];

    private static readonly Outcome[] OfRealignments = [Outcome.Resynchronised, Outcome.ResyncFirstCodeNotFound, Outcome.Throttled];

    private readonly Histogram<double> duration;
    private readonly Histogram<int> size;
    private readonly long[] validations = new long[Labels.Length];
    private readonly long[] realignments = new long[Labels.Length];
    private readonly Meter meter;
    private long drift;
    private long refused;

    public CommitFigures(IMeterFactory meters)
    {
        meter = meters.Create(MeterName);
        duration = meter.CreateHistogram("oathserver.commit.duration", "s", "Time of one transaction of counter changes, its flush included.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5] });
        size = meter.CreateHistogram("oathserver.commit.size", "{change}", "Counter changes in one transaction.",
            advice: new InstrumentAdvice<int> { HistogramBucketBoundaries = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] });
        meter.CreateObservableCounter("oathserver.validations", () => Read(validations, OfCodes), "{attempt}", "Codes decided, by their true outcome.");
        meter.CreateObservableCounter("oathserver.resynchronisations", () => Read(realignments, OfRealignments), "{attempt}", "Resynchronisations decided, by their outcome.");
        meter.CreateObservableCounter("oathserver.drift", () => Volatile.Read(ref drift), "{code}", "Codes or time steps that accepted codes were away from what was expected, summed up.");
        meter.CreateObservableCounter("oathserver.commit.refused", () => Volatile.Read(ref refused), "{change}", "Counter changes refused, as the storage did not take them.");
    }

    /// <summary>Called once by the writer these are the figures of.</summary>
    public void Watch(CounterCommit writer)
    {
        meter.CreateObservableGauge("oathserver.commit.queue", () => writer.Waiting, "{change}", "Counter changes waiting for the next transaction.");
        meter.CreateObservableGauge("oathserver.storage.refusing", () => writer.IsRefusing ? 1 : 0, "{flag}", "1 while the storage takes no changes.");
    }

    /// <summary>On the writer's thread, once a batch is durable.</summary>
    public void Committed(List<CounterChange> batch, TimeSpan took)
    {
        var distance = 0L;
        foreach (var change in batch)
        {
            if (!change.Stale)
            {
                (change.Realigns ? realignments : validations)[(int)change.Outcome]++;
                distance += change.Outcome == Outcome.Accepted ? Math.Abs(change.Distance) : 0;
            }
        }

        drift += distance;
        size.Record(batch.Count);
        duration.Record(took.TotalSeconds);
    }

    /// <summary>On the writer's thread.</summary>
    public void Refused(int changes) => refused += changes;

    private static IEnumerable<Measurement<long>> Read(long[] tally, Outcome[] always)
    {
        for (var i = 0; i < tally.Length; i++)
        {
            if (Volatile.Read(ref tally[i]) is var count && (count > 0 || Array.IndexOf(always, (Outcome)i) >= 0))
            {
                yield return new Measurement<long>(count, Labels[i]);
            }
        }
    }
}
