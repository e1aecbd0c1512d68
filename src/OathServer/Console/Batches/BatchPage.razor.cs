using System.Globalization;
using Microsoft.AspNetCore.Components;
using Microsoft.EntityFrameworkCore;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Storage;

namespace OathServer.Pages;

/// <summary>A batch at the desk: whose key is next, who has theirs, what went wrong.</summary>
public partial class BatchPage
{
    private const int RedShown = 50;

    private Listing list = default!;
    private BatchSummary? batch;
    private List<DeskBatchLine> lines = [];
    private List<DeskBatchLine> red = [];
    private bool more;
    private int printable;
    private string? next;
    private double? averageMs;
    private (string Text, string Kind, string? Lang)? said;

    /// <summary>The batch.</summary>
    [Parameter] public Guid Id { get; set; }

    private HttpContext Http => Here.HttpContext!;

    private bool May => Http.User.May(Rules.Provision);

    /// <summary>Seconds a key takes; null before the first.</summary>
    private double? Pace => averageMs / 1000;

    /// <inheritdoc/>
    protected override async Task OpenAsync()
    {
        list = BatchLines.Asked(Http.Request);
        await LoadAsync();
        if (batch is null)
        {
            Http.Response.IsMissing();
        }
    }

    private async Task LoadAsync()
    {
        var cancel = Http.RequestAborted;
        Db.ChangeTracker.Clear();
        batch = await BatchSummary.FindAsync(Db, Id, cancel);
        if (batch is null)
        {
            return;
        }

        var all = Db.DeskBatchLines.AsNoTracking().Where(l => l.BatchId == Id);
        (lines, more) = await list.ReadAsync(BatchLines.Of(Db, Id, list), cancel);
        red = await all.Where(l => l.State == DeskLineState.Interrupted || (l.State == DeskLineState.Waiting && l.Trouble != null))
            .OrderBy(l => l.Ordinal).Take(RedShown).ToListAsync(cancel);
        next = await all.Where(l => l.State == DeskLineState.Waiting).OrderBy(l => l.Ordinal).Select(l => l.UserName).FirstOrDefaultAsync(cancel);
        averageMs = await all.Where(l => l.Milliseconds != null).AverageAsync(l => (double?)l.Milliseconds, cancel);
        printable = await all.CountAsync(l => l.State == DeskLineState.Done
            && Db.Records.Any(r => r.Cuid == l.Cuid && r.Status == KeyStatus.ReadyForHandout), cancel);
    }

    private string? Typed(string name) => HttpMethods.IsPost(Http.Request.Method) ? Http.Request.Form[name].ToString() : null;

    private int Number(string name) => int.TryParse(Typed(name), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;

    private Task Move() => ActAsync(
        whole => Enum.TryParse<DeskBatchState>(Typed("to"), out var to) && to is DeskBatchState.Running or DeskBatchState.Paused or DeskBatchState.Stopped
            ? Batches.MoveAsync(Db, whole, to, Actors.Of(Http), Http.RequestAborted)
            : Task.FromResult<string?>("That is not a state to move to."),
        null);

    private Task Unassign() => ActAsync(
        whole => Batches.UnassignAsync(Db, whole, Number("line"), Actors.Of(Http), Http.RequestAborted),
        T["The key of line {0} was taken back.", Number("line")]);

    private Task Swap() => ActAsync(
        whole => Batches.SwapAsync(Db, whole, Number("one"), Number("other"), Actors.Of(Http), Http.RequestAborted),
        T["The keys of lines {0} and {1} changed hands.", Number("one"), Number("other")]);

    private async Task ActAsync(Func<DeskBatch, Task<string?>> act, string? done)
    {
        Permit.Require(Http, Rules.Provision);
        var whole = await Db.DeskBatches.Include(b => b.Lines).SingleOrDefaultAsync(b => b.Id == Id, Http.RequestAborted);
        var refusal = whole is null ? "The batch is gone." : await act(whole);
        if (refusal is null && done is null)
        {
            Go.NavigateTo($"/batches/{Id}");
            return;
        }

        said = T.Became(refusal, done);
        await LoadAsync();
    }
}
