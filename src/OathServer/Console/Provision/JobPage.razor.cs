using Microsoft.AspNetCore.Components;
using Microsoft.EntityFrameworkCore;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Provisioning;
using OathServer.Records;
using OathServer.Storage;

namespace OathServer.Pages;

/// <summary>One job: its steps as they are done, and what to do when it stops.</summary>
public partial class JobPage
{
    private JobView? job;
    private KeyRecord? record;
    private Guid? batch;
    private string? shipment;
    private bool driven;
    private bool slot;
    private IReadOnlyList<string>? fault;
    private (string Text, string Kind, string? Lang)? said;

    /// <summary>The job.</summary>
    [Parameter] public Guid Id { get; set; }

    private HttpContext Http => Here.HttpContext!;

    private bool May => Http.User.May(Rules.Provision);

    /// <summary>Whether somebody drives it now; its old trouble may still be written there then.</summary>
    private bool Moving => job is { EndedAt: null } && driven;

    private int Over => job!.Steps.Count(s => s.State is "done" or "skipped");

    /// <summary>Whether the key may hold secrets of the job.</summary>
    private bool Touched => job!.Steps.Any(s => s.State is "intended" or "done" && s.Name is not StepNames.Retries);

    /// <inheritdoc/>
    protected override async Task OpenAsync()
    {
        await LoadAsync();
        if (job is null)
        {
            Http.Response.IsMissing();
        }
    }

    private async Task LoadAsync()
    {
        var cancel = Http.RequestAborted;
        Db.ChangeTracker.Clear();
        job = await ProvisioningEndpoint.FindAsync(Db, Id, cancel);
        if (job is null)
        {
            return;
        }

        var until = await Db.Jobs.Where(j => j.Id == Id).Select(j => j.LeaseUntil).SingleAsync(cancel);
        driven = until > Clock.GetUtcNow();
        record = await RecordSearch.ByCuidAsync(Db, job.Cuid, cancel);
        batch = await Db.DeskBatchLines.Where(l => l.Cuid == job.Cuid && l.State == DeskLineState.Done).Select(l => (Guid?)l.BatchId).FirstOrDefaultAsync(cancel);
        shipment = record?.Batch;
        slot = (await RolloutProfiles.VersionAsync(Db, job.Profile, job.ProfileVersion, cancel))?.Decisions.Oath?.Slot is not null;
    }

    private string? Typed(string name) => HttpMethods.IsPost(Http.Request.Method) ? Http.Request.Form[name].ToString() : null;

    private async Task Resume()
    {
        Permit.Require(Http, Rules.Provision);
        if (await Db.Jobs.AsNoTracking().SingleOrDefaultAsync(j => j.Id == Id, Http.RequestAborted) is not { State: JobState.Open } open)
        {
            said = (T["The job is over already."], "warn", null);
            return;
        }

        var code = Typed("code")?.Replace(" ", "", StringComparison.Ordinal);
        var outcome = await Workflow.ResumeAsync(Db, open, reader: null, Actors.Of(Http), Http.RequestAborted, string.IsNullOrEmpty(code) ? null : code);
        if (outcome is StartOutcome.Started started)
        {
            await JobWords.GlanceAsync(started.Running);
            Go.NavigateTo($"/provision/{Id}");
            return;
        }

        var (what, more) = JobWords.Refusal(outcome);
        fault = [what, .. more];
        Http.Response.StatusCode = StatusCodes.Status422UnprocessableEntity;
    }

    private async Task Abandon()
    {
        Permit.Require(Http, Rules.Provision);
        if (await Closing.AbandonAsync(Db, Id, Typed("force") == "yes", Actors.Of(Http), Http.RequestAborted) is { } refusal)
        {
            fault = [refusal];
            Http.Response.StatusCode = StatusCodes.Status422UnprocessableEntity;
            return;
        }

        Go.NavigateTo($"/provision/{Id}");
    }

    /// <summary>Undoes a mistaken assignment, while the key is still here.</summary>
    private async Task Give()
    {
        Permit.Require(Http, Rules.Provision);
        var to = Typed("to")?.Trim() is { Length: > 0 } name ? name : null;
        if (record is null || batch is not null)
        {
            return;
        }

        var refusal = await Life.GiveAsync(Db, record, to, Actors.Of(Http), Http.RequestAborted);
        said = T.Became(refusal, to is null ? T["The key belongs to nobody now."] : T["The key is {0}'s now.", to]);
        await LoadAsync();
    }
}
