using Microsoft.AspNetCore.Components;
using Microsoft.EntityFrameworkCore;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Provisioning;
using OathServer.Storage;

namespace OathServer.Pages.Administration;

/// <summary>One profile: its decisions in a form, what follows from them, its versions.</summary>
public partial class ProfilePage
{
    private const int VersionsShown = 20;

    private RolloutProfile? decisions;
    private RolloutProfile? saved;
    private List<RolloutProfileVersion> versions = [];
    private List<(string Member, string Before, string After)> changes = [];
    private int version;
    private int writtenBefore;
    private string? said;
    private string? saidLang;
    private string saidKind = "good";

    /// <summary>The profile.</summary>
    [Parameter] public string Name { get; set; } = "";

    /// <summary>A new profile begins with the decisions of this one.</summary>
    [SupplyParameterFromQuery(Name = "from")] private string? From { get; set; }

    /// <summary>An older version to hold in the form.</summary>
    [SupplyParameterFromQuery(Name = "version")] private int? Version { get; set; }

    private HttpContext Http => Here.HttpContext!;

    private CancellationToken Cancel => Http.RequestAborted;

    /// <inheritdoc/>
    protected override async Task OpenAsync()
    {
        await LoadAsync();
        if (decisions is null)
        {
            Http.Response.IsMissing();
        }
        else if (HttpMethods.IsPost(Http.Request.Method))
        {
            decisions = new ProfileForm(Http.Request.Form).Read();
        }

        Compare();
    }

    private async Task LoadAsync()
    {
        var current = await Profiles.CurrentAsync(Db, Name, Cancel);
        saved = current?.Decisions;
        version = current?.Version ?? 0;
        decisions = current is null
            ? ProfilesEndpoint.IsName(Name) && From is not null ? (await Profiles.CurrentAsync(Db, From, Cancel))?.Decisions : null
            : Version is { } older ? (await RolloutProfiles.VersionAsync(Db, Name, older, Cancel))?.Decisions : current.Decisions;
        versions = await Db.Profiles.AsNoTracking().Where(p => p.Name == Name).OrderByDescending(p => p.Version).Take(VersionsShown).ToListAsync(Cancel);
        writtenBefore = await Db.Records.CountAsync(r => r.ProfileName == Name, Cancel);
    }

    private void Compare() => changes = saved is null || decisions is null ? [] : [.. ProfileWords.Changes(saved, decisions)];

    private async Task Send()
    {
        Permit.Require(Http, Rules.Administer);
        if (decisions is null || Http.Request.Form["act"] != "save")
        {
            return;
        }

        if (decisions.Faults().FirstOrDefault() is { } fault)
        {
            Refuse(T.Other(fault), StatusCodes.Status422UnprocessableEntity);
            return;
        }

        var expected = int.TryParse(Http.Request.Form["version"], System.Globalization.CultureInfo.InvariantCulture, out var sent) ? sent : -1;
        if (expected != version || await Profiles.AddAsync(Db, Name, expected, decisions, Actors.Of(Http), Cancel) is null)
        {
            Refuse((T["Somebody else saved version {0} meanwhile. What you typed is still in the form; look at what changes and save again.", version], null), StatusCodes.Status409Conflict);
            return;
        }

        Version = null;
        await LoadAsync();
        Compare();
        (said, saidKind, saidLang) = (T["Saved as version {0}. Keys written from now on follow it.", version], "good", null);
    }

    private void Refuse((string Text, string? Lang) why, int status)
    {
        (said, saidKind, saidLang) = (why.Text, "bad", why.Lang);
        Http.Response.StatusCode = status;
    }
}
