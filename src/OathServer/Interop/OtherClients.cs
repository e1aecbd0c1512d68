using System.Net;
using Microsoft.AspNetCore.Diagnostics;
using OathServer.Access;
using OathServer.Storage;
using OathServer.Validation;

namespace OathServer.Interop;

/// <summary>A verdict with what facades of other servers tell of it.</summary>
internal readonly record struct FacadeVerdict(Outcome Outcome, string? Serial, int Digits)
{
    public bool Accepted => Outcome is Outcome.Accepted or Outcome.Resynchronised;
}

/// <summary>For clients that read the status and nothing else.</summary>
internal static class StatusAloneReply
{
    public static void StatusAlone(this HttpContext http) => http.Features.Get<IStatusCodePagesFeature>()?.Enabled = false;
}

/// <summary>What both facades share: who may ask, and how a code is put to the one validator. A facade holds no rule.</summary>
internal sealed class OtherClients(InteropPolicy policy, Validator validator)
{
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
        Validator.RealmFilter? realms = key is null ? null : key.MayEnter;
        var attempt = serial is { Length: > 0 }
            ? await validator.ValidateSerialAsync(serial, code, key?.Id ?? 0, realms, cancel)
            : await validator.ValidateUserAsync(realm is { Length: > 0 } ? realm : policy.Realm, user!, code, key?.Id ?? 0, realms, cancel);
        return new FacadeVerdict(attempt.Outcome, attempt.AcceptedBy?.Serial, attempt.AcceptedBy?.Digits ?? code.Length);
    }

    public async Task<FacadeVerdict> ResynchroniseAsync(HttpContext http, string serial, string[] codes, CancellationToken cancel)
    {
        var key = http.ApiKey();
        var attempt = await validator.ResynchroniseAsync(
            serial, codes, byStaff: false, key?.Id ?? 0, key is null ? null : key.MayEnter, cancel);
        return new FacadeVerdict(attempt?.Outcome ?? Outcome.UnknownToken, serial, codes[0].Length);
    }
}
