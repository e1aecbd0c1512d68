using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Import.Export;
using OathServer.Operations;
using OathServer.Storage;

namespace OathServer.Import;

/// <summary><c>/v1/imports</c>: shipments in, and what became of them.</summary>
internal static class ImportEndpoint
{
    private const int PageMax = 200;

    /// <summary>Keys named one by one in a refusal.</summary>
    private const int NamedMax = 100;

    private static readonly TimeSpan tick = TimeSpan.FromMilliseconds(200);

    public static void AddImport(this IServiceCollection services)
    {
        services.AddSingleton<ImportTurn>();
        services.AddSingleton<ShipmentImport>();
        services.AddSingleton<ImportUndo>();
        services.AddSingleton<CredentialExport>();
    }

    public static void MapImport(this IEndpointRouteBuilder routes)
    {
        var imports = routes.MapGroup("/v1/imports");
        imports.MapPost("/", Import).RequireAuthorization(Rules.Provision).KeepsToRealms()
            .WithSummary("Imports a seed file: the raw file, or a form with the part file. Keys in headers or form fields.")
            // The last one is what curl --data-binary says of any file.
            .Accepts<Stream>("application/pskc+xml", "application/xml", "text/xml", "text/csv", "text/plain", "application/octet-stream", "multipart/form-data", "application/x-www-form-urlencoded")
            .Produces<ImportReport>(StatusCodes.Status201Created).Produces<ImportReport>()
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status413PayloadTooLarge).ProducesProblem(StatusCodes.Status422UnprocessableEntity);
        imports.MapGet("/", List).RequireAuthorization(Rules.Read).WithSummary("Lists imports, the newest first.");
        imports.MapGet("/{id:long}", Get).RequireAuthorization(Rules.Read)
            .WithSummary("Reads the report of an import.").ProducesProblem(StatusCodes.Status404NotFound);
        imports.MapGet("/running", Watch).RequireAuthorization(Rules.Provision)
            .WithSummary("Follows the running import by server-sent events.").ProducesProblem(StatusCodes.Status404NotFound);
        imports.MapDelete("/{id:long}", Undo).RequireAuthorization(Rules.Provision)
            .WithSummary("Takes an import back, while none of its tokens has been used.")
            .ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);
        routes.MapExport();
        imports.MapDelete("/running", Cancel).RequireAuthorization(Rules.Provision)
            .WithSummary("Ends the running import; nothing of it stays.").ProducesProblem(StatusCodes.Status404NotFound);
    }

    private static async Task<IResult> Import(HttpContext http, OathDbContext db, ShipmentImport shipments, ImportTurn turn, CancellationToken cancel)
    {
        var request = await ImportRequest.ReadAsync(http, cancel);
        http.Response.RegisterForDispose(request);
        if (http.ApiKey() is { } key && !key.MayEnter(request.Options.Realm))
        {
            return TypedResults.Problem(statusCode: StatusCodes.Status403Forbidden, title: $"This API key may not enter the realm {request.Options.Realm}.");
        }

        Task<ImportReport> Run() => shipments.ImportAsync(db, request.File, request.FileName, request.Options, Actor(http), cancel);
        if (http.Request.GetTypedHeaders().Accept.Any(a => a.MediaType == "text/event-stream"))
        {
            return TypedResults.ServerSentEvents(Follow(Run, turn, cancel));
        }

        try
        {
            var report = await Run();
            return report.Id is { } id ? TypedResults.Created($"/v1/imports/{id}", report) : TypedResults.Ok(report);
        }
        catch (Exception fault) when (ProblemOf(fault) is { } problem)
        {
            return TypedResults.Problem(problem);
        }
    }

    private static async IAsyncEnumerable<SseItem<object>> Follow(
        Func<Task<ImportReport>> run, ImportTurn turn, [EnumeratorCancellation] CancellationToken cancel)
    {
        var import = Task.Run(run, CancellationToken.None);
        ImportProgress? told = null;
        while (!import.IsCompleted)
        {
            if (turn.Running?.Latest is { } latest && latest != told)
            {
                yield return new SseItem<object>(told = latest, "progress");
            }

            await Task.WhenAny(import, Task.Delay(tick, cancel));
        }

        SseItem<object> last;
        try
        {
            last = new SseItem<object>(await import, "report");
        }
        catch (Exception fault) when (ProblemOf(fault) is { } problem)
        {
            last = new SseItem<object>(problem, "refused");
        }

        yield return last;
    }

    private static ProblemDetails? ProblemOf(Exception fault) => fault switch
    {
        ImportRefusedException refusal => ProblemOf(refusal),
        ImportBusyException busy => new ProblemDetails
        {
            Status = StatusCodes.Status409Conflict,
            Title = busy.Message,
            Detail = "Wait until it has ended, or end it with DELETE /v1/imports/running.",
        },
        OperationCanceledException => new ProblemDetails
        {
            Status = StatusCodes.Status409Conflict,
            Title = "The import was cancelled.",
            Detail = "Nothing of the file is in the store.",
            Extensions = { ["fault"] = "cancelled" },
        },
        _ => null,
    };

    private static ProblemDetails ProblemOf(ImportRefusedException refusal)
    {
        var problem = new ProblemDetails
        {
            Status = StatusCodes.Status422UnprocessableEntity,
            Title = "The file was refused. Nothing was imported.",
            Detail = refusal.Message,
            Extensions = { ["fault"] = refusal.Fault },
        };
        void Add(string name, object? value)
        {
            if (value is not null)
            {
                problem.Extensions[name] = value;
            }
        }

        Add("serial", refusal.Serial);
        Add("keyId", refusal.KeyId);
        Add("line", refusal.Line > 0 ? refusal.Line : null);
        Add("refused", refusal.Report?.Keys.Where(k => k.What == KeyOutcome.Refused).Take(NamedMax).ToList());
        return problem;
    }

    private static async Task<Results<Ok<List<ImportView>>, ProblemHttpResult>> List(
        OathDbContext db, CancellationToken cancel, string? batch = null, long? before = null, int take = 50)
    {
        if (take is < 1 or > PageMax)
        {
            return Problem.BadField("take", $"1 to {PageMax}.");
        }

        var query = db.Imports.AsNoTracking().Where(i => (batch == null || i.Batch == batch) && (before == null || i.Id < before));
        return TypedResults.Ok(await query.OrderByDescending(i => i.Id).Take(take)
            .Select(i => new ImportView(i.Id, i.FileName, i.Digest, i.Format, i.Realm, i.Batch, i.ImportedBy, i.ImportedAt, i.Keys, i.Length, i.Caution))
            .ToListAsync(cancel));
    }

    private static async Task<Results<Ok<ImportReport>, ProblemHttpResult>> Get(
        long id, OathDbContext db, CancellationToken cancel, string? after = null, int take = 1000)
    {
        if (take is < 1 or > 1000)
        {
            return Problem.BadField("take", "1 to 1000.");
        }

        var import = await db.Imports.AsNoTracking().SingleOrDefaultAsync(i => i.Id == id, cancel);
        if (import is null)
        {
            return Problem.NotFound($"There is no import {id}.", "GET /v1/imports lists them.");
        }

        var report = ShipmentImport.ReportOf(import);
        var tokens = await db.Tokens.AsNoTracking().Include(t => t.Counter).Include(t => t.Person)
            .Where(t => t.ImportId == id && (after == null || string.Compare(t.Serial, after) > 0))
            .OrderBy(t => t.Serial).Take(take).ToListAsync(cancel);
        // The tokens speak for themselves, as they are now.
        var keys = tokens.ConvertAll(t => new ImportedKey(
            t.Serial, KeyOutcome.Imported, t.DisabledReason, null, t.KeyId, 0, t.Type == TokenType.Hotp ? t.StartCounter : null,
            t.Person?.Name, t.Counter!.State.ToString().ToLowerInvariant()));
        return TypedResults.Ok(report with { Id = id, Keys = after is null ? [.. report.Keys, .. keys] : keys });
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> Undo(
        long id, HttpContext http, OathDbContext db, ImportUndo undo, CancellationToken cancel)
    {
        var result = await undo.UndoAsync(db, id, Actor(http), cancel);
        if (result.Import is null)
        {
            return Problem.NotFound($"There is no import {id}.", "GET /v1/imports lists them.");
        }

        return result.InUseCount == 0 ? TypedResults.NoContent() : TypedResults.Problem(new ProblemDetails
        {
            Status = StatusCodes.Status409Conflict,
            Title = $"{result.InUseCount} tokens of import {id} are in use. Nothing was removed.",
            Detail = "An import can be taken back only while no code of its tokens was accepted and none is on a key. Suspend or retire its tokens one by one instead.",
            Extensions = { ["inUse"] = result.InUse },
        });
    }

    private static Results<ServerSentEventsResult<ImportProgress>, ProblemHttpResult> Watch(ImportTurn turn, CancellationToken cancel) =>
        turn.Running is { } running ? TypedResults.ServerSentEvents(Progress(turn, running, cancel), "progress") : NoneRunning();

    private static async IAsyncEnumerable<ImportProgress> Progress(
        ImportTurn turn, ImportTurn.RunningImport running, [EnumeratorCancellation] CancellationToken cancel)
    {
        ImportProgress? told = null;
        while (turn.Running == running)
        {
            if (running.Latest != told)
            {
                yield return told = running.Latest;
            }

            await Task.Delay(tick, cancel);
        }
    }

    private static Results<NoContent, ProblemHttpResult> Cancel(ImportTurn turn)
    {
        if (turn.Running is not { } running)
        {
            return NoneRunning();
        }

        running.Cancel();
        return TypedResults.NoContent();
    }

    private static ProblemHttpResult NoneRunning() => Problem.NotFound("No import is running.", "GET /v1/imports lists those that ended.");

    internal static AuditEvent Actor(HttpContext http) => new(http.User.Identity?.Name ?? "unknown", "", "")
    {
        Origin = http.Connection.RemoteIpAddress?.ToString(),
    };
}
