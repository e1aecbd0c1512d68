using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Operations;
using OathServer.Provisioning.Proof;
using OathServer.Storage;

namespace OathServer.Desk;

/// <summary>A user of a batch.</summary>
/// <param name="User">Who gets a key.</param>
/// <param name="Serial">The token whose credential goes onto it; the next free one of the shipment when left out.</param>
public sealed record BatchUser(string User, string? Serial = null);

/// <summary>Users who get their keys one after the other.</summary>
/// <param name="Name">For people.</param>
/// <param name="Users">In the order in which their keys are inserted.</param>
/// <param name="Profile">The rollout profile; <c>default</c> when left out.</param>
/// <param name="Shipment">The import batch the tokens are taken from.</param>
/// <param name="Realm">The users' realm.</param>
/// <param name="Readers">The readers it listens to; all when left out.</param>
public sealed record BatchRequest(
    string Name, IReadOnlyList<BatchUser> Users, string? Profile = null, string? Shipment = null, string? Realm = null, IReadOnlyList<string>? Readers = null);

/// <summary>Two lines whose keys change hands.</summary>
public sealed record BatchSwap(int One, int Other);

/// <summary>A batch. The state is <c>running</c>, <c>paused</c>, <c>stopped</c> or <c>finished</c>.</summary>
public sealed record BatchView(
    Guid Id, string Name, string State, string Profile, string? Shipment, IReadOnlyList<string> Readers, string? Notice, int Done, int Total,
    string? Next, string CreatedBy, DateTimeOffset CreatedAt, DateTimeOffset? EndedAt, IReadOnlyList<BatchLineView> Lines);

/// <summary>A user of a batch. The state is <c>waiting</c>, <c>working</c>, <c>done</c>, <c>interrupted</c> or <c>unassigned</c>.</summary>
public sealed record BatchLineView(int Line, string User, string? Serial, string State, string? Cuid, Guid? Job, string? Trouble, int? Milliseconds);

/// <summary><c>/v1/batches</c>.</summary>
internal static class BatchesEndpoint
{
    private const long ListMax = 1024 * 1024;
    private const int TextMax = 200;
    private const int ListedMax = 1000;
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(200);

    public static void MapBatches(this IEndpointRouteBuilder routes)
    {
        var batches = routes.MapGroup("/v1/batches").RequireAuthorization(Rules.Provision);
        batches.MapPost("/", Create).WithMetadata(new BodyLimit(ListMax)).WithSummary("Starts a batch: each key inserted goes to the next user.")
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status422UnprocessableEntity);
        batches.MapPost("/csv", CreateFromList).WithMetadata(new BodyLimit(ListMax)).Accepts<string>("text/csv")
            .WithSummary("The same from separated values: user, serial (may be left out).")
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status422UnprocessableEntity);
        batches.MapGet("/", List).WithSummary("Lists batches, newest first, without their lines.");
        batches.MapGet("/{id:guid}", Get).Produces<BatchView>().WithSummary("Reads a batch; as text/event-stream it follows it to its end.");
        batches.MapPost("/{id:guid}/pause", (Guid id, HttpContext http, OathDbContext db, DeskBatches life, CancellationToken cancel) =>
            MoveAsync(id, DeskBatchState.Paused, http, db, life, cancel)).Produces<BatchView>().WithSummary("Takes no further keys until resumed.");
        batches.MapPost("/{id:guid}/resume", (Guid id, HttpContext http, OathDbContext db, DeskBatches life, CancellationToken cancel) =>
            MoveAsync(id, DeskBatchState.Running, http, db, life, cancel)).Produces<BatchView>().WithSummary("Goes on.");
        batches.MapPost("/{id:guid}/stop", (Guid id, HttpContext http, OathDbContext db, DeskBatches life, CancellationToken cancel) =>
            MoveAsync(id, DeskBatchState.Stopped, http, db, life, cancel)).Produces<BatchView>().WithSummary("Ends it for good; users without a key stay without.");
        batches.MapPost("/{id:guid}/lines/{line:int}/unassign", Unassign).Produces<BatchView>()
            .WithSummary("Takes a finished key from its user before handout; the user waits for another.").ProducesProblem(StatusCodes.Status409Conflict);
        batches.MapPost("/{id:guid}/swap", Swap).Produces<BatchView>().WithSummary("Two finished keys change hands before handout.")
            .ProducesProblem(StatusCodes.Status409Conflict);
        batches.MapGet("/{id:guid}/report", Report).Produces<BatchReport>().ProducesProblem(StatusCodes.Status404NotFound)
            .WithSummary("What of a batch is ready, the red list, and the signed statements of its finished keys.");
        batches.MapGet("/{id:guid}/labels", Labels).Produces(StatusCodes.Status200OK, contentType: "text/html")
            .WithSummary("A label a finished key, to print; format=text for a label printer; line=N for one.");
    }

    public static async Task<BatchView?> FindAsync(OathDbContext db, Guid id, CancellationToken cancel) =>
        await db.DeskBatches.AsNoTracking().Include(b => b.Lines).SingleOrDefaultAsync(b => b.Id == id, cancel) is { } batch ? View(batch) : null;

    public static BatchView View(DeskBatch batch) => new(
        batch.Id, batch.Name, Word(batch.State), batch.ProfileName, batch.Shipment, DeskBatches.ReadersOf(batch.Readers), batch.Notice,
        batch.Lines.Count(l => l.State == DeskLineState.Done), batch.Lines.Count(l => l.State != DeskLineState.Unassigned),
        batch.Lines.Where(l => l.State == DeskLineState.Waiting).MinBy(l => l.Ordinal)?.UserName,
        batch.CreatedBy, batch.CreatedAt, batch.EndedAt,
        [.. batch.Lines.OrderBy(l => l.Ordinal).Select(l => new BatchLineView(l.Ordinal, l.UserName, l.Serial, Word(l.State), l.Cuid, l.JobId, l.Trouble, l.Milliseconds))]);

    private static async Task<Results<Created<BatchView>, ProblemHttpResult>> Create(
        BatchRequest request, HttpContext http, OathDbContext db, DeskBatches life, CancellationToken cancel)
    {
        if (Fault(request) is { } fault)
        {
            return fault;
        }

        var (batch, refusal) = await life.CreateAsync(db, request, Actors.Of(http), cancel);
        return batch is null
            ? Problem.Unprocessable(refusal!, "No batch was started.")
            : TypedResults.Created($"/v1/batches/{batch.Id}", View(batch));
    }

    private static async Task<Results<Created<BatchView>, ProblemHttpResult>> CreateFromList(
        string name, HttpContext http, OathDbContext db, DeskBatches life, CancellationToken cancel,
        string? profile = null, string? shipment = null, string? realm = null,
        [FromQuery] string[]? reader = null)
    {
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body, cancel);
        body.Position = 0;
        var (users, fault) = BatchList.Read(body);
        return fault is not null
            ? Problem.BadField("users", fault)
            : await Create(new BatchRequest(name, users, profile, shipment, realm, reader), http, db, life, cancel);
    }

    private static ProblemHttpResult? Fault(BatchRequest request) =>
        FaultOf(request) is var (field, what) ? Problem.BadField(field, what) : null;

    /// <summary>What is wrong with a request, and in which field; null when nothing is.</summary>
    internal static (string Field, string What)? FaultOf(BatchRequest request) => request switch
    {
        { Name.Length: 0 or > TextMax } => ("name", $"1 to {TextMax} characters."),
        { Users.Count: 0 or > DeskBatches.UsersMax } => ("users", $"1 to {DeskBatches.UsersMax} users."),
        // JSON can put a null into a list.
        _ when request.Users.Any(u => u is not { User.Length: > 0 and <= TextMax }) =>
            ("users", $"a user's name has 1 to {TextMax} characters."),
        _ when request.Readers?.Any(r => r is not { Length: > 0 and <= TextMax } || r.Any(char.IsControl)) == true =>
            ("readers", "names as GET /v1/readers tells them."),
        _ => null,
    };

    private static async Task<Ok<List<BatchView>>> List(OathDbContext db, CancellationToken cancel)
    {
        var batches = await db.DeskBatches.AsNoTracking().Include(b => b.Lines).OrderByDescending(b => b.CreatedAt).Take(ListedMax).ToListAsync(cancel);
        return TypedResults.Ok(batches.ConvertAll(b => View(b) with { Lines = [] }));
    }

    private static async Task<IResult> Get(Guid id, HttpContext http, OathDbContext db, CancellationToken cancel)
    {
        if (await FindAsync(db, id, cancel) is not { } batch)
        {
            return Missing(id);
        }

        return http.Request.Headers.Accept.ToString().Contains("text/event-stream", StringComparison.OrdinalIgnoreCase)
            ? TypedResults.ServerSentEvents(FollowAsync(db, id, cancel))
            : TypedResults.Ok(batch);
    }

    /// <summary>The batch whenever something of it changed. Read from the database, so that it tells the same on every node.</summary>
    private static async IAsyncEnumerable<SseItem<BatchView>> FollowAsync(OathDbContext db, Guid id, [EnumeratorCancellation] CancellationToken cancel)
    {
        byte[] told = [];
        while (await FindAsync(db, id, cancel) is { } batch)
        {
            var now = JsonSerializer.SerializeToUtf8Bytes(batch);
            if (!now.AsSpan().SequenceEqual(told))
            {
                told = now;
                yield return new SseItem<BatchView>(batch, "batch");
            }

            if (batch.EndedAt is not null)
            {
                yield break;
            }

            await Task.Delay(LookAgain, cancel);
        }
    }

    private static Task<IResult> MoveAsync(Guid id, DeskBatchState to, HttpContext http, OathDbContext db, DeskBatches life, CancellationToken cancel) =>
        ChangeAsync(id, db, batch => life.MoveAsync(db, batch, to, Actors.Of(http), cancel), cancel);

    private static Task<IResult> Unassign(Guid id, int line, HttpContext http, OathDbContext db, DeskBatches life, CancellationToken cancel) =>
        ChangeAsync(id, db, batch => life.UnassignAsync(db, batch, line, Actors.Of(http), cancel), cancel);

    private static Task<IResult> Swap(Guid id, BatchSwap request, HttpContext http, OathDbContext db, DeskBatches life, CancellationToken cancel) =>
        ChangeAsync(id, db, batch => life.SwapAsync(db, batch, request.One, request.Other, Actors.Of(http), cancel), cancel);

    private static async Task<IResult> ChangeAsync(Guid id, OathDbContext db, Func<DeskBatch, Task<string?>> change, CancellationToken cancel)
    {
        if (await db.DeskBatches.Include(b => b.Lines).SingleOrDefaultAsync(b => b.Id == id, cancel) is not { } batch)
        {
            return Missing(id);
        }

        return await change(batch) is { } refusal
            ? Problem.Conflict(refusal, "GET the batch to see how it stands.")
            : TypedResults.Ok(await FindAsync(db, id, cancel));
    }

    private static async Task<IResult> Report(Guid id, OathDbContext db, Statements statements, CancellationToken cancel) =>
        await db.DeskBatches.AsNoTracking().Include(b => b.Lines).SingleOrDefaultAsync(b => b.Id == id, cancel) is { } batch
            ? TypedResults.Ok(await DeskBatchReport.OfAsync(db, batch, statements, cancel))
            : Missing(id);

    private static async Task<IResult> Labels(Guid id, OathDbContext db, CancellationToken cancel, string format = "html", int? line = null)
    {
        if (format is not ("html" or "text"))
        {
            return Problem.BadField("format", "html or text.");
        }

        var labels = await BatchLabels.OfAsync(db, id, line, cancel);
        return labels.Count == 0 ? Problem.NotFound("There is no finished key to label.", "GET the batch to see which lines are done.")
            : format == "text" ? TypedResults.Text(BatchLabels.Text(labels), "text/plain; charset=utf-8")
            : BatchLabels.Page(labels);
    }

    private static string Word<T>(T state)
        where T : struct, Enum => state.ToString().ToLowerInvariant();

    private static ProblemHttpResult Missing(Guid id) => Problem.NotFound($"There is no batch {id}.", "GET /v1/batches lists them.");

    /// <summary>A list of thousands of users is longer than other requests.</summary>
    private sealed record BodyLimit(long? MaxRequestBodySize) : IRequestSizeLimitMetadata;
}
