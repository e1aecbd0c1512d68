using Microsoft.AspNetCore.Http.HttpResults;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Operations;
using OathServer.Storage;

namespace OathServer.Records;

/// <summary>Why a secret is shown; kept in the trail.</summary>
public sealed record RevealRequest(string Reason);

/// <summary>The PUK. It is shown here and nowhere else.</summary>
public sealed record PukReply(string Puk);

/// <summary>The initial PIN. It was shown for the only time.</summary>
public sealed record PinReply(string Pin);

/// <summary>What changes in a record; what is left out stays. Status: <c>handed-out</c>, <c>suspended</c>, <c>lost</c>,
/// <c>retired</c>, <c>ready-for-handout</c>.</summary>
public sealed record RecordChange(string? Status = null, string? Notes = null);

/// <summary><c>/v1/records</c>.</summary>
internal static class RecordsEndpoint
{
    internal const int ReasonMin = 5;
    internal const int TextMax = 2000;

    public static void MapRecords(this IEndpointRouteBuilder routes)
    {
        var records = routes.MapGroup("/v1/records");
        records.MapGet("/", Search).RequireAuthorization(Rules.Read)
            .WithSummary("Finds records by CUID, device serial, token serial, user name, mail or employee number.");
        RecordsExport.Map(records);
        records.MapGet("/{cuid}", Get).RequireAuthorization(Rules.Read).WithSummary("Reads a record.").ProducesProblem(StatusCodes.Status404NotFound);
        records.MapPatch("/{cuid}", Change).RequireAuthorization(Rules.Help)
            .WithSummary("Changes status or notes; a suspended, lost or retired key's tokens are refused at once.")
            .ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);
        records.MapPost("/{cuid}/puk/reveal", RevealPuk).RequireAuthorization(Rules.Help)
            .WithSummary("Shows the PUK, with a reason for the trail; 202 where a second person must approve it first.").ProducesProblem(StatusCodes.Status404NotFound);
        records.MapPost("/{cuid}/pin/reveal", RevealPin).RequireAuthorization(Rules.Help)
            .WithSummary("Shows the initial PIN for the only time; 202 where a second person must approve it first.").ProducesProblem(StatusCodes.Status404NotFound);
    }

    private static async Task<Results<Ok<List<RecordView>>, ProblemHttpResult>> Search(string? search, OathDbContext db, CancellationToken cancel) =>
        string.IsNullOrWhiteSpace(search)
            ? Problem.BadField("search", "say what to look for: a CUID, serial, name or mail.")
            : TypedResults.Ok((await RecordSearch.FindAsync(db, search, cancel)).ConvertAll(RecordViews.Of));

    private static async Task<Results<Ok<RecordView>, ProblemHttpResult>> Get(string cuid, OathDbContext db, CancellationToken cancel) =>
        await RecordSearch.ByCuidAsync(db, cuid, cancel) is { } record ? TypedResults.Ok(RecordViews.Of(record)) : Missing(cuid);

    private static async Task<Results<Ok<RecordView>, ProblemHttpResult>> Change(
        string cuid, RecordChange change, HttpContext http, OathDbContext db, RecordLife life, CancellationToken cancel)
    {
        if (change.Notes is { Length: > TextMax })
        {
            return Problem.BadField("notes", $"at most {TextMax} characters.");
        }

        KeyStatus? status = null;
        if (change.Status is not null && (status = RecordViews.Parse(change.Status)) is null)
        {
            return Problem.BadField("status", $"one of {string.Join(", ", Enum.GetValues<KeyStatus>().Select(RecordViews.Words))}.");
        }

        if (await RecordSearch.ByCuidAsync(db, cuid, cancel) is not { } record)
        {
            return Missing(cuid);
        }

        if (status is { } to && to != record.Status
            && await life.ChangeStatusAsync(db, record, to, Actors.Of(http), cancel) is { } refusal)
        {
            return Problem.Conflict($"Key {record.Cuid} is {RecordViews.Words(record.Status)}.", refusal);
        }

        if (change.Notes is { } notes)
        {
            await life.NoteAsync(db, record, notes, Actors.Of(http), cancel);
        }

        db.ChangeTracker.Clear();
        return TypedResults.Ok(RecordViews.Of((await RecordSearch.ByCuidAsync(db, cuid, cancel))!));
    }

    private static Task<Results<Ok<PukReply>, Accepted<RevealAskView>, ProblemHttpResult>> RevealPuk(
        string cuid, RevealRequest request, HttpContext http, OathDbContext db, RecordLife life, CancellationToken cancel) =>
        RevealAsync(cuid, request, http, db, life.RevealPukAsync, puk => new PukReply(puk), "This key has no PUK on record.", cancel);

    private static Task<Results<Ok<PinReply>, Accepted<RevealAskView>, ProblemHttpResult>> RevealPin(
        string cuid, RevealRequest request, HttpContext http, OathDbContext db, RecordLife life, CancellationToken cancel) =>
        RevealAsync(cuid, request, http, db, life.RevealPinAsync, pin => new PinReply(pin), "The initial PIN was shown already, or none was kept.", cancel);

    private static async Task<Results<Ok<T>, Accepted<RevealAskView>, ProblemHttpResult>> RevealAsync<T>(
        string cuid, RevealRequest request, HttpContext http, OathDbContext db,
        Func<OathDbContext, KeyRecord, string, AuditEvent, CancellationToken, Task<string?>> reveal, Func<string, T> reply, string none,
        CancellationToken cancel)
    {
        if (request.Reason.Trim().Length < ReasonMin || request.Reason.Length > TextMax)
        {
            return Problem.BadField("reason", $"say why, in {ReasonMin} to {TextMax} characters; it is kept in the trail.");
        }

        if (await RecordSearch.ByCuidAsync(db, cuid, cancel) is not { } record)
        {
            return Missing(cuid);
        }

        string? secret;
        try
        {
            secret = await reveal(db, record, request.Reason.Trim(), Actors.Of(http), cancel);
        }
        catch (SecondPersonNeededException needed)
        {
            return TypedResults.Accepted("/v1/reveals", RevealsEndpoint.View(needed.Ask));
        }
        catch (RevealQuotaSpentException spent)
        {
            return TypedResults.Problem(
                statusCode: StatusCodes.Status429TooManyRequests, title: spent.Message, detail: "Ask a colleague; an administrator sets Records:RevealsADay.");
        }

        if (secret is null)
        {
            return Problem.NotFound(none, "Provision the key again to set one.");
        }

        http.Response.Headers.CacheControl = "no-store";
        return TypedResults.Ok(reply(secret));
    }

    private static ProblemHttpResult Missing(string cuid) =>
        Problem.NotFound($"There is no record of key {cuid}.", "Check the CUID; a record is written when a key is provisioned.");
}
