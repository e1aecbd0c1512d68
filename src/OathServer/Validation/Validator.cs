using OathServer.Storage;
using OathServer.Validation.Elsewhere;
using OathServer.Validation.Pins;

namespace OathServer.Validation;

/// <summary>Who asks: for the log, and to know a repetition of the same request.</summary>
/// <param name="ApiKeyId">The relying party; 0 for none.</param>
/// <param name="Realms">Whether a realm may be entered; null when all may.</param>
/// <param name="RequestId">What the caller named the request, if it did.</param>
/// <param name="AnswersAtOnce">What it does with an acceptance is short and never blocks (<see cref="CounterChange.AnswersAtOnce"/>).</param>
internal readonly record struct Caller(int ApiKeyId, Validator.RealmFilter? Realms, string? RequestId = null, bool AnswersAtOnce = false);

/// <summary>Whom a code is asked about.</summary>
/// <param name="Realm">The user's realm; the default one for a serial number.</param>
/// <param name="Name">The user's name or the serial number.</param>
/// <param name="BySerial">Which of them.</param>
/// <param name="Code">The code.</param>
internal readonly record struct Asked(string Realm, string Name, bool BySerial, string Code)
{
    public static Asked OfSerial(string serial, string code) => new(ValidateEndpoint.DefaultRealm, serial, BySerial: true, code);

    public static Asked OfUser(string realm, string user, string code) => new(realm, user, BySerial: false, code);

    /// <summary>Never whom and what it was about.</summary>
    public override string ToString() => BySerial ? "a serial number" : "a user";
}

/// <summary>Validates and resynchronises: finds the credentials, hands the attempt to the writer, waits until it is
/// durable. Used by the endpoints, by provisioning for the first code, and by the facades: there is no other path.</summary>
internal sealed class Validator(
    CredentialCache credentials, CounterCommit counters, RealmPolicies policies, RequestHash requests, GuessingWatch guessing,
    ResyncTries resyncs, SeedSwitch seeds, ParallelRun parallel, AttackAlarms alarms, PinCheck pinCheck)
{
    /// <summary>A realm an API key may validate is asked for by the caller; null means all.</summary>
    public delegate bool RealmFilter(string realm);

    /// <summary>The code in what was typed: without a token identifier before it, where that is allowed.</summary>
    public string CodeOf(string typed) => policies.Defaults.TokenIdentifiers ? TokenIdentifier.Strip(typed) : typed;

    /// <summary>Whether a PIN may stand before a code of this realm; of a serial number (null) the realm is not known yet.</summary>
    public bool TakesPins(string? realm) => realm is null ? policies.TakePins : policies.Of(realm).Pin != PinRule.None;

    public Task<ValidationAttempt> ValidateSerialAsync(
        string serial, string code, int apiKeyId, RealmFilter? realms, CancellationToken cancel) =>
        ValidateAsync(Asked.OfSerial(serial, code), new Caller(apiKeyId, realms), RefusalPace.Now, fresh: false, cancel);

    public Task<ValidationAttempt> ValidateUserAsync(
        string realm, string user, string code, int apiKeyId, RealmFilter? realms, CancellationToken cancel) =>
        ValidateAsync(Asked.OfUser(realm, user, code), new Caller(apiKeyId, realms), RefusalPace.Now, fresh: false, cancel);

    /// <summary>The first look, on what is remembered: hands the attempt to the writer, and the caller waits for
    /// <see cref="CounterChange.Durable"/>, so that the usual validation needs no task of its own. Null while a parallel run
    /// must be asked first, and where a PIN may stand before the code; then <see cref="ResumeAsync"/> does the whole of it.</summary>
    /// <remarks>Every refusal takes the same steps, whatever its reason: the writer, the database, the writer; and leaves at
    /// the same time (<see cref="RefusalPace"/>). Only who gets in is quicker.</remarks>
    public ValidationAttempt? TryBegin(in Asked asked, in Caller caller)
    {
        if (!parallel.IsIdle)
        {
            return null;
        }

        var found = Allowed(asked, caller, Remembered(asked, caller));
        var policy = PolicyOf(asked, found);
        if (policy.Pin != PinRule.None)
        {
            // A PIN is looked at before the writer, and by nobody else's thread.
            return null;
        }

        var attempt = Attempt(asked, caller, found, policy, fresh: false);
        _ = counters.SubmitAsync(attempt);
        return attempt;
    }

    /// <summary>Takes note of an attempt that is durable; false when more is left to do (<see cref="ResumeAsync"/>).</summary>
    public bool TryEnd(ValidationAttempt begun, int apiKeyId)
    {
        if (begun is not { Stale: false, Outcome: Outcome.Accepted })
        {
            return false;
        }

        guessing.ObserveAcceptance(apiKeyId);
        return true;
    }

    /// <summary>What is left after <see cref="TryBegin"/>, once that attempt is durable.</summary>
    /// <param name="begun">That attempt; null when there was none.</param>
    /// <param name="asked">Whom it is about.</param>
    /// <param name="caller">Who asks.</param>
    /// <param name="arrivedAt">When the request came (<see cref="RefusalPace.Now"/>).</param>
    /// <param name="cancel">Ends the wait, not what is being committed.</param>
    public async Task<ValidationAttempt> ResumeAsync(ValidationAttempt? begun, Asked asked, Caller caller, long arrivedAt, CancellationToken cancel)
    {
        if (begun is { Stale: false })
        {
            await FinishAsync(begun, asked, caller, arrivedAt, cancel);
            return begun;
        }

        // The database is asked: not while others wait for this thread to answer them.
        await Task.Yield();
        return await ValidateAsync(asked, caller, arrivedAt, fresh: begun is not null, cancel);
    }

    private async Task<ValidationAttempt> ValidateAsync(Asked asked, Caller caller, long arrivedAt, bool fresh, CancellationToken cancel)
    {
        while (true)
        {
            var found = !fresh || !MayEnter(asked, caller) ? Remembered(asked, caller)
                : asked.BySerial ? await credentials.BySerialAsync(asked.Name, cancel, fresh: true)
                : await credentials.ByUserAsync(asked.Realm, asked.Name, cancel, fresh: true);
            found = Allowed(asked, caller, found);
            var policy = PolicyOf(asked, found);
            await parallel.CatchUpAsync(found, cancel);
            if (policy.Pin != PinRule.None)
            {
                if (fresh)
                {
                    return await ValidateWithPinAsync(asked, caller, arrivedAt, found, policy, cancel);
                }

                // A PIN is hashed once, against what the database says now.
                fresh = true;
                continue;
            }

            var attempt = Attempt(asked, caller, found, policy, fresh);
            await counters.SubmitAsync(attempt);
            if (!attempt.Stale || fresh)
            {
                await FinishAsync(attempt, asked, caller, arrivedAt, cancel);
                return attempt;
            }

            fresh = true;
            await Task.Yield();
        }
    }

    private async Task<ValidationAttempt> ValidateWithPinAsync(
        Asked asked, Caller caller, long arrivedAt, CredentialFacts[] found, ValidationPolicy policy, CancellationToken cancel)
    {
        ValidationAttempt attempt;
        using (var look = await pinCheck.LookAsync(found, asked.Code, cancel))
        {
            attempt = Attempt(asked, caller, found, policy, fresh: true, look);
            await counters.SubmitAsync(attempt);
            if (attempt.AcceptedBy is { } accepted)
            {
                await pinCheck.RenewAsync(look, accepted, cancel);
            }
        }

        await FinishAsync(attempt, asked, caller, arrivedAt, cancel);
        return attempt;
    }

    /// <summary>Of a serial number the realm is known once its token is found.</summary>
    private static bool MayEnter(in Asked asked, in Caller caller) => asked.BySerial || caller.Realms?.Invoke(asked.Realm) != false;

    private CredentialFacts[] Remembered(in Asked asked, in Caller caller) => !MayEnter(asked, caller) ? []
        : asked.BySerial ? credentials.RememberedBySerial(asked.Name)
        : credentials.RememberedByUser(asked.Realm, asked.Name);

    /// <summary>A token of a realm that the caller may not enter is not there for it.</summary>
    private static CredentialFacts[] Allowed(in Asked asked, in Caller caller, CredentialFacts[] found) =>
        asked.BySerial && caller.Realms is { } realms && found.Length > 0 && !realms(found[0].Realm) ? [] : found;

    private ValidationPolicy PolicyOf(in Asked asked, CredentialFacts[] found) => asked.BySerial ? policies.Of(found) : policies.Of(asked.Realm);

    private ValidationAttempt Attempt(
        in Asked asked, in Caller caller, CredentialFacts[] found, ValidationPolicy policy, bool fresh, PinLook? pins = null) =>
        new(found, asked.Code, asked.Name, asked.BySerial, caller.ApiKeyId, policy, requests.Of(asked, caller),
            sprayed: guessing.IsSprayed(asked.Code), answersAtOnce: caller.AnswersAtOnce && pins is null, pins: pins)
        {
            // Another node, or a command on this machine, may have given the user another token meanwhile: nobody is
            // refused on remembered facts.
            Remembered = !fresh,
        };

    private async ValueTask FinishAsync(ValidationAttempt attempt, Asked asked, Caller caller, long arrivedAt, CancellationToken cancel)
    {
        await SwitchAsync(attempt, caller.ApiKeyId, cancel);
        Alarm(attempt, asked.BySerial ? null : asked.Name, caller);
        await ElsewhereAsync(attempt, asked, caller, cancel);
        await guessing.ObserveAsync(caller.ApiKeyId, asked.Name, asked.Code, attempt.Outcome, cancel);
        if (!attempt.IsAccepted)
        {
            await RefusalPace.UntilStepAsync(arrivedAt);
        }
    }

    /// <summary>The first code of a key being provisioned: as a validation by serial number, but a pending token may
    /// accept it. It stays pending, so nobody else gets in before its job is confirmed.</summary>
    public async Task<ValidationAttempt> ProveAsync(string serial, string code, CancellationToken cancel)
    {
        for (var fresh = false; ; fresh = true)
        {
            var found = await credentials.BySerialAsync(serial, cancel, fresh);
            var attempt = new ValidationAttempt(found, code, serial, bySerial: true, apiKeyId: 0, policies.Of(found), provesPending: true);
            await counters.SubmitAsync(attempt);
            if (!attempt.Stale || fresh)
            {
                return attempt;
            }
        }
    }

    private void Alarm(ValidationAttempt attempt, string? user, Caller caller)
    {
        if ((attempt.ReplayOf is not null || attempt.LockOf is not null) && !attempt.IsAccepted)
        {
            alarms.Note(attempt, user, caller.ApiKeyId);
        }
    }

    /// <summary>A refused code may be the first of a seed that waits to be switched to. Rare: off the hot path.</summary>
    private async ValueTask SwitchAsync(ValidationAttempt attempt, int apiKeyId, CancellationToken cancel)
    {
        if (attempt is not { HasPendingSeed: true, Outcome: Outcome.WrongCode or Outcome.Replayed })
        {
            return;
        }

        await Task.Yield();
        if (await seeds.TryAsync(attempt, cancel) is { } switched)
        {
            // Durable before anybody is told.
            await counters.SubmitAsync(new SwitchedSeed(switched.TokenId, switched.Generation, apiKeyId));
            attempt.AcceptSwitched(switched);
        }
    }

    /// <summary>Somebody without a token here may have one on the server that is being replaced.</summary>
    private async ValueTask ElsewhereAsync(ValidationAttempt attempt, Asked asked, Caller caller, CancellationToken cancel)
    {
        if (!parallel.IsOn || attempt.Outcome is not (Outcome.UnknownUser or Outcome.UnknownToken) || guessing.IsSprayed(asked.Code))
        {
            return;
        }

        await Task.Yield();
        if (await parallel.AskAsync(asked.Realm, asked.Name, asked.BySerial, asked.Code, caller, cancel) is { } outcome)
        {
            attempt.DecidedElsewhere(outcome);
        }
    }

    /// <summary>The policy that holds for a token; of one that is not there or may not be asked about, the settings'.</summary>
    public async ValueTask<ValidationPolicy> PolicyOfAsync(string serial, RealmFilter? realms, CancellationToken cancel) =>
        await credentials.BySerialAsync(serial, cancel) is [var facts, ..] && realms?.Invoke(facts.Realm) != false ? policies.Of(facts.Realm) : policies.Defaults;

    /// <summary>Null when there is no such token. Who of staff asked (<paramref name="by"/>) stands in the log beside what
    /// came of it, in the transaction that moves the counter. Where the last code answers a challenge
    /// (<paramref name="answers"/>), a PIN before it is not looked at.</summary>
    public async Task<ResyncAttempt?> ResynchroniseAsync(
        string serial, string[] codes, bool byStaff, int apiKeyId, RealmFilter? realms, CancellationToken cancel, string? by = null, bool answers = false)
    {
        for (var fresh = false; ; fresh = true)
        {
            var found = await credentials.BySerialAsync(serial, cancel, fresh);
            if (found.Length == 0 || (realms is not null && !realms(found[0].Realm)))
            {
                return null;
            }

            if (answers && policies.Of(found).Pin != PinRule.None)
            {
                // The first step of this login took the PIN; who is used to it types it again.
                codes = [.. codes[..^1], PinAndCode.Part(codes[^1], found[0].Digits, policies.Defaults.TokenIdentifiers).Code];
            }

            await parallel.CatchUpAsync(found, cancel);
            var attempt = new ResyncAttempt(found[0], codes, byStaff, apiKeyId, policies.Of(found), tooMany: !fresh && !resyncs.Take(found[0].TokenId), by);
            await counters.SubmitAsync(attempt);
            if (!attempt.Stale || fresh)
            {
                return attempt;
            }
        }
    }
}
