using Oath;
using OathServer.Storage;

namespace OathServer.Validation.Elsewhere;

/// <summary>Moves the counter of a token that was moved in past every code that the old server accepted after its export:
/// otherwise such a code would be accepted a second time, here. Forward only.</summary>
/// <param name="facts">The token.</param>
/// <param name="subjects">Under whom its codes may have gone to the old server: its holder, its serial number.</param>
/// <param name="codes">Hashes of the codes that went there.</param>
/// <param name="hash">How they are hashed.</param>
/// <param name="policy">How far one code may be from the next.</param>
internal sealed class CatchUp(
    CredentialFacts facts, long[] subjects, HashSet<long> codes, ElsewhereHash hash, ValidationPolicy policy) : CounterChange
{
    private readonly long[] tokenIds = [facts.TokenId];

    public override ReadOnlySpan<long> TokenIds => tokenIds;

    public override bool Realigns => true;

    public override void Decide(CounterRows rows, DateTimeOffset now, ValidationLog log)
    {
        Outcome = Outcome.Refused;
        Stale = !rows.Contains(facts.TokenId) || rows[facts.TokenId].Generation != facts.Generation;
        if (Stale)
        {
            return;
        }

        ref var row = ref rows[facts.TokenId];
        var from = row.Counter;
        row.Counter = Math.Max(from, facts.Type == TokenType.Totp ? AfterSteps(row.Drift, now) : AfterCounters(from));
        if (row.Counter == from)
        {
            Stale = true;
            return;
        }

        Outcome = Outcome.CaughtUp;
        Distance = facts.Type == TokenType.Totp ? 0 : row.Counter - from;
        log.Add(now, row.TokenId, apiKeyId: 0, Outcome, row.Counter, (int)Math.Min(Distance, int.MaxValue), generation: row.Generation);
    }

    /// <summary>The counter after the last of a trail of used codes, none further from the one before than look-ahead.</summary>
    private long AfterCounters(long counter)
    {
        // Each round follows one used code at least; a trail cannot be longer than what was used.
        for (var round = 0; round < codes.Count; round++)
        {
            var next = counter;
            for (var ahead = 0; ahead <= policy.LookAhead && counter <= SeedMax - ahead; ahead++)
            {
                if (WasUsed((ulong)(counter + ahead)))
                {
                    next = counter + ahead + 1;
                }
            }

            if (next == counter)
            {
                break;
            }

            counter = next;
        }

        return counter;
    }

    private long AfterSteps(int drift, DateTimeOffset now)
    {
        var step = (long)Totp.StepAt(now, facts.TimeStep) + drift;
        for (var ahead = policy.TimeStepTolerance; ahead >= -policy.TimeStepTolerance; ahead--)
        {
            if (step + ahead >= 0 && WasUsed((ulong)(step + ahead)))
            {
                return step + ahead + 1;
            }
        }

        return 0;
    }

    private bool WasUsed(ulong counter)
    {
        var code = Hotp.Format(Hotp.Compute(facts.Key, counter, ElsewhereHash.Digits), ElsewhereHash.Digits);
        return Array.Exists(subjects, subject => codes.Contains(hash.OfCode(subject, code)));
    }

    private const long SeedMax = long.MaxValue - 1;
}
