using Microsoft.EntityFrameworkCore;
using OathServer.Storage;

namespace OathServer.Pages;

/// <summary>A provisioning job as it is listed.</summary>
internal sealed record JobRow(
    Guid Id, string Cuid, JobState State, bool Doubt, bool PukOnly, string Profile, string? Serial, string? User, string Operator,
    DateTimeOffset StartedAt, DateTimeOffset? EndedAt, string? Trouble)
{
    public static readonly string[] Orders = ["started"];
    public static readonly string[] States = ["open", "in-doubt", "confirmed", "abandoned"];

    public (Phrase Text, string Kind) Words => this switch
    {
        { State: JobState.Confirmed } => (new Phrase("finished"), "good"),
        { State: JobState.Abandoned } => (new Phrase("given up"), ""),
        { Doubt: true, Trouble: not null } => (new Phrase("in doubt"), "bad"),
        { Trouble: not null } => (new Phrase("interrupted"), "warn"),
        _ => (new Phrase("being written"), "warn"),
    };

    /// <summary>The jobs a list asks for, in its order; of these only, where some are given.</summary>
    public static IQueryable<JobRow> Of(OathDbContext db, Listing list, List<Guid>? only = null) =>
        (only is null ? Jobs(db, list) : Jobs(db, list).Where(j => only.Contains(j.Id))).Select(j => new JobRow(
            j.Id, j.Cuid, j.State, j.Steps.Any(s => s.State == StepState.Intended && s.SealedNew != null), j.IsPukOnly, j.ProfileName,
            db.Tokens.Where(t => t.Id == j.TokenId).Select(t => t.Serial).FirstOrDefault(),
            db.People.Where(p => p.Id == j.PersonId).Select(p => p.Name).FirstOrDefault(),
            j.Operator, j.StartedAt, j.EndedAt, j.Trouble));

    /// <summary>The jobs of one page, and whether there are more. Which they are is asked first: PostgreSQL would look up
    /// token and holder of every job before the page.</summary>
    public static async Task<(List<JobRow> Rows, bool More)> PageAsync(OathDbContext db, Listing list, CancellationToken cancel)
    {
        var (ids, more) = await list.ReadAsync(Jobs(db, list).Select(j => j.Id), cancel);
        return (await Of(db, list, ids).ToListAsync(cancel), more);
    }

    private static IQueryable<ProvisioningJob> Jobs(OathDbContext db, Listing list)
    {
        var jobs = db.Jobs.AsNoTracking();
        jobs = list["state"] switch
        {
            "open" => jobs.Where(j => j.OpenCuid != null),
            "in-doubt" => jobs.Where(j => j.OpenCuid != null && j.Steps.Any(s => s.State == StepState.Intended && s.SealedNew != null)),
            "confirmed" => jobs.Where(j => j.State == JobState.Confirmed),
            "abandoned" => jobs.Where(j => j.State == JobState.Abandoned),
            _ => jobs,
        };
        if (list["cuid"]?.ToUpperInvariant() is { } cuid)
        {
            jobs = jobs.Where(j => j.Cuid == cuid);
        }

        if (list["operator"] is { } by)
        {
            jobs = jobs.Where(j => j.Operator == by);
        }

        return list.Sort == "started" ? jobs.OrderBy(j => j.StartedAt).ThenBy(j => j.Id) : jobs.OrderByDescending(j => j.StartedAt).ThenByDescending(j => j.Id);
    }
}
