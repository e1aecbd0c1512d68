using System.Net;
using Microsoft.AspNetCore.Diagnostics;
using OathServer.Access;
using OathServer.Storage;
using OathServer.Validation;

namespace OathServer.Interop;

/// <summary>A verdict with what facades of other servers tell of it.</summary>
internal readonly record struct FacadeVerdict(Outcome Outcome, string? Serial, int Digits)
{
    public bool Accepted => Outcome is Outcome.Accepted or Outcome.Resynchronised or Outcome.AcceptedElsewhere;
}

/// <summary>For clients that read the status and nothing else.</summary>
internal static class StatusAloneReply
{
    public static void StatusAlone(this HttpContext http) => http.Features.Get<IStatusCodePagesFeature>()?.Enabled = false;
}

/// <summary>What both facades share: who may ask, and how a code is put to the one validator. A facade holds no rule.</summary>
internal sealed class OtherClients(InteropPolicy policy, Validator validator, AheadSearch ahead, ResyncChallenge challenges)
{
    /// <summary>What a person whose code lies far ahead is asked for.</summary>
    public const string NextCodePlease = "Press your key once more and type the next code.";

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

    public async Task<FacadeVerdict> ValidateAsync(
        HttpContext http, string? user, string? serial, string? realm, string code, CancellationToken cancel)
    {
        var key = http.ApiKey();
        var realms = ValidateEndpoint.RealmsOf(key);
        code = validator.CodeOf(code);
        var attempt = serial is { Length: > 0 }
            ? await validator.ValidateSerialAsync(serial, code, key?.Id ?? 0, realms, cancel)
            : await validator.ValidateUserAsync(realm is { Length: > 0 } ? realm : policy.Realm, user!, code, key?.Id ?? 0, realms, cancel);
        return new FacadeVerdict(attempt.Outcome, attempt.AcceptedBy?.Serial, attempt.AcceptedBy?.Digits ?? code.Length);
    }

    public async Task<FacadeVerdict> ResynchroniseAsync(HttpContext http, string serial, string[] codes, CancellationToken cancel)
    {
        var key = http.ApiKey();
        var attempt = await validator.ResynchroniseAsync(
            serial, Array.ConvertAll(codes, validator.CodeOf), byStaff: false, key?.Id ?? 0, ValidateEndpoint.RealmsOf(key), cancel);
        return new FacadeVerdict(attempt?.Outcome ?? Outcome.UnknownToken, serial, codes[0].Length);
    }

    /// <summary>A challenge for the next code, where the refused one lies within the resynchronisation window; null where it
    /// does not, or where challenges are switched off.</summary>
    public async Task<(string Transaction, string Serial)?> ChallengeAsync(
        Outcome outcome, string? user, string? serial, string? realm, string code, CancellationToken cancel)
    {
        code = validator.CodeOf(code);
        return outcome == Outcome.WrongCode && policy.ResyncByChallenge
            && await ahead.FindAsync(serial, realm is { Length: > 0 } ? realm : policy.Realm, user, code, cancel) is { } place
            ? (await challenges.IssueAsync(place.Serial, code, cancel), place.Serial)
            : null;
    }

    /// <summary>The second step of a challenge: the next code, with the first one from the transaction.</summary>
    public async Task<FacadeVerdict> AnswerAsync(HttpContext http, string transaction, string code, CancellationToken cancel) =>
        await challenges.OpenAsync(transaction, cancel) is { } first
            ? await ResynchroniseAsync(http, first.Serial, [first.FirstCode, code], cancel)
            : new FacadeVerdict(Outcome.WrongCode, Serial: null, code.Length);
}
