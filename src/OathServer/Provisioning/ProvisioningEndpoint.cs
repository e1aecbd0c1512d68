using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Operations;
using OathServer.Provisioning.Handout;
using OathServer.Provisioning.Proof;
using OathServer.Provisioning.Puk;
using OathServer.Provisioning.Reseed;
using OathServer.Storage;

namespace OathServer.Provisioning;

/// <summary>A key to provision.</summary>
/// <param name="Reader">The reader the key is in; see <c>GET /v1/readers</c>.</param>
/// <param name="Profile">The rollout profile; <c>default</c> when left out.</param>
/// <param name="Serial">The token whose credential the key gets. Or send a batch.</param>
/// <param name="Batch">Take the next free token of this batch, one already given to the user first.</param>
/// <param name="User">Who gets the key; the token's own user when left out.</param>
/// <param name="Realm">The user's realm; the token's own when left out.</param>
/// <param name="DryRun">Answer with the plan and write nothing.</param>
/// <param name="Force">Go on although the key carries a foreign PIN or foreign OATH credentials.</param>
/// <param name="Wait">Answer when the job has ended or stopped; otherwise at once.</param>
public sealed record ProvisionRequest(
    string Reader, string? Profile = null, string? Serial = null, string? Batch = null, string? User = null, string? Realm = null,
    bool DryRun = false, bool Force = false, bool Wait = true);

/// <summary>Takes a job up again.</summary>
/// <param name="Reader">Where the key is now; all readers are looked through when left out.</param>
/// <param name="Code">The code an OTP slot typed, where the job waits for it.</param>
public sealed record ResumeRequest(string? Reader = null, string? Code = null);

/// <summary>Gives a job up.</summary>
/// <param name="Force">Also when the key may hold secrets of this job: it was reset, lost or destroyed. The journal keeps them.</param>
public sealed record AbandonRequest(bool Force = false);

/// <summary>What a job would do.</summary>
public sealed record PlanView(
    bool Possible, string Cuid, string CuidSource, string? DeviceSerial, string Model, string? Firmware, string Profile, int ProfileVersion,
    string? Serial, long? Counter, string? User, IReadOnlyList<PlanStepView> Steps, IReadOnlyList<string> Warnings, IReadOnlyList<string> Refusals);

/// <summary>A step of a plan.</summary>
public sealed record PlanStepView(string Name, string What, string? Skipped);

/// <summary>A job with its steps. The state is <c>open</c>, <c>in-doubt</c> (a secret may or may not be on the key),
/// <c>confirmed</c> or <c>abandoned</c>.</summary>
public sealed record JobView(
    Guid Id, string Cuid, string State, string Profile, int ProfileVersion, string? Serial, string? User, string Operator,
    DateTimeOffset StartedAt, DateTimeOffset? EndedAt, string? Trouble, IReadOnlyList<StepView> Steps);

/// <summary>A step of a job. The state is <c>planned</c>, <c>intended</c>, <c>done</c> or <c>skipped</c>.</summary>
public sealed record StepView(string Name, string State, string? Detail, DateTimeOffset? ChangedAt);

/// <summary>A reader.</summary>
public sealed record ReaderView(string Name, string Kind, bool HasKey);

/// <summary><c>/v1/provisioning</c> and <c>/v1/readers</c>.</summary>
internal static class ProvisioningEndpoint
{
    private const int ListMax = 1000;
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(100);

    public static void MapProvisioning(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/readers", Readers).RequireAuthorization(Rules.Provision).WithSummary("The readers and which hold a key.");
        routes.MapReseed();
        routes.MapPuks();
        routes.MapProof();
        routes.MapHandouts();
        var jobs = routes.MapGroup("/v1/provisioning");
        jobs.MapPost("/", Start).RequireAuthorization(Rules.Provision)
            .WithSummary("Provisions the key in a reader; with dryRun answers with the plan.")
            .Produces<JobView>(StatusCodes.Status201Created).Produces<PlanView>()
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status409Conflict).ProducesProblem(StatusCodes.Status422UnprocessableEntity);
        jobs.MapGet("/", List).RequireAuthorization(Rules.Read).WithSummary("Jobs, newest first; state: open, in-doubt, confirmed, abandoned.");
        jobs.MapGet("/{id:guid}", Get).RequireAuthorization(Rules.Read)
            .WithSummary("Reads a job; as text/event-stream it follows the steps until the job ends or stops.")
            .Produces<JobView>().ProducesProblem(StatusCodes.Status404NotFound);
        jobs.MapPost("/{id:guid}/resume", Resume).RequireAuthorization(Rules.Provision)
            .WithSummary("Takes a job up again once its key is back in a reader.").Produces<JobView>()
            .ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict).ProducesProblem(StatusCodes.Status422UnprocessableEntity);
        jobs.MapPost("/{id:guid}/abandon", Abandon).RequireAuthorization(Rules.Provision)
            .WithSummary("Gives a job up; refused while the key may hold secrets of it, unless forced.").Produces<JobView>()
            .ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);
    }

    private static async Task<Ok<List<ReaderView>>> Readers(KeyReaders readers, CancellationToken cancel) =>
        TypedResults.Ok((await readers.ListAsync(cancel)).Select(r => new ReaderView(r.Name, r.Kind, r.HasKey)).ToList());

    private static async Task<IResult> Start(
        ProvisionRequest request, HttpContext http, OathDbContext db, Workflow workflow, CancellationToken cancel)
    {
        if (request.Serial is not null && request.Batch is not null)
        {
            return Problem.BadField("batch", "send a serial or a batch, not both.");
        }

        var wanted = new Wanted(request.Profile, request.Serial, request.Batch, request.User, request.Realm, request.Force);
        return await workflow.StartAsync(db, request.Reader, wanted, request.DryRun, Actors.Of(http), cancel) switch
        {
            StartOutcome.Planned planned => TypedResults.Ok(View(planned.Prospect, request.User)),
            StartOutcome.Started started => await StartedAsync(started, request.Wait, created: true, db, cancel),
            var other => Refusal(other),
        };
    }

    private static async Task<IResult> Resume(
        Guid id, ResumeRequest request, HttpContext http, OathDbContext db, Workflow workflow, CancellationToken cancel)
    {
        var job = await db.Jobs.AsNoTracking().SingleOrDefaultAsync(j => j.Id == id, cancel);
        if (job is null)
        {
            return Missing(id);
        }

        if (job.State != JobState.Open)
        {
            return Problem.Conflict($"The job is {job.State.ToString().ToLowerInvariant()}.", "Only an open job can be resumed.");
        }

        return await workflow.ResumeAsync(db, job, request.Reader, Actors.Of(http), cancel, request.Code) switch
        {
            StartOutcome.Started started => await StartedAsync(started, wait: true, created: false, db, cancel),
            var other => Refusal(other),
        };
    }

    private static async Task<IResult> Abandon(
        Guid id, AbandonRequest request, HttpContext http, OathDbContext db, JobClosing closing, CancellationToken cancel)
    {
        if (!await db.Jobs.AnyAsync(j => j.Id == id, cancel))
        {
            return Missing(id);
        }

        return await closing.AbandonAsync(db, id, request.Force, Actors.Of(http), cancel) is { } refusal
            ? Problem.Conflict(refusal, "Insert the key and resume; force only when it was reset, lost or destroyed.")
            : TypedResults.Ok(await FindAsync(db, id, cancel));
    }

    private static async Task<Results<Ok<List<JobView>>, ProblemHttpResult>> List(
        OathDbContext db, CancellationToken cancel, string? state = null, string? cuid = null)
    {
        var jobs = db.Jobs.AsNoTracking();
        switch (state)
        {
            case null:
                break;
            case "open":
                jobs = jobs.Where(j => j.State == JobState.Open);
                break;
            case "in-doubt":
                jobs = jobs.Where(j => j.State == JobState.Open && j.Steps.Any(s => s.State == StepState.Intended && s.SealedNew != null));
                break;
            case "confirmed":
                jobs = jobs.Where(j => j.State == JobState.Confirmed);
                break;
            case "abandoned":
                jobs = jobs.Where(j => j.State == JobState.Abandoned);
                break;
            default:
                return Problem.BadField("state", "open, in-doubt, confirmed or abandoned.");
        }

        if (cuid is not null)
        {
            jobs = jobs.Where(j => j.Cuid == cuid);
        }

        return TypedResults.Ok(await ViewsAsync(db, jobs.OrderByDescending(j => j.StartedAt).Take(ListMax), cancel));
    }

    private static async Task<IResult> Get(Guid id, HttpContext http, OathDbContext db, CancellationToken cancel)
    {
        if (await FindAsync(db, id, cancel) is not { } job)
        {
            return Missing(id);
        }

        return http.Request.Headers.Accept.ToString().Contains("text/event-stream", StringComparison.OrdinalIgnoreCase)
            ? TypedResults.ServerSentEvents(FollowAsync(db, id, cancel))
            : TypedResults.Ok(job);
    }

    /// <summary>An event a step that moved, then <c>end</c> with the whole job. Read from the journal, so that it tells the
    /// same on every node.</summary>
    private static async IAsyncEnumerable<SseItem<object>> FollowAsync(
        OathDbContext db, Guid id, [EnumeratorCancellation] CancellationToken cancel)
    {
        var told = new Dictionary<string, string>(StringComparer.Ordinal);
        while (await FindAsync(db, id, cancel) is { } job)
        {
            foreach (var step in job.Steps.Where(s => s.State != "planned" && told.GetValueOrDefault(s.Name) != s.State))
            {
                told[step.Name] = step.State;
                yield return new SseItem<object>(step, "step");
            }

            if (job.EndedAt is not null || job.Trouble is not null)
            {
                yield return new SseItem<object>(job, "end");
                yield break;
            }

            await Task.Delay(LookAgain, cancel);
        }
    }

    internal static async Task<IResult> StartedAsync(
        StartOutcome.Started started, bool wait, bool created, OathDbContext db, CancellationToken cancel)
    {
        if (wait)
        {
            await started.Running.WaitAsync(cancel);
        }

        var view = await FindAsync(db, started.Job, cancel);
        return created ? TypedResults.Created($"/v1/provisioning/{started.Job}", view) : TypedResults.Ok(view);
    }

    internal static ProblemHttpResult Refusal(StartOutcome outcome) => outcome switch
    {
        StartOutcome.Busy busy => Problem.Conflict(busy.What, "Try again in a moment."),
        StartOutcome.Refused { Reasons.Count: > 1 } refused =>
            Problem.Unprocessable(refused.What, string.Join(" ", refused.Reasons.Skip(1).Append(refused.Next))),
        StartOutcome.Refused refused => Problem.Unprocessable(refused.What, refused.Next),
        _ => throw new InvalidOperationException("Not a refusal."),
    };

    internal static async Task<JobView?> FindAsync(OathDbContext db, Guid id, CancellationToken cancel) =>
        (await ViewsAsync(db, db.Jobs.AsNoTracking().Where(j => j.Id == id), cancel)).SingleOrDefault();

    internal static async Task<List<JobView>> ViewsAsync(OathDbContext db, IQueryable<ProvisioningJob> jobs, CancellationToken cancel)
    {
        var found = await jobs
            .Select(j => new
            {
                Job = j,
                j.Steps,
                Serial = db.Tokens.Where(t => t.Id == j.TokenId).Select(t => t.Serial).FirstOrDefault(),
                User = db.People.Where(p => p.Id == j.PersonId).Select(p => p.Name).FirstOrDefault(),
            }).ToListAsync(cancel);
        return found.ConvertAll(f => new JobView(
            f.Job.Id, f.Job.Cuid, StateOf(f.Job, f.Steps), f.Job.ProfileName, f.Job.ProfileVersion, f.Serial, f.User, f.Job.Operator,
            f.Job.StartedAt, f.Job.EndedAt, f.Job.Trouble,
            [.. f.Steps.OrderBy(s => s.Ordinal).Select(s => new StepView(s.Name, s.State.ToString().ToLowerInvariant(), s.Detail, s.ChangedAt))]));
    }

    private static string StateOf(ProvisioningJob job, List<ProvisioningStep> steps) => job.State switch
    {
        JobState.Confirmed => "confirmed",
        JobState.Abandoned => "abandoned",
        _ => steps.Any(s => s is { State: StepState.Intended, SealedNew: not null }) ? "in-doubt" : "open",
    };

    private static PlanView View(Prospect prospect, string? user) => new(
        prospect.Plan.Possible, prospect.Look.Cuid.Text, prospect.Look.Cuid.Source.ToString(), prospect.Look.DeviceSerial, prospect.Look.Model,
        prospect.Look.Firmware?.ToString(), prospect.Profile.Name, prospect.Profile.Version, prospect.Token?.Serial,
        prospect.Token?.Counter?.Counter, user ?? prospect.Token?.Person?.Name,
        [.. prospect.Plan.Steps.Select(s => new PlanStepView(s.Name, s.What, s.SkipReason))], prospect.Plan.Warnings, prospect.Plan.Refusals);

    private static ProblemHttpResult Missing(Guid id) => Problem.NotFound($"There is no job {id}.", "GET /v1/provisioning lists them.");
}
