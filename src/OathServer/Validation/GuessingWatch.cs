using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using OathServer.Audit;
using OathServer.Storage;

namespace OathServer.Validation;

/// <summary>
/// Notices guessing that no single token's throttle can see. One code tried on many users: the code is refused unseen
/// while the alarm lasts. Many users failing through one relying party, more than succeed: its failures are answered
/// slowly; right codes are not held up. Kept in memory, on each node for itself, and bounded.
/// </summary>
internal sealed class GuessingWatch(
    ValidationPolicy policy, AuditTrail audit, IServiceScopeFactory scopes, TimeProvider time, ILogger<GuessingWatch> log)
{
    /// <summary>Codes and subjects remembered at most; then the older are forgotten together.</summary>
    private const int RememberedMax = 100_000;

    private readonly Lock turn = new();

    // Codes and names are kept as salted hashes of this process only.
    private readonly byte[] salt = RandomNumberGenerator.GetBytes(16);
    private readonly ConcurrentDictionary<long, DateTimeOffset> sprayed = new();
    private readonly ConcurrentDictionary<int, Asking> parties = new();
    private Dictionary<long, HashSet<long>> failures = [];
    private DateTimeOffset failuresSince;
    private int remembered;

    /// <summary>Whether this code is being tried on many users or tokens.</summary>
    public bool IsSprayed(string code)
    {
        if (sprayed.IsEmpty)
        {
            return false;
        }

        var hash = HashOf(code);
        if (!sprayed.TryGetValue(hash, out var until))
        {
            return false;
        }

        if (until > time.GetUtcNow())
        {
            return true;
        }

        sprayed.TryRemove(hash, out _);
        return false;
    }

    /// <summary>Takes note of a verdict, raises the alarm, and holds a failure up while guessing goes on.</summary>
    public ValueTask ObserveAsync(int apiKeyId, string subject, string code, Outcome outcome, CancellationToken cancel)
    {
        if (outcome is Outcome.Accepted or Outcome.Repeated or Outcome.AcceptedElsewhere)
        {
            ObserveAcceptance(apiKeyId);
            return ValueTask.CompletedTask;
        }

        return outcome is Outcome.WrongCode or Outcome.WrongPin or Outcome.RefusedElsewhere or Outcome.UnknownUser or Outcome.UnknownToken or Outcome.Throttled or Outcome.Locked or Outcome.GuessingAlarm
            ? FailedAsync(apiKeyId, PartyOf(apiKeyId), subject, code, cancel)
            : ValueTask.CompletedTask;
    }

    /// <summary>Takes note of a code that was accepted.</summary>
    public void ObserveAcceptance(int apiKeyId) => Interlocked.Increment(ref PartyOf(apiKeyId).Accepted);

    private Asking PartyOf(int apiKeyId) => parties.GetOrAdd(apiKeyId, static _ => new Asking());

    private async ValueTask FailedAsync(int apiKeyId, Asking asking, string subject, string code, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        var name = HashOf(Person.Normalize(subject));
        var (sameCode, many) = (false, false);
        lock (turn)
        {
            sameCode = CountCode(HashOf(code), name, now);
            many = asking.Count(name, now, policy);
        }

        if (sameCode)
        {
            await AlarmAsync(apiKeyId, $"one code was tried on {policy.SameCodeSubjects} users or tokens within {policy.GuessingWindow}; it is refused for as long");
        }

        if (many)
        {
            await AlarmAsync(apiKeyId, $"{policy.FailingSubjectsPerMinute} users or tokens failed within a minute, more than succeeded; failures are answered slowly");
        }

        if (asking.SlowUntil > now && policy.GuessingDelay > TimeSpan.Zero)
        {
            await Task.Delay(policy.GuessingDelay, cancel);
        }
    }

    /// <summary>True when the code has just become one that is tried on many.</summary>
    private bool CountCode(long code, long subject, DateTimeOffset now)
    {
        if (now - failuresSince > policy.GuessingWindow || remembered >= RememberedMax)
        {
            failures = [];
            remembered = 0;
            failuresSince = now;
            foreach (var (old, until) in sprayed)
            {
                if (until <= now)
                {
                    sprayed.TryRemove(old, out _);
                }
            }
        }

        if (!failures.TryGetValue(code, out var subjects))
        {
            failures.Add(code, subjects = []);
        }

        if (subjects.Count >= policy.SameCodeSubjects || !subjects.Add(subject))
        {
            return false;
        }

        remembered++;
        if (subjects.Count < policy.SameCodeSubjects)
        {
            return false;
        }

        sprayed[code] = now + policy.GuessingWindow;
        return true;
    }

    private async Task AlarmAsync(int apiKeyId, string what)
    {
        await Task.Yield();
        log.LogWarning("Guessing through API key {ApiKeyId}: {What}.", apiKeyId, what);
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            await audit.SaveAsync(
                scope.ServiceProvider.GetRequiredService<OathDbContext>(), CancellationToken.None,
                new AuditEvent("server", "validation.guessing", "alarm") { Detail = $"API key {apiKeyId}: {what}" });
        }
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            // The verdict stands and is durable; it must not be lost because the trail could not take the alarm.
            log.LogError("The guessing alarm is not in the trail: {Fault}", fault.Message);
        }
    }

    private long HashOf(string text)
    {
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(salt, Encoding.UTF8.GetBytes(text), hash);
        return BinaryPrimitives.ReadInt64LittleEndian(hash);
    }

    /// <summary>What one relying party asked in the running minute.</summary>
    private sealed class Asking
    {
        private static readonly TimeSpan minute = TimeSpan.FromMinutes(1);

        private readonly HashSet<long> failing = [];
        private DateTimeOffset since;

        public long Accepted;

        public DateTimeOffset SlowUntil { get; private set; }

        /// <summary>True when the alarm has just begun.</summary>
        public bool Count(long subject, DateTimeOffset now, ValidationPolicy policy)
        {
            if (now - since > minute)
            {
                failing.Clear();
                Interlocked.Exchange(ref Accepted, 0);
                since = now;
            }

            if (failing.Count < policy.FailingSubjectsPerMinute && failing.Add(subject) is false)
            {
                return false;
            }

            if (failing.Count < policy.FailingSubjectsPerMinute || Interlocked.Read(ref Accepted) > failing.Count)
            {
                return false;
            }

            var begins = SlowUntil <= now;
            SlowUntil = now + minute;
            return begins;
        }
    }
}
