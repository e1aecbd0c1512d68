using Oath;
using OathServer.Storage;

namespace OathServer.Validation;

/// <summary>Consecutive codes that say where a key stands (RFC 4226 §7.4). Moves the counter forward, never back.</summary>
internal sealed class ResyncAttempt(
    CredentialFacts facts, string[] codes, bool byStaff, int apiKeyId, ValidationPolicy policy, bool tooMany = false, string? by = null) : CounterChange
{
    private readonly long[] tokenIds = [facts.TokenId];

    public override ReadOnlySpan<long> TokenIds => tokenIds;

    public override bool Realigns => true;

    /// <summary>The next counter accepted, when resynchronised.</summary>
    public long Counter { get; private set; }

    public override void Decide(CounterRows rows, DateTimeOffset now, ValidationLog log)
    {
        Outcome = Outcome.Refused;
        Stale = !rows.Contains(facts.TokenId) || rows[facts.TokenId].Generation != facts.Generation;
        if (Stale)
        {
            return;
        }

        ref var row = ref rows[facts.TokenId];
        Outcome = tooMany ? Outcome.Throttled : Search(ref row, now);
        log.Add(now, row.TokenId, apiKeyId, Outcome, row.Counter, (int)Math.Min(Distance, int.MaxValue), by, row.Generation);
    }

    private Outcome Search(ref CounterRow row, DateTimeOffset now)
    {
        if (row.State is not (TokenState.Active or TokenState.Imported) || (row.Flags & CounterFlags.HolderInactive) != 0)
        {
            return Outcome.NotInUse;
        }

        // Staff on the phone are not held up by the caller's failures; the hard cap needs an unlock all the same.
        var refusal = Throttle.Refuses(row, now);
        if (refusal is Outcome.Locked || (refusal is not null && !byStaff))
        {
            return refusal.Value;
        }

        Throttle.CountFailure(ref row, policy, now);
        if (codes.Length < policy.CodesForResync)
        {
            // The realm asks for more codes since this was sent.
            return Outcome.ResyncNotConsecutive;
        }

        var typed = new OtpCode[codes.Length];
        for (var i = 0; i < codes.Length; i++)
        {
            if (!OtpCode.TryParse(codes[i], facts.Digits, out typed[i]))
            {
                return Outcome.ResyncFirstCodeNotFound;
            }
        }

        return facts.Type == TokenType.Totp ? SearchSteps(ref row, typed, now) : SearchCounters(ref row, typed, now);
    }

    private Outcome SearchCounters(ref CounterRow row, OtpCode[] typed, DateTimeOffset now)
    {
        var result = Resynchronization.Find(facts.Key, (ulong)row.Counter, policy.WindowOf(row.State, row.Flags, row.LastAcceptedAt), typed);
        if (result.Outcome != ResynchronizationOutcome.Found || result.NextCounter > long.MaxValue)
        {
            return Reason(result.Outcome);
        }

        Distance = (long)result.NextCounter - typed.Length - row.Counter;
        row.Drift = 0;
        Move(ref row, (long)result.NextCounter, now);
        return Outcome.Resynchronised;
    }

    private Outcome SearchSteps(ref CounterRow row, OtpCode[] typed, DateTimeOffset now)
    {
        // The last code is of about now; the window looks as far into the past as into the future.
        var step = Totp.StepAt(now, facts.TimeStep);
        var half = (ulong)policy.ResyncWindow / 2;
        var from = Math.Max(step > half ? step - half : 0, (ulong)row.Counter);
        var result = Resynchronization.Find(facts.Key, from, policy.ResyncWindow, typed);
        if (result.Outcome != ResynchronizationOutcome.Found)
        {
            return Reason(result.Outcome);
        }

        row.Drift = (int)((long)result.NextCounter - 1 - (long)step);
        Distance = Math.Abs(row.Drift);
        Move(ref row, (long)result.NextCounter, now);
        return Outcome.Resynchronised;
    }

    private void Move(ref CounterRow row, long next, DateTimeOffset now)
    {
        row.Counter = Counter = next;
        row.LastAcceptedAt = now.ToUnixTimeMilliseconds();
        row.Flags = (row.Flags | CounterFlags.OneCodeSeen) & ~CounterFlags.ResyncRequired;
        if (row.State == TokenState.Imported)
        {
            // Two consecutive codes prove that key and server share seed and counter.
            row.State = TokenState.Active;
        }

        Throttle.Clear(ref row);
    }

    private static Outcome Reason(ResynchronizationOutcome outcome) => outcome switch
    {
        ResynchronizationOutcome.NotConsecutive => Outcome.ResyncNotConsecutive,
        ResynchronizationOutcome.Ambiguous => Outcome.ResyncAmbiguous,
        ResynchronizationOutcome.AlreadyUsed => Outcome.ResyncAlreadyUsed,
        _ => Outcome.ResyncFirstCodeNotFound,
    };
}
