using System.Runtime.CompilerServices;
using OathServer.Storage;
using OathServer.Validation.Elsewhere;

namespace OathServer.Validation;

/// <summary>Who asks: for the log, and to know a repetition of the same request.</summary>
/// <param name="ApiKeyId">The relying party; 0 for none.</param>
/// <param name="Realms">Whether a realm may be entered; null when all may.</param>
/// <param name="RequestId">What the caller named the request, if it did.</param>
/// <param name="AnswersAtOnce">What it does with an acceptance is short and never blocks (<see cref="CounterChange.AnswersAtOnce"/>).</param>
internal readonly record struct Caller(int ApiKeyId, Validator.RealmFilter? Realms, string? RequestId = null, bool AnswersAtOnce = false);

/// <summary>Validates and resynchronises: finds the credentials, hands the attempt to the writer, waits until it is
/// durable. Used by the endpoints, by provisioning for the first code, and by the facades: there is no other path.</summary>
internal sealed class Validator(
    CredentialCache credentials, CounterCommit counters, RealmPolicies policies, RequestHash requests, GuessingWatch guessing,
    ResyncTries resyncs, SeedSwitch seeds, ParallelRun parallel,
    AttackAlarms alarms)
{
    /// <summary>A realm an API key may validate is asked for by the caller; null means all.</summary>
    public delegate bool RealmFilter(string realm);

    /// <summary>The code in what was typed: without a token identifier before it, where that is allowed.</summary>
    public string CodeOf(string typed) => policies.Defaults.TokenIdentifiers ? TokenIdentifier.Strip(typed) : typed;

    public ValueTask<ValidationAttempt> ValidateSerialAsync(
        string serial, string code, int apiKeyId, RealmFilter? realms, CancellationToken cancel) =>
        ValidateSerialAsync(serial, code, new Caller(apiKeyId, realms), cancel);

    public ValueTask<ValidationAttempt> ValidateUserAsync(
        string realm, string user, string code, int apiKeyId, RealmFilter? realms, CancellationToken cancel) =>
        ValidateUserAsync(realm, user, code, new Caller(apiKeyId, realms), cancel);

    /// <remarks>Awaited once, as every <see cref="ValueTask"/>: what it keeps between its steps is used again. Every refusal takes the
    /// same steps, whatever its reason: the writer, the database, the writer (bench <c>timing</c>). Only who gets in is quicker.</remarks>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<ValidationAttempt> ValidateSerialAsync(string serial, string code, Caller caller, CancellationToken cancel)
    {
        var request = requests.Of(caller, "s", serial, code);
        for (var fresh = false; ; fresh = true)
        {
            var found = fresh ? await credentials.BySerialAsync(serial, cancel, fresh: true) : credentials.RememberedBySerial(serial);
            if (caller.Realms is { } realms && found.Length > 0 && !realms(found[0].Realm))
            {
                found = [];
            }

            await parallel.CatchUpAsync(found, cancel);
            var attempt = new ValidationAttempt(found, code, serial, bySerial: true, caller.ApiKeyId, policies.Of(found), request, sprayed: guessing.IsSprayed(code), answersAtOnce: caller.AnswersAtOnce) { Remembered = !fresh };
            await counters.SubmitAsync(attempt);
            if (!attempt.Stale || fresh)
            {
                await SwitchAsync(attempt, found, code, caller.ApiKeyId, cancel);
                Alarm(attempt, user: null, caller);
                await ElsewhereAsync(attempt, ValidateEndpoint.DefaultRealm, serial, bySerial: true, code, caller, cancel);
                await guessing.ObserveAsync(caller.ApiKeyId, serial, code, attempt.Outcome, cancel);
                return attempt;
            }

            // The database is asked: not while others wait for this thread to answer them.
            await Task.Yield();
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

    /// <inheritdoc cref="ValidateSerialAsync(string, string, Caller, CancellationToken)"/>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<ValidationAttempt> ValidateUserAsync(string realm, string user, string code, Caller caller, CancellationToken cancel)
    {
        var request = requests.Of(caller, realm, user, code);
        for (var fresh = false; ; fresh = true)
        {
            var found = caller.Realms is not null && !caller.Realms(realm) ? []
                : fresh ? await credentials.ByUserAsync(realm, user, cancel, fresh: true) : credentials.RememberedByUser(realm, user);
            await parallel.CatchUpAsync(found, cancel);
            // Another node, or a command on this machine, may have given the user another token meanwhile: nobody is
            // refused on remembered facts.
            var attempt = new ValidationAttempt(found, code, user, bySerial: false, caller.ApiKeyId, policies.Of(realm), request, sprayed: guessing.IsSprayed(code), answersAtOnce: caller.AnswersAtOnce) { Remembered = !fresh };
            await counters.SubmitAsync(attempt);
            if (!attempt.Stale || fresh)
            {
                await SwitchAsync(attempt, found, code, caller.ApiKeyId, cancel);
                Alarm(attempt, user, caller);
                await ElsewhereAsync(attempt, realm, user, bySerial: false, code, caller, cancel);
                await guessing.ObserveAsync(caller.ApiKeyId, user, code, attempt.Outcome, cancel);
                return attempt;
            }

            // The database is asked: not while others wait for this thread to answer them.
            await Task.Yield();
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
    private async ValueTask SwitchAsync(
        ValidationAttempt attempt, CredentialFacts[] found, string code, int apiKeyId, CancellationToken cancel)
    {
        if (attempt is not { HasPendingSeed: true, Outcome: Outcome.WrongCode or Outcome.Replayed })
        {
            return;
        }

        await Task.Yield();
        if (await seeds.TryAsync(found, code, cancel) is { } switched)
        {
            // Durable before anybody is told.
            await counters.SubmitAsync(new SwitchedSeed(switched.TokenId, switched.Generation, apiKeyId));
            attempt.AcceptSwitched(switched);
        }
    }

    /// <summary>Somebody without a token here may have one on the server that is being replaced.</summary>
    private async ValueTask ElsewhereAsync(
        ValidationAttempt attempt, string realm, string name, bool bySerial, string code, Caller caller, CancellationToken cancel)
    {
        if (!parallel.IsOn || attempt.Outcome is not (Outcome.UnknownUser or Outcome.UnknownToken) || guessing.IsSprayed(code))
        {
            return;
        }

        await Task.Yield();
        if (await parallel.AskAsync(realm, name, bySerial, code, caller, cancel) is { } outcome)
        {
            attempt.DecidedElsewhere(outcome);
        }
    }

    /// <summary>The policy that holds for a token; of one that is not there or may not be asked about, the settings'.</summary>
    public async ValueTask<ValidationPolicy> PolicyOfAsync(string serial, RealmFilter? realms, CancellationToken cancel) =>
        await credentials.BySerialAsync(serial, cancel) is [var facts, ..] && realms?.Invoke(facts.Realm) != false ? policies.Of(facts.Realm) : policies.Defaults;

    /// <summary>Null when there is no such token. Who of staff asked (<paramref name="by"/>) stands in the log beside what
    /// came of it, in the transaction that moves the counter.</summary>
    public async Task<ResyncAttempt?> ResynchroniseAsync(
        string serial, string[] codes, bool byStaff, int apiKeyId, RealmFilter? realms, CancellationToken cancel, string? by = null)
    {
        for (var fresh = false; ; fresh = true)
        {
            var found = await credentials.BySerialAsync(serial, cancel, fresh);
            if (found.Length == 0 || (realms is not null && !realms(found[0].Realm)))
            {
                return null;
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
