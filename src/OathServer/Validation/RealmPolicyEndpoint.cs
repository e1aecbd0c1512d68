using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Operations;
using OathServer.Storage;

namespace OathServer.Validation;

/// <summary>A realm's own policy. What is left out is as the settings say (section <c>Validation</c>).</summary>
/// <param name="Version">The version that was edited, 0 for a realm without one; another one there meanwhile is a conflict.
/// Left out: whatever is there is written over.</param>
/// <param name="LookAhead">Codes tried past the counter, 0 to 50.</param>
/// <param name="ResyncWindow">Counters a resynchronisation searches, 2 to 1000; above 100 three codes are asked for.</param>
/// <param name="FirstUseWindow">The same for an imported token not used yet, 0 to 10000.</param>
/// <param name="TimeStepTolerance">Time steps before and after the present one, 0 to 10.</param>
/// <param name="FastFailures">Failures without a delay, 1 to the hard cap.</param>
/// <param name="FirstDelaySeconds">The first delay; it doubles with each further failure.</param>
/// <param name="LongestDelaySeconds">Where the doubling ends.</param>
/// <param name="HardCap">Failures in a row after which help desk unlocks, 1 to 100.</param>
/// <param name="Pin"><c>none</c>, or <c>before-code</c>: a token that has a PIN takes it before the code.</param>
public sealed record RealmPolicyRequest(
    int? Version = null, int? LookAhead = null, int? ResyncWindow = null, int? FirstUseWindow = null, int? TimeStepTolerance = null, int? FastFailures = null,
    int? FirstDelaySeconds = null, int? LongestDelaySeconds = null, int? HardCap = null, string? Pin = null);

/// <summary>The policy that holds in a realm.</summary>
/// <param name="Realm">The realm.</param>
/// <param name="Version">Of its own policy; 0 when it follows the settings.</param>
/// <param name="LookAhead">Codes tried past the counter.</param>
/// <param name="ResyncWindow">Counters a resynchronisation searches.</param>
/// <param name="FirstUseWindow">The same for an imported token not used yet.</param>
/// <param name="TimeStepTolerance">Time steps before and after the present one.</param>
/// <param name="FastFailures">Failures without a delay.</param>
/// <param name="FirstDelaySeconds">The first delay.</param>
/// <param name="LongestDelaySeconds">Where the doubling ends.</param>
/// <param name="HardCap">Failures in a row after which help desk unlocks.</param>
/// <param name="Pin">What stands in the field of a code: <c>none</c> (the code alone) or <c>before-code</c>.</param>
/// <param name="CodesForResync">How many codes a resynchronisation asks for.</param>
/// <param name="ChanceOfAGuess">Chance that guessing until the hard cap hits a token of six digits (RFC 4226 A.4.3).</param>
/// <param name="Warning">Set when that is more than the defaults allow.</param>
/// <param name="ChangedBy">Who changed it last; null when it follows the settings.</param>
/// <param name="ChangedAt">When.</param>
public sealed record RealmPolicyView(
    string Realm, int Version, int LookAhead, int ResyncWindow, int FirstUseWindow, int TimeStepTolerance, int FastFailures, int FirstDelaySeconds,
    int LongestDelaySeconds, int HardCap, string Pin, int CodesForResync, double ChanceOfAGuess, string? Warning, string? ChangedBy, DateTimeOffset? ChangedAt);

/// <summary><c>/v1/realms</c>: policies, realm by realm.</summary>
internal static class RealmPolicyEndpoint
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/realms", List).RequireAuthorization(Rules.Read).WithSummary("Every realm with the policy that holds in it.");
        routes.MapGet("/v1/realms/{realm}/policy", Get).RequireAuthorization(Rules.Read).WithSummary("The policy that holds in a realm.");
        routes.MapPut("/v1/realms/{realm}/policy", Put).RequireAuthorization(Rules.Administer)
            .WithSummary("Gives a realm a policy of its own; it holds on every node without a restart.")
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status409Conflict);
        routes.MapDelete("/v1/realms/{realm}/policy", Delete).RequireAuthorization(Rules.Administer)
            .WithSummary("Lets a realm follow the settings again.").ProducesProblem(StatusCodes.Status404NotFound);
    }

    /// <summary>The realms there are: of tokens, of people, and those with a policy.</summary>
    public static async Task<List<string>> RealmsAsync(OathDbContext db, CancellationToken cancel)
    {
        var all = await db.Tokens.Select(t => t.Realm).Union(db.People.Select(p => p.Realm)).Union(db.RealmPolicies.Select(p => p.Realm)).ToListAsync(cancel);
        all.Sort(StringComparer.Ordinal);
        return all;
    }

    private static async Task<Ok<List<RealmPolicyView>>> List(OathDbContext db, RealmPolicies policies, CancellationToken cancel)
    {
        var rows = await db.RealmPolicies.AsNoTracking().ToDictionaryAsync(p => p.Realm, StringComparer.Ordinal, cancel);
        var realms = await RealmsAsync(db, cancel);
        return TypedResults.Ok(realms.ConvertAll(realm => View(realm, rows.GetValueOrDefault(realm), policies)));
    }

    private static async Task<Ok<RealmPolicyView>> Get(string realm, OathDbContext db, RealmPolicies policies, CancellationToken cancel) =>
        TypedResults.Ok(View(realm, await db.RealmPolicies.AsNoTracking().SingleOrDefaultAsync(p => p.Realm == realm, cancel), policies));

    private static async Task<Results<Ok<RealmPolicyView>, ProblemHttpResult>> Put(
        string realm, RealmPolicyRequest request, HttpContext http, OathDbContext db, RealmPolicies policies, RealmPolicyLife life, CancellationToken cancel)
    {
        if (RealmPolicyLife.FaultOf(realm) is { } rule)
        {
            return Problem.BadField("realm", rule);
        }

        if (request.Pin is { } pin && PinRuleWords.Parse(pin) is null)
        {
            return Problem.BadField("pin", $"{PinRuleWords.None} or {PinRuleWords.BeforeCode}.");
        }

        var wanted = Wanted(request, policies.Defaults);
        foreach (var (field, fault) in wanted.FieldFaults())
        {
            return Problem.BadField(field is "FirstDelay" or "LongestDelay" ? $"{Camel(field)}Seconds" : Camel(field), fault);
        }

        return await life.SetAsync(db, realm, wanted, request.Version, Actors.Of(http), cancel) switch
        {
            PolicyEdit.Conflict conflict => Problem.Conflict($"The policy of realm {realm} is at version {conflict.Version}.", "Read it again and edit that version."),
            _ => await Get(realm, db, policies, cancel),
        };
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> Delete(
        string realm, HttpContext http, OathDbContext db, RealmPolicyLife life, CancellationToken cancel) =>
        await life.ResetAsync(db, realm, Actors.Of(http), cancel)
            ? TypedResults.NoContent()
            : Problem.NotFound($"Realm {realm} has no policy of its own.", "GET /v1/realms lists what holds where.");

    private static string Camel(string name) => char.ToLowerInvariant(name[0]) + name[1..];

    private static ValidationPolicy Wanted(RealmPolicyRequest request, ValidationPolicy defaults)
    {
        var row = new RealmPolicy { Realm = "", ChangedBy = "" };
        defaults.WriteTo(row);
        row.LookAhead = request.LookAhead ?? row.LookAhead;
        row.ResyncWindow = request.ResyncWindow ?? row.ResyncWindow;
        row.FirstUseWindow = request.FirstUseWindow ?? row.FirstUseWindow;
        row.TimeStepTolerance = request.TimeStepTolerance ?? row.TimeStepTolerance;
        row.FastFailures = request.FastFailures ?? row.FastFailures;
        row.FirstDelaySeconds = request.FirstDelaySeconds ?? row.FirstDelaySeconds;
        row.LongestDelaySeconds = request.LongestDelaySeconds ?? row.LongestDelaySeconds;
        row.HardCap = request.HardCap ?? row.HardCap;
        row.Pin = PinRuleWords.Parse(request.Pin) ?? row.Pin;
        return defaults.With(row);
    }

    private static RealmPolicyView View(string realm, RealmPolicy? row, RealmPolicies policies)
    {
        var policy = row is null ? policies.Defaults : policies.Defaults.With(row);
        return new RealmPolicyView(
            realm, row?.Version ?? 0, policy.LookAhead, policy.ResyncWindow, policy.FirstUseWindow, policy.TimeStepTolerance, policy.FastFailures,
            (int)policy.FirstDelay.TotalSeconds, (int)policy.LongestDelay.TotalSeconds, policy.HardCap, PinRuleWords.Of(policy.Pin), policy.CodesForResync, policy.ChanceOfAGuess(),
            policy.Warning(), row?.ChangedBy, row?.ChangedAt);
    }
}
