using Oath;
using OathServer.Storage;
using OathServer.Validation.Pins;

namespace OathServer.Validation;

/// <summary>One code against the credentials of a user or a serial number. All branching of a validation is here.</summary>
internal sealed class ValidationAttempt(
    CredentialFacts[] candidates, string code, string subject, bool bySerial, int apiKeyId, ValidationPolicy policy,
    long request = 0, bool provesPending = false, bool sprayed = false, bool answersAtOnce = false, PinLook? pins = null) : CounterChange(answersAtOnce)
{
    private const int LookBack = 10;

    // Looked at when nobody was found, so that an unknown name costs what a wrong code costs.
    private static readonly OathKey Decoy = OathKey.Create(OathAlgorithm.Sha1, "decoy, matched by nobody"u8);

    // Nearly all have one token: that needs no list.
    private readonly long onlyId = candidates is [var only] ? only.TokenId : 0;
    private readonly long[]? tokenIds = candidates.Length == 1 ? null : IdsOf(candidates);

    public override ReadOnlySpan<long> TokenIds => tokenIds is null ? new ReadOnlySpan<long>(in onlyId) : tokenIds;

    /// <summary>The credentials that the code may be of.</summary>
    public CredentialFacts[] Candidates => candidates;

    /// <summary>Whoever sends the serial number says which token, whosever it is.</summary>
    public override bool NeedsHolder => !bySerial;

    /// <summary>The credential that accepted the code.</summary>
    public CredentialFacts? AcceptedBy { get; private set; }

    /// <summary>The code that was typed for this credential; null when its PIN was not.</summary>
    public string? CodeOf(CredentialFacts facts) => pins is null ? code : pins.CodeOf(facts, pins.Of(facts).HasPin);

    /// <summary>A token of these has a new seed waiting, and the present ones did not fit the code.</summary>
    public bool HasPendingSeed { get; private set; }

    /// <summary>The code was of the new seed, and the token has switched to it.</summary>
    public void AcceptSwitched(CredentialFacts facts) => (Outcome, AcceptedBy) = (Outcome.Accepted, facts);

    /// <summary>The credential whose used code came again.</summary>
    public CredentialFacts? ReplayOf { get; private set; }

    /// <summary>The credential that this failure made wait, or locked (<see cref="LocksForGood"/>).</summary>
    public CredentialFacts? LockOf { get; private set; }

    /// <summary>Only help desk unlocks it.</summary>
    public bool LocksForGood { get; private set; }

    /// <summary>There is no token here; the server that is being replaced was asked.</summary>
    public void DecidedElsewhere(Outcome outcome) => Outcome = outcome;

    /// <summary>Whether the holder gets in.</summary>
    public bool IsAccepted => Outcome is Outcome.Accepted or Outcome.AcceptedElsewhere;

    /// <summary>The facts were not read for this request: they may be of an earlier generation or holder, or not there, so
    /// they may accept but not refuse.</summary>
    public bool Remembered { get; init; }

    public override void Decide(CounterRows rows, DateTimeOffset now, ValidationLog log)
    {
        Outcome = Outcome.Refused;
        AcceptedBy = null;
        Stale = false;
        HasPendingSeed = false;
        (ReplayOf, LockOf, LocksForGood) = (null, null, false);
        if (candidates.Length == 0 && Remembered)
        {
            Stale = true;
            return;
        }

        if (candidates.Length == 0)
        {
            // A facade may hand on what is no code at all; a fault here would refuse the whole batch.
            _ = code.Length is >= Hotp.MinDigits and <= Hotp.MaxDigits && OtpCode.TryParse(code, code.Length, out var typed) && LookAheadWindow.TryMatch(Decoy, 0, policy.LookAhead, typed, out _);
            Outcome = bySerial ? Outcome.UnknownToken : Outcome.UnknownUser;
            log.Add(now, tokenId: 0, apiKeyId, Outcome, subject: subject);
            return;
        }

        foreach (var candidate in candidates)
        {
            if (!rows.Contains(candidate.TokenId) || IsStale(candidate, rows[candidate.TokenId]))
            {
                Stale = true;
                return;
            }
        }

        if (request != 0 && Repeats(rows, now) is { } before)
        {
            Outcome = Outcome.Accepted;
            AcceptedBy = before;
            log.Add(now, before.TokenId, apiKeyId, Outcome.Repeated, rows[before.TokenId].Counter);
            return;
        }

        // A user's failures are counted once, on the first of the user's credentials.
        ref var counted = ref rows[candidates[0].TokenId];
        if ((Throttle.Refuses(counted, now) ?? pins?.Held) is { } refusal)
        {
            if (Remembered)
            {
                // Nothing would be counted; asked again all the same, or the answer came sooner than that to a wrong code.
                Stale = true;
                return;
            }

            Outcome = refusal;
            log.Add(now, counted.TokenId, apiKeyId, refusal, counted.Counter);
            return;
        }

        if (sprayed)
        {
            // Not the user's failure: one code tried on everybody must not lock everybody.
            Outcome = Outcome.GuessingAlarm;
            log.Add(now, counted.TokenId, apiKeyId, Outcome, counted.Counter);
            return;
        }

        var asRead = counted;
        Throttle.CountFailure(ref counted, policy, now);
        var outcome = Outcome.NotInUse;
        foreach (var candidate in candidates)
        {
            ref var row = ref rows[candidate.TokenId];
            var result = Try(candidate, ref row, now, out var distance);
            if (result == Outcome.Accepted)
            {
                Throttle.Clear(ref counted);
                Throttle.Clear(ref row);
                row.LastRequest = request;
                Outcome = Outcome.Accepted;
                AcceptedBy = candidate;
                ReplayOf = null;
                Distance = distance;
                log.Add(now, row.TokenId, apiKeyId, Outcome.Accepted, row.Counter, distance, generation: row.Generation);
                return;
            }

            HasPendingSeed |= (row.Flags & CounterFlags.ReseedPending) != 0 && result is (Outcome.WrongCode or Outcome.Replayed);

            ReplayOf ??= result == Outcome.Replayed ? candidate : null;

            outcome = MoreTelling(outcome, result);
        }

        if (Remembered)
        {
            counted = asRead;
            Stale = true;
            ReplayOf = null;
            return;
        }

        var held = Throttle.Refuses(counted, now);
        (LockOf, LocksForGood) = (held is null ? null : candidates[0], held == Outcome.Locked);
        Outcome = outcome;
        log.Add(now, counted.TokenId, apiKeyId, outcome, counted.Counter);
    }

    /// <summary>Of several credentials: a replay before a wrong code before a wrong PIN before not in use.</summary>
    private static Outcome MoreTelling(Outcome first, Outcome second)
    {
        static int Rank(Outcome outcome) => outcome switch { Outcome.Replayed => 3, Outcome.NotInUse => 0, Outcome.WrongPin => 1, _ => 2 };
        return Rank(second) > Rank(first) ? second : first;
    }

    private bool IsStale(CredentialFacts facts, in CounterRow row) =>
        row.Generation != facts.Generation
        || (!bySerial && row.PersonId != CounterRow.NotRead && row.PersonId != facts.PersonId);

    /// <summary>The credential that accepted this very request a moment ago.</summary>
    private CredentialFacts? Repeats(CounterRows rows, DateTimeOffset now)
    {
        foreach (var candidate in candidates)
        {
            ref var row = ref rows[candidate.TokenId];
            if (row.LastRequest == request && now.ToUnixTimeMilliseconds() - row.LastAcceptedAt <= RequestHash.RepeatedForMilliseconds)
            {
                return candidate;
            }
        }

        return null;
    }

    private Outcome Try(CredentialFacts facts, ref CounterRow row, DateTimeOffset now, out int distance)
    {
        distance = 0;
        if (row.State is not (TokenState.Active or TokenState.Imported) && !(provesPending && row.State == TokenState.Pending))
        {
            return Outcome.NotInUse;
        }

        if ((row.Flags & CounterFlags.HolderInactive) != 0)
        {
            return Outcome.NotInUse;
        }

        var mine = code;
        if (pins is not null)
        {
            // By the row under the lock: a PIN that was set or taken away meanwhile, on any node, is not got round.
            if (pins.CodeOf(facts, (row.Flags & CounterFlags.HasPin) != 0) is not { } behind)
            {
                return Outcome.WrongPin;
            }

            mine = behind;
        }

        if (!OtpCode.TryParse(mine, facts.Digits, out var typed))
        {
            return Outcome.WrongCode;
        }

        return facts.Type == TokenType.Totp
            ? TryTimeStep(facts, ref row, typed, now, out distance)
            : TryCounter(facts, ref row, typed, now, out distance);
    }

    private Outcome TryCounter(CredentialFacts facts, ref CounterRow row, OtpCode typed, DateTimeOffset now, out int distance)
    {
        distance = 0;
        if ((row.Flags & CounterFlags.ResyncRequired) != 0)
        {
            return TryAfterRestore(facts, ref row, typed, now, out distance);
        }

        var counter = (ulong)row.Counter;
        // The highest value a row can hold is never accepted, as there is no next one.
        if (LookAheadWindow.TryMatch(facts.Key, counter, policy.LookAhead, typed, out var matched) && matched < long.MaxValue)
        {
            distance = (int)(matched - counter);
            var consecutive = distance == 0 && (row.Flags & CounterFlags.OneCodeSeen) != 0;
            row.Counter = (long)matched + 1;
            row.Drift = 0;
            Accept(ref row, now, provesAlignment: consecutive);
            return Outcome.Accepted;
        }

        if (policy.MayHaveRunAhead(row.State, row.Flags, row.LastAcceptedAt) && TrySecondOfTwo(facts, ref row, typed, now, policy.FirstUseWindow, out distance))
        {
            return Outcome.Accepted;
        }

        var back = (int)Math.Min(counter, LookBack);
        return back > 0 && LookAheadWindow.TryMatch(facts.Key, counter - (ulong)back, back - 1, typed, out _)
            ? Outcome.Replayed
            : Outcome.WrongCode;
    }

    /// <summary>A token that was restored without a journal: its counter is only known to be no lower than this. One
    /// code may be an old one, so the first that fits is refused and remembered; the one directly after it lets the
    /// holder in.</summary>
    private Outcome TryAfterRestore(CredentialFacts facts, ref CounterRow row, OtpCode typed, DateTimeOffset now, out int distance)
    {
        if (!TrySecondOfTwo(facts, ref row, typed, now, policy.ResyncWindow, out distance))
        {
            return Outcome.ResyncRequired;
        }

        row.Flags &= ~CounterFlags.ResyncRequired;
        return Outcome.Accepted;
    }

    /// <summary>A code far ahead is remembered (in the drift, which HOTP does not use) and refused; the one directly after
    /// it lets the holder in, whichever requests they came with. Any other code in between forgets the first.</summary>
    private static bool TrySecondOfTwo(CredentialFacts facts, ref CounterRow row, OtpCode typed, DateTimeOffset now, int window, out int distance)
    {
        distance = 0;
        var counter = (ulong)row.Counter;
        if (row.Drift > 0 && LookAheadWindow.TryMatch(facts.Key, counter + (ulong)row.Drift, 0, typed, out var second) && second < long.MaxValue)
        {
            distance = row.Drift - 1;
            row.Counter = (long)second + 1;
            row.Drift = 0;
            Accept(ref row, now, provesAlignment: true);
            return true;
        }

        row.Drift = LookAheadWindow.TryMatch(facts.Key, counter, window, typed, out var first) ? (int)(first - counter) + 1 : 0;
        return false;
    }

    private Outcome TryTimeStep(CredentialFacts facts, ref CounterRow row, OtpCode typed, DateTimeOffset now, out int distance)
    {
        distance = 0;
        var step = Totp.StepAt(now, facts.TimeStep);
        var tolerance = policy.TimeStepTolerance;
        if (Totp.TryMatch(facts.Key, step, row.Drift, tolerance, tolerance, (ulong)row.Counter, typed, out var matched))
        {
            distance = (int)((long)matched - (long)step);
            row.Counter = (long)matched + 1;
            row.Drift = distance;
            Accept(ref row, now, provesAlignment: true);
            return Outcome.Accepted;
        }

        return Totp.TryMatch(facts.Key, step, row.Drift, tolerance, tolerance, firstAllowedStep: 0, typed, out _)
            ? Outcome.Replayed
            : Outcome.WrongCode;
    }

    private static long[] IdsOf(CredentialFacts[] candidates)
    {
        var ids = new long[candidates.Length];
        for (var i = 0; i < ids.Length; i++)
        {
            ids[i] = candidates[i].TokenId;
        }

        return ids;
    }

    private static void Accept(ref CounterRow row, DateTimeOffset now, bool provesAlignment)
    {
        row.LastAcceptedAt = now.ToUnixTimeMilliseconds();
        if (row.State == TokenState.Imported && provesAlignment)
        {
            row.State = TokenState.Active;
        }

        row.Flags |= CounterFlags.OneCodeSeen;
    }
}
