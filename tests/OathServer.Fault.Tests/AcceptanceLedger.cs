using System.Collections.Concurrent;

namespace OathServer.Fault.Tests;

/// <summary>What clients were told, kept on their side: the one witness that no crash of a server can change. It knows
/// which counter each code belongs to, as the tests make the codes.</summary>
internal sealed class AcceptanceLedger
{
    private readonly ConcurrentDictionary<(string Serial, long Counter), int> accepted = new();
    private int total;

    /// <summary>Acceptances told to a client.</summary>
    public int Total => Volatile.Read(ref total);

    /// <summary>A server said yes to the code of this counter.</summary>
    public void Accepted(string serial, long counter)
    {
        accepted.AddOrUpdate((serial, counter), 1, (_, times) => times + 1);
        Interlocked.Increment(ref total);
    }

    /// <summary>Codes that were accepted more than once: there must be none, ever.</summary>
    public IReadOnlyList<string> AcceptedTwice =>
        [.. accepted.Where(a => a.Value > 1).Select(a => $"{a.Key.Serial} counter {a.Key.Counter}: {a.Value} times").Order()];

    /// <summary>Tokens whose counter in the store does not lie past every code that was accepted.</summary>
    public IReadOnlyList<string> Behind(Func<string, long> storedCounter) =>
        [.. accepted.Keys.GroupBy(k => k.Serial, k => k.Counter)
            .Select(t => (Serial: t.Key, Highest: t.Max(), Stored: storedCounter(t.Key)))
            .Where(t => t.Stored <= t.Highest)
            .Select(t => $"{t.Serial} stands at {t.Stored}, counter {t.Highest} was accepted")];

    /// <summary>The counters accepted of one token, in order.</summary>
    public long[] Of(string serial) => [.. accepted.Keys.Where(k => k.Serial == serial).Select(k => k.Counter).Order()];
}
