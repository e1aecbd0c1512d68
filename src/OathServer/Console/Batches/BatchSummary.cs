using Microsoft.EntityFrameworkCore;
using OathServer.Storage;

namespace OathServer.Pages;

/// <summary>A batch as it is listed: how far it is, without its lines.</summary>
internal sealed record BatchSummary(
    Guid Id, string Name, DeskBatchState State, string Profile, string? Shipment, int Done, int Total, int Stuck, int Waiting,
    string CreatedBy, DateTimeOffset CreatedAt, DateTimeOffset? EndedAt, string? Notice)
{
    public static readonly string[] Orders = ["created", "name"];

    public int Percent => Total == 0 ? 0 : Done * 100 / Total;

    public static (Phrase Text, string Kind) Words(DeskBatchState state) => state switch
    {
        DeskBatchState.Running => (new Phrase("running"), "warn"),
        DeskBatchState.Paused => (new Phrase("paused"), "warn"),
        DeskBatchState.Finished => (new Phrase("finished"), "good"),
        _ => (new Phrase("stopped"), ""),
    };

    public static (Phrase Text, string Kind) Words(DeskLineState state) => state switch
    {
        DeskLineState.Waiting => (new Phrase("waiting"), ""),
        DeskLineState.Working => (new Phrase("being written"), "warn"),
        DeskLineState.Done => (new Phrase("done"), "good"),
        DeskLineState.Interrupted => (new Phrase("interrupted"), "bad"),
        _ => (new Phrase("taken back"), ""),
    };

    /// <summary>The batches a list asks for, in its order.</summary>
    public static IQueryable<BatchSummary> Of(OathDbContext db, Listing list)
    {
        var batches = db.DeskBatches.AsNoTracking();
        if (list.Of<DeskBatchState>("state") is { } state)
        {
            batches = batches.Where(b => b.State == state);
        }

        if (list["name"]?.ToUpperInvariant() is { } name)
        {
            batches = batches.Where(b => b.Name.ToUpper().StartsWith(name));
        }

        if (list["shipment"] is { } shipment)
        {
            batches = batches.Where(b => b.Shipment == shipment);
        }

        return Summed(list.Sort switch
        {
            "created" => batches.OrderBy(b => b.CreatedAt).ThenBy(b => b.Id),
            "name" => batches.OrderBy(b => b.Name).ThenBy(b => b.Id),
            "-name" => batches.OrderByDescending(b => b.Name).ThenBy(b => b.Id),
            _ => batches.OrderByDescending(b => b.CreatedAt).ThenByDescending(b => b.Id),
        });
    }

    /// <summary>One batch; null when there is none.</summary>
    public static Task<BatchSummary?> FindAsync(OathDbContext db, Guid id, CancellationToken cancel) =>
        Summed(db.DeskBatches.AsNoTracking().Where(b => b.Id == id)).SingleOrDefaultAsync(cancel);

    private static IQueryable<BatchSummary> Summed(IQueryable<DeskBatch> batches) => batches.Select(b => new BatchSummary(
        b.Id, b.Name, b.State, b.ProfileName, b.Shipment,
        b.Lines.Count(l => l.State == DeskLineState.Done), b.Lines.Count(l => l.State != DeskLineState.Unassigned),
        b.Lines.Count(l => l.State == DeskLineState.Interrupted || (l.State == DeskLineState.Waiting && l.Trouble != null)),
        b.Lines.Count(l => l.State == DeskLineState.Waiting), b.CreatedBy, b.CreatedAt, b.EndedAt, b.Notice));
}
