using System.Globalization;
using Microsoft.AspNetCore.Components;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Storage;
using OathServer.Validation;

namespace OathServer.Pages.Administration;

/// <summary>Realms, and how far and how often a code may miss in each.</summary>
public partial class PoliciesPage
{
    private static readonly CultureInfo Inv = CultureInfo.InvariantCulture;

    private static readonly Knob[] Knobs =
    [
        new("lookAhead", new Phrase("Look-ahead window"), new Phrase("codes"), 0, ValidationPolicy.LookAheadMax, 1, p => p.LookAhead, (p, v) => p.LookAhead = v,
            new Phrase("Presses in a pocket that cost nobody a call.")),
        new("resyncWindow", new Phrase("Resync window"), new Phrase("codes"), 10, ValidationPolicy.ResyncWindowMax, 10, p => p.ResyncWindow, (p, v) => p.ResyncWindow = v,
            new Phrase("How far two codes bring a key back; above 100 three are asked for.")),
        new("firstUseWindow", new Phrase("First-use window"), new Phrase("codes"), 0, ValidationPolicy.FirstUseWindowMax, 100, p => p.FirstUseWindow, (p, v) => p.FirstUseWindow = v,
            new Phrase("The same for a key that was imported and never used; 0 for none.")),
        new("timeStepTolerance", new Phrase("Time steps before and after"), new Phrase("time steps"), 0, 10, 1, p => p.TimeStepTolerance, (p, v) => p.TimeStepTolerance = v,
            new Phrase("For clocks that run fast or slow (TOTP).")),
        new("fastFailures", new Phrase("Failures without a wait"), new Phrase("failures"), 1, 20, 1, p => p.FastFailures, (p, v) => p.FastFailures = v,
            new Phrase("Typing errors that cost nothing but the code.")),
        new("firstDelay", new Phrase("First wait"), new Phrase("in seconds"), 5, 300, 5, p => (int)p.FirstDelay.TotalSeconds, (p, v) => p.FirstDelay = TimeSpan.FromSeconds(v),
            new Phrase("It doubles with each further failure.")),
        new("longestDelay", new Phrase("Longest wait"), new Phrase("in seconds"), 60, 7200, 60, p => (int)p.LongestDelay.TotalSeconds, (p, v) => p.LongestDelay = TimeSpan.FromSeconds(v),
            new Phrase("The doubling ends here.")),
        new("hardCap", new Phrase("Hard cap"), new Phrase("failures"), 1, ValidationPolicy.HardCapMax, 1, p => p.HardCap, (p, v) => p.HardCap = v,
            new Phrase("Then only the help desk unlocks.")),
    ];

    private ValidationPolicy inUse = new(), wanted = new();
    private Listing list = default!;
    private List<RealmRow> realms = [], rows = [];
    private int count;
    private bool more;
    private string realm = ValidateEndpoint.DefaultRealm;
    private int version;
    private string? said;
    private string saidKind = "good";

    [SupplyParameterFromQuery(Name = "realm")] private string? Realm { get; set; }

    private HttpContext Http => Here.HttpContext!;

    /// <inheritdoc/>
    protected override async Task OpenAsync()
    {
        list = new Listing(Http.Request, "name", RealmRow.Orders);
        await LoadAsync();
        realm = realms.Exists(r => r.Name == Realm) ? Realm! : realms.Exists(r => r.Name == realm) ? realm : realms[0].Name;
        Take();
    }

    private static string Address(string realm) => $"/admin/policies?realm={Uri.EscapeDataString(realm)}";

    private async Task LoadAsync()
    {
        realms = await RealmRow.AllAsync(Db, Policies, Http.RequestAborted);
        var chosen = RealmRow.Chosen(realms, list).ToList();
        count = chosen.Count;
        (rows, more) = list.Read(chosen);
    }

    private void Take()
    {
        var own = realms.Find(r => r.Name == realm)?.Own;
        (version, inUse) = (own?.Version ?? 0, own is null ? Policies.Defaults : Policies.Defaults.With(own));
        wanted = Policies.Defaults.With(Row(inUse));
    }

    private static RealmPolicy Row(ValidationPolicy policy)
    {
        var row = new RealmPolicy { Realm = "", ChangedBy = "" };
        policy.WriteTo(row);
        return row;
    }

    private async Task Send()
    {
        Permit.Require(Http, Rules.Administer);
        var form = await Http.Request.ReadFormAsync(Http.RequestAborted);
        foreach (var k in Knobs)
        {
            if (int.TryParse(form[k.Name], NumberStyles.None, Inv, out var value))
            {
                k.Set(wanted, Math.Clamp(value, k.Min, Math.Max(k.Max, k.Of(inUse))));
            }
        }

        wanted.Pin = PinRuleWords.Parse(form["pin"]) ?? inUse.Pin;
        if (form["act"] != "save")
        {
            return;
        }

        if (Faults(wanted).FirstOrDefault() is { } fault)
        {
            Refuse(fault);
            return;
        }

        var edited = int.TryParse(form["version"], NumberStyles.None, Inv, out var seen) ? seen : 0;
        switch (await Life.SetAsync(Db, realm, wanted, edited, Actors.Of(Http), Http.RequestAborted))
        {
            case PolicyEdit.Conflict:
                var kept = wanted;
                await LoadAsync();
                Take();
                wanted = kept;
                Refuse(T["Somebody else changed this policy meanwhile. What is in use now is shown beside what you chose; save again to put yours in its place."]);
                break;
            default:
                await LoadAsync();
                Take();
                (said, saidKind) = (T["The policy of {0} holds.", realm], wanted.IsWeak ? "warn" : "good");
                break;
        }
    }

    private async Task Reset()
    {
        Permit.Require(Http, Rules.Administer);
        await Life.ResetAsync(Db, realm, Actors.Of(Http), Http.RequestAborted);
        await LoadAsync();
        Take();
        said = T["{0} follows the settings again.", realm];
    }

    private void Refuse(string why)
    {
        (said, saidKind) = (why, "bad");
        Http.Response.StatusCode = StatusCodes.Status422UnprocessableEntity;
    }

    /// <summary>What is wrong with it; in English only where the knobs cannot come to it.</summary>
    private IEnumerable<string> Faults(ValidationPolicy policy) => policy.FieldFaults().Select(fault => fault.Field switch
    {
        nameof(policy.FastFailures) => T["Failures without a wait cannot be more than the hard cap."].Value,
        nameof(policy.FirstDelay) => T["The first wait cannot be longer than the longest."].Value,
        ValidationPolicy.Chance => T["A guess would hit more often than 1 : 100. Lower the look-ahead window, the time steps or the hard cap."].Value,
        _ => $"{fault.Field} {fault.Fault}",
    });

    private IEnumerable<(string Name, string Now, string Tried)> Rows()
    {
        yield return Row(T["Guess hits, six digits, until the hard cap"], p => T["1 : {0:N0}", PolicyEffect.OneIn(p.ChanceOfAGuess())]);
        yield return Row(T["Guess hits, eight digits"], p => T["1 : {0:N0}", PolicyEffect.OneIn(p.ChanceOfAGuess(8))]);
        yield return Row(T["Guessing is held up for at least"], p => Duration(PolicyEffect.TimeToHardCap(p)));
        yield return Row(T["Codes asked for a resynchronisation"], p => p.CodesForResync.ToString(Inv));
        yield return Row(T["Guessed resynchronisation is believed"], p => T["1 : {0:N0}", PolicyEffect.OneIn(PolicyEffect.ChanceOfAGuessedResync(p, 6))]);
        yield return Row(T["Presses without sign-in that are forgiven"], p => T["{0:N0}", p.LookAhead]);
    }

    private (string, string, string) Row(string name, Func<ValidationPolicy, string> of) => (name, of(inUse), of(wanted));

    private string Duration(TimeSpan time) => time.TotalHours switch
    {
        >= 48 => T["{0:N1} days", time.TotalDays],
        >= 2 => T["{0:N1} hours", time.TotalHours],
        _ => T["{0:N0} minutes", time.TotalMinutes],
    };

    /// <summary>A value that can be moved.</summary>
    private sealed record Knob(
        string Name, Phrase Label, Phrase Unit, int Min, int Max, int Step, Func<ValidationPolicy, int> Of, Action<ValidationPolicy, int> Set, Phrase Hint)
    {
        /// <summary>A step by which the value in use is reached.</summary>
        public int StepFrom(int inUse) => (inUse - Min) % Step == 0 ? Step : 1;
    }
}
