using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Provisioning;
using OathServer.Storage;

namespace OathServer.Pages;

/// <summary>One key: what it is to get, the plan, and the word to write it.</summary>
public partial class ProvisionPage
{
    private const int OpenShown = 12;
    private const int ShipmentsShown = 500;

    private List<KnownProfile> profiles = [];
    private List<string> shipments = [];
    private List<JobView> open = [];
    private Prospect? plan;
    private (string Text, string? Lang)? fault;
    private IReadOnlyList<string> lines = [];

    private HttpContext Http => Here.HttpContext!;

    /// <inheritdoc/>
    protected override async Task OpenAsync()
    {
        profiles = await Profiles.AllAsync(Db, Http.RequestAborted);
        shipments = await ShipmentsAsync(Db, Http.RequestAborted);
        open = await ProvisioningEndpoint.ViewsAsync(
            Db, Db.Jobs.AsNoTracking().Where(j => j.OpenCuid != null).OrderByDescending(j => j.StartedAt).Take(OpenShown), Http.RequestAborted);
    }

    /// <summary>The names of shipments, the newest first.</summary>
    internal static Task<List<string>> ShipmentsAsync(OathDbContext db, CancellationToken cancel) =>
        db.Imports.AsNoTracking().Where(i => i.Batch != null).GroupBy(i => i.Batch!)
            .OrderByDescending(g => g.Max(i => i.Id)).Select(g => g.Key).Take(ShipmentsShown).ToListAsync(cancel);

    /// <summary>What was typed, or what the address says; null for nothing.</summary>
    private string? Field(string name)
    {
        var text = (HttpMethods.IsPost(Http.Request.Method) ? Http.Request.Form[name] : Http.Request.Query[name]).ToString().Trim();
        return text.Length == 0 ? null : text;
    }

    private async Task Send()
    {
        Permit.Require(Http, Rules.Provision);
        if (Field("reader") is not { } reader)
        {
            Refuse((T["Choose the reader that holds the key."], null));
            return;
        }

        if (Field("serial") is not null && Field("shipment") is not null)
        {
            Refuse((T["Choose a shipment or name a token, not both."], null));
            return;
        }

        var wanted = new Wanted(Field("profile"), Field("serial"), Field("shipment"), Field("user"), Field("realm"), Field("force") is not null);
        var outcome = await Workflow.StartAsync(Db, reader, wanted, dryRun: true, Actors.Of(Http), Http.RequestAborted);
        plan = (outcome as StartOutcome.Planned)?.Prospect;
        if (plan is null)
        {
            Refuse(outcome);
        }
        else if (Field("act") == "start" && plan.Plan.Possible)
        {
            await StartAsync(reader, wanted);
        }
    }

    private async Task StartAsync(string reader, Wanted wanted)
    {
        if (Field("planned") != Digest(plan!))
        {
            Refuse((T["The plan is another one now: something changed since you looked. Nothing was written; look at it and confirm again."], null));
            return;
        }

        // The plan's entities were read without an intent to change them.
        Db.ChangeTracker.Clear();
        var outcome = await Workflow.StartAsync(Db, reader, wanted, dryRun: false, Actors.Of(Http), Http.RequestAborted);
        if (outcome is StartOutcome.Started started)
        {
            await JobWords.GlanceAsync(started.Running);
            Go.NavigateTo($"/provision/{started.Job}");
            return;
        }

        Refuse(outcome);
    }

    private void Refuse(StartOutcome outcome)
    {
        var (what, more) = JobWords.Refusal(outcome);
        Refuse(T.Other(what));
        lines = more;
    }

    private void Refuse((string Text, string? Lang) what)
    {
        fault = what;
        Http.Response.StatusCode = StatusCodes.Status422UnprocessableEntity;
    }

    /// <summary>Names a plan, so that what is confirmed is what was looked at.</summary>
    private string Digest(Prospect prospect)
    {
        var text = string.Join('\n', prospect.Plan.Steps.Select(s => $"{s.Name}:{s.What}:{s.SkipReason}")
            .Prepend($"{prospect.Look.Cuid.Text} {prospect.Token?.Serial} {prospect.Profile.Name} {prospect.Profile.Version} {Field("user") ?? prospect.Token?.Person?.Name}"));
        return Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16];
    }
}
