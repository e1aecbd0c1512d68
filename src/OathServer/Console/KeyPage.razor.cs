using Microsoft.AspNetCore.Components;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Records;
using OathServer.Storage;
using OathServer.Validation;

namespace OathServer.Pages;

/// <summary>One key: what is known, and what to do now.</summary>
public partial class KeyPage
{
    private Call? call;
    private Finding? finding;
    private Complaint complaint;
    private (string Text, string Kind, string? Lang)? said;
    private (Phrase Name, string Value, Phrase Next)? secret;
    private ResyncAttempt? resync;
    private Phrase? fault;

    /// <summary>The key, by its CUID.</summary>
    [Parameter] public string? Cuid { get; set; }

    /// <summary>Or a token without a key record, by its serial number.</summary>
    [Parameter] public string? Serial { get; set; }

    [SupplyParameterFromForm(Name = "complaint")] private string? AskedComplaint { get; set; }

    [SupplyParameterFromForm(Name = "code1")] private string? Code1 { get; set; }

    [SupplyParameterFromForm(Name = "code2")] private string? Code2 { get; set; }

    [SupplyParameterFromForm(Name = "code3")] private string? Code3 { get; set; }

    [SupplyParameterFromForm(Name = "token")] private string? TokenSerial { get; set; }

    [SupplyParameterFromForm(Name = "reason")] private string? Reason { get; set; }

    [SupplyParameterFromForm(Name = "what")] private string? What { get; set; }

    [SupplyParameterFromForm(Name = "status")] private string? Status { get; set; }

    [SupplyParameterFromForm(Name = "notes")] private string? Notes { get; set; }

    private HttpContext Http => Here.HttpContext!;

    private string?[] Typed => [Code1, Code2, Code3];

    /// <summary>Of the realm of the token in question.</summary>
    private ValidationPolicy Policy =>
        (call?.Tokens.FirstOrDefault(t => t.Serial == TokenSerial) ?? call?.Suspect) is { } token ? Policies.Of(token.Realm) : Policies.Defaults;

    /// <summary>Where a credential gets a new seed; null for those who may not.</summary>
    private string? ReseedOf(string? serial) =>
        serial is not null && Http.User.May(Rules.Provision) ? $"/tokens/{Uri.EscapeDataString(serial)}/reseed" : null;

    private int CodesNeeded => Policy.CodesForResync;

    /// <inheritdoc/>
    protected override async Task OpenAsync()
    {
        await LoadAsync();
        if (call is null)
        {
            Http.Response.IsMissing();
        }
        else if (HttpMethods.IsPost(Http.Request.Method) && Http.Request.Form["_handler"] != "diagnose" && Enum.TryParse(AskedComplaint, out complaint))
        {
            // The form that was sent must stand on the page again before its handler is called.
            await FindAsync();
        }
    }

    private async Task LoadAsync() => call = await Call.ReadAsync(Db, Cuid, Serial, Http.RequestAborted);

    private AuditEvent Actor => Actors.Of(Http) with { Cuid = call!.Record?.Cuid, UserName = call.Person?.Name };

    /// <summary>Looks, says what it means, and writes down that it was looked.</summary>
    private async Task Diagnose()
    {
        Permit.Require(Http, Rules.Help);
        if (call is null || !Enum.TryParse(AskedComplaint, out complaint))
        {
            return;
        }

        await FindAsync();
        await Trail.SaveAsync(Db, Http.RequestAborted, Actor with
        {
            Action = "diagnosis",
            Outcome = "read",
            Serial = call.Record is null ? call.Suspect?.Serial : null,
            Detail = $"{complaint}: {finding!.Verdict} {string.Join(" ", finding.Seen)}",
        });
        await LoadAsync();
    }

    private async Task FindAsync()
    {
        var record = call!.Record;
        var look = record is not null && complaint is Complaint.PivPin or Complaint.FidoPin ? await Task.Run(() => Finder.Look(record!.Cuid)) : null;
        finding = complaint switch
        {
            Complaint.PivPin when record is not null => Diagnosis.OfPivPin(record, look),
            Complaint.FidoPin => Diagnosis.OfFidoPin(record, look),
            Complaint.Lost => new([], new Phrase("Whoever finds it could use it."), "bad", Remedy.MarkLost, new Phrase("Its codes are refused from the moment you confirm. It can be suspended instead if it may turn up.")),
            Complaint.Broken => new([], new Phrase("It goes out of use."), "warn", Remedy.Retire, new Phrase("Its tokens are disabled for good. Provision another key for the person; the record stays.")),
            _ => Diagnosis.OfCode(record, call.Suspect, call.Attempts, Policy, Clock.GetUtcNow()),
        };
    }

    /// <summary>Two codes: unlocks when it is locked, then looks for them, and says where they lie.</summary>
    private async Task Resynchronise()
    {
        Permit.Require(Http, Rules.Help);
        var codes = Typed.Take(CodesNeeded).Select(c => Validator.CodeOf((c ?? "").Replace(" ", "", StringComparison.Ordinal))).ToArray();
        if (call?.Tokens.FirstOrDefault(t => t.Serial == TokenSerial) is not { } token)
        {
            fault = new Phrase("That token is not on this key.");
            return;
        }

        fault = codes.Any(c => ValidateEndpoint.FaultOf(c) is not null) ? new Phrase("Not looked at: a code is {0} to {1} digits.", Oath.Hotp.MinDigits, Oath.Hotp.MaxDigits) : null;
        if (fault is not null)
        {
            Http.Response.StatusCode = StatusCodes.Status422UnprocessableEntity;
            return;
        }

        if (token.Counter!.Flags.HasFlag(CounterFlags.Locked))
        {
            await Tokens.UnlockAsync(Db, token.Serial, Actor, Http.RequestAborted);
        }

        resync = await Validator.ResynchroniseAsync(token.Serial, codes, byStaff: true, apiKeyId: 0, realms: null, Http.RequestAborted, by: Actor.Actor);
        await Trail.SaveAsync(Db, Http.RequestAborted, Actor with
        {
            Action = "token.resync",
            Outcome = resync!.Outcome == Outcome.Resynchronised ? "done" : "refused",
            Serial = token.Serial,
            Detail = Words.Of(resync.Outcome).Text,
        });
        finding = null;
        await LoadAsync();
    }

    private async Task Unlock()
    {
        Permit.Require(Http, Rules.Help);
        if (call?.Tokens.FirstOrDefault(t => t.Serial == TokenSerial) is { } token)
        {
            await Tokens.UnlockAsync(Db, token.Serial, Actor, Http.RequestAborted);
            said = (T["Token {0} is unlocked: failures are forgotten, the counter stays.", token.Serial], "good", null);
            await LoadAsync();
        }
    }

    /// <summary>Shows a secret in this one answer: never in an address, never in a log, and only after its reason is in the trail.</summary>
    private async Task Reveal()
    {
        Permit.Require(Http, Rules.Help);
        if (call?.Record is not { } record)
        {
            return;
        }

        var reason = (Reason ?? "").Trim();
        if (reason.Length is < RecordsEndpoint.ReasonMin or > RecordsEndpoint.TextMax)
        {
            fault = new Phrase("Say why, in {0} to {1} characters. It is kept in the trail.", RecordsEndpoint.ReasonMin, RecordsEndpoint.TextMax);
            Http.Response.StatusCode = StatusCodes.Status422UnprocessableEntity;
            return;
        }

        try
        {
            await ShowAsync(record, reason);
        }
        catch (SecondPersonNeededException needed)
        {
            Say($"{needed.Message} The request stands until {needed.Ask.ExpiresAt:HH:mm} UTC.", "warn");
        }
        catch (RevealQuotaSpentException spent)
        {
            Http.Response.StatusCode = StatusCodes.Status429TooManyRequests;
            Say($"{spent.Message} Ask a colleague.", "bad");
        }

        finding = null;
        await LoadAsync();
    }

    /// <summary>What another room said.</summary>
    private void Say(string what, string kind)
    {
        var (text, lang) = T.Other(what);
        said = (text, kind, lang);
    }

    private async Task ShowAsync(KeyRecord record, string reason)
    {
        if (What == "pin")
        {
            secret = await Life.RevealPinAsync(Db, record, reason, Actor, Http.RequestAborted) is { } pin
                ? (new Phrase("Initial PIN"), pin, new Phrase("Shown for the only time. Have the caller change it at once.")) : null;
            said = secret is null ? (T["The initial PIN was shown already, or none was kept."], "warn", null) : null;
            return;
        }

        secret = await Life.RevealPukAsync(Db, record, reason, Actor, Http.RequestAborted) is { } puk
            ? (new Phrase("PUK"), puk, new Phrase("Unblock the PIN with it and choose a new one. As a person knows it now, it is due for a change when the key is next here.")) : null;
        said = secret is null ? (T["This key has no PUK on record."], "bad", null) : null;
    }

    private async Task ChangeStatus()
    {
        Permit.Require(Http, Rules.Help);
        finding = null;
        if (call?.Record is { } record && RecordViews.Parse(Status ?? "") is { } to)
        {
            said = T.Became(await Life.ChangeStatusAsync(Db, record, to, Actor, Http.RequestAborted), T["The key is now {0}.", T.Of(Words.Of(to).Text)]);
            await LoadAsync();
        }
        else if (call?.Tokens is [var token] && call.Record is null)
        {
            var suspend = Status == "suspended";
            var changed = await Tokens.ChangeStateAsync(Db, token, suspend ? [TokenState.Active, TokenState.Imported] : [TokenState.Suspended],
                suspend ? TokenState.Suspended : TokenState.Active, suspend ? "token.suspend" : "token.resume", Actor, Http.RequestAborted);
            said = changed ? (suspend ? T["The token is now suspended."] : T["The token is now active."], "good", null) : (T["Its state does not allow that."], "bad", null);
            await LoadAsync();
        }
    }

    private async Task Note()
    {
        Permit.Require(Http, Rules.Help);
        if (call?.Record is { } record && (Notes ?? "").Length <= RecordsEndpoint.TextMax)
        {
            await Life.NoteAsync(Db, record, Notes ?? "", Actor, Http.RequestAborted);
            said = (T["The notes are saved."], "good", null);
            await LoadAsync();
        }
    }
}
