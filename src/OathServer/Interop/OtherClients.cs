using System.Net;
using Microsoft.AspNetCore.Diagnostics;
using OathServer.Access;
using OathServer.Storage;
using OathServer.Validation;

namespace OathServer.Interop;

/// <summary>What a facade tells of a verdict: fewer things than there are reasons for it.</summary>
internal enum FacadeAnswer
{
    Wrong,
    Accepted,
    Replayed,
    WrongPin,
    Locked,
    UnknownUser,
}

/// <summary>A verdict with what facades of other servers tell of it.</summary>
internal readonly record struct FacadeVerdict(Outcome Outcome, string? Serial, int Digits)
{
    public FacadeAnswer Answer => Outcome switch
    {
        Outcome.Accepted or Outcome.Resynchronised or Outcome.AcceptedElsewhere => FacadeAnswer.Accepted,
        Outcome.Replayed => FacadeAnswer.Replayed,
        Outcome.WrongPin => FacadeAnswer.WrongPin,
        Outcome.Throttled or Outcome.Locked => FacadeAnswer.Locked,
        Outcome.UnknownUser => FacadeAnswer.UnknownUser,
        _ => FacadeAnswer.Wrong,
    };

    public bool Accepted => Answer == FacadeAnswer.Accepted;
}

/// <summary>A challenge as clients are given it.</summary>
internal sealed record Challenge(string Transaction, string Message, string[] Serials);

/// <summary>Whose code is checked: a user of a realm, or a token.</summary>
internal readonly record struct Asked(string? User, string? Serial, string? Realm);

/// <summary>For clients that read the status and nothing else.</summary>
internal static class StatusAloneReply
{
    public static void StatusAlone(this HttpContext http) => http.Features.Get<IStatusCodePagesFeature>()?.Enabled = false;
}

/// <summary>What both facades share: who may ask, and how a code is put to the one validator. A facade holds no rule.</summary>
internal sealed class OtherClients(InteropPolicy policy, Validator validator, AheadSearch ahead, Transactions transactions)
{
    private const string CodePlease = "Type the code of your key.";

    private const string PinAndCodePlease = "Type your PIN and the code of your key.";

    /// <summary>What a person whose code lies far ahead is asked for.</summary>
    private const string NextCodePlease = "Press your key once more and type the next code.";

    private readonly IPNetwork[] networks = policy.Networks();

    /// <summary>A relying party by its key, or an address of the configured networks.</summary>
    public bool MayAsk(HttpContext http)
    {
        if (http.ApiKey() is { } key)
        {
            return key.Role is Roles.RelyingParty or Roles.Administrator;
        }

        // A proxy nobody told us of: the address is the proxy's, and behind it may be anybody.
        var address = http.Request.Headers.ContainsKey("X-Forwarded-For") || http.Request.Headers.ContainsKey("Forwarded") ? null : http.Connection.RemoteIpAddress;
        return address is not null && networks.Any(n => n.Contains(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address));
    }

    /// <summary>One step of a login: a code for somebody, or the answer to a challenge. The verdict, and the next challenge
    /// where the refused code lies within the resynchronisation window.</summary>
    /// <param name="http">The request; its API key, if it has one, says which realms.</param>
    /// <param name="asked">Who; what a transaction says comes first.</param>
    /// <param name="transaction">The challenge this answers; null or empty for none.</param>
    /// <param name="code">What was typed.</param>
    /// <param name="challenges">Whether the client can show a challenge.</param>
    /// <param name="cancel">Ends the wait, not what is being committed.</param>
    public async Task<(FacadeVerdict Verdict, Challenge? Next)> CheckAsync(
        HttpContext http, Asked asked, string? transaction, string code, bool challenges, CancellationToken cancel)
    {
        if (transaction is { Length: > 0 })
        {
            switch (await transactions.OpenAsync(transaction, cancel))
            {
                case Transaction.Resync first:
                    return (await ResynchroniseAsync(http, first.Serial, [first.FirstCode, code], cancel, answers: true), null);
                case Transaction.Login login when asked.User is not { Length: > 0 } user || (login.User is { } name && Person.Normalize(name) == Person.Normalize(user)):
                    asked = new Asked(login.User, login.Serial, login.Realm);
                    break;
                default:
                    // Not ours, too old, or somebody else's: a wrong answer.
                    return (new FacadeVerdict(Outcome.WrongCode, Serial: null, code.Length), null);
            }
        }

        var attempt = await AskAsync(http, asked, code, cancel);
        return (Verdict(attempt, code), challenges ? await ChallengeAsync(attempt, cancel) : null);
    }

    public async Task<FacadeVerdict> ValidateAsync(HttpContext http, Asked asked, string code, CancellationToken cancel) =>
        Verdict(await AskAsync(http, asked, code, cancel), code);

    private async Task<ValidationAttempt> AskAsync(HttpContext http, Asked asked, string code, CancellationToken cancel)
    {
        var key = http.ApiKey();
        var realms = ValidateEndpoint.RealmsOf(key);
        code = validator.CodeOf(code);
        return asked.Serial is { Length: > 0 } serial
            ? await validator.ValidateSerialAsync(serial, code, key?.Id ?? 0, realms, cancel)
            : await validator.ValidateUserAsync(RealmOf(asked), asked.User!, code, key?.Id ?? 0, realms, cancel);
    }

    private static FacadeVerdict Verdict(ValidationAttempt attempt, string code) =>
        new(attempt.Outcome, attempt.AcceptedBy?.Serial, attempt.AcceptedBy?.Digits ?? code.Length);

    public async Task<FacadeVerdict> ResynchroniseAsync(HttpContext http, string serial, string[] codes, CancellationToken cancel, bool answers = false)
    {
        var key = http.ApiKey();
        var attempt = await validator.ResynchroniseAsync(
            serial, Array.ConvertAll(codes, validator.CodeOf), byStaff: false, key?.Id ?? 0, ValidateEndpoint.RealmsOf(key), cancel, answers: answers);
        return new FacadeVerdict(attempt?.Outcome ?? Outcome.UnknownToken, serial, codes[0].Length);
    }

    /// <summary>A challenge that any code of these tokens answers.</summary>
    public async Task<Challenge> TriggerAsync(Asked asked, string[] serials, CancellationToken cancel) =>
        new(await transactions.IssueAsync(new Transaction.Login(RealmOf(asked), asked.User, asked.Serial), cancel),
            validator.TakesPins(RealmOf(asked)) ? PinAndCodePlease : CodePlease, serials);

    /// <summary>Whether a challenge of ours still waits for its answer.</summary>
    public async Task<bool> WaitsAsync(string transaction, CancellationToken cancel) => await transactions.OpenAsync(transaction, cancel) is not null;

    public string RealmOf(Asked asked) => asked.Realm is { Length: > 0 } realm ? realm : policy.Realm;

    private async Task<Challenge?> ChallengeAsync(ValidationAttempt refused, CancellationToken cancel) =>
        refused.Outcome == Outcome.WrongCode && policy.ResyncByChallenge && await ahead.FindAsync(refused, cancel) is { } place
            ? new Challenge(await transactions.IssueAsync(new Transaction.Resync(place.Serial, place.Code), cancel), NextCodePlease, [place.Serial])
            : null;
}
