using Microsoft.AspNetCore.Http.HttpResults;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Operations;
using OathServer.Storage;

namespace OathServer.Provisioning.Puk;

/// <summary>A new version of the PUK master secret.</summary>
public sealed record RotatedReply(int Version);

/// <summary>A key whose PUK is renewed.</summary>
/// <param name="Reader">The reader the key is in.</param>
public sealed record RenewPukRequest(string Reader);

/// <summary>A key whose PUK should be renewed when it is next seen, and why: <c>old-master</c>, <c>known-to-person</c>,
/// <c>batch-due</c>.</summary>
/// <param name="Cuid">The key.</param>
/// <param name="User">Who holds it.</param>
/// <param name="Why">The reason.</param>
/// <param name="Since">When the PUK was set.</param>
public sealed record DuePuk(string Cuid, string? User, string Why, DateTimeOffset? Since);

/// <summary>The PUK master secret, and keys whose PUK is due.</summary>
internal static class PukEndpoint
{
    private const int ListMax = 1000;

    public static void MapPuks(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/puk-master", List).RequireAuthorization(Rules.Read)
            .WithSummary("The versions of the PUK master secret and how many keys carry a PUK of each; never the secret.");
        routes.MapPost("/v1/puk-master/rotate", Rotate).RequireAuthorization(Rules.Administer)
            .WithSummary("Adds a version: keys written from now on use it, the others are listed as due.");
        routes.MapGet("/v1/puks/due", Due).RequireAuthorization(Rules.Read)
            .WithSummary("Keys whose PUK should be renewed when they are next seen, by CUID; max (1 to 1000) of them from behind the CUID after on.")
            .Produces<List<DuePuk>>().ProducesProblem(StatusCodes.Status400BadRequest);
        routes.MapPost("/v1/puks/renew", Renew).RequireAuthorization(Rules.Provision)
            .WithSummary("Renews the PUK of the key in a reader and leaves everything else on it; journalled and resumable as any job.")
            .Produces<JobView>(StatusCodes.Status201Created).ProducesProblem(StatusCodes.Status422UnprocessableEntity);
    }

    private static async Task<Ok<List<PukMasterView>>> List(OathDbContext db, CancellationToken cancel) =>
        TypedResults.Ok(await PukMasters.ListAsync(db, cancel));

    private static async Task<Ok<RotatedReply>> Rotate(HttpContext http, OathDbContext db, PukMasters masters, CancellationToken cancel) =>
        TypedResults.Ok(new RotatedReply(await masters.RotateAsync(db, Actors.Of(http), cancel)));

    private static async Task<Results<Ok<List<DuePuk>>, ProblemHttpResult>> Due(
        OathDbContext db, TimeProvider time, CancellationToken cancel, string? after = null, int max = ListMax) =>
        max is < 1 or > ListMax
            ? Problem.BadField("max", $"1 to {ListMax}.")
            : TypedResults.Ok(await (await DuePuks.AsOfAsync(db, time.GetUtcNow(), cancel)).PageAsync(db.Records, after, max, cancel));

    private static async Task<IResult> Renew(
        RenewPukRequest request, HttpContext http, OathDbContext db, Workflow workflow, CancellationToken cancel)
    {
        var wanted = new Wanted(Profile: null, Serial: null, Batch: null, User: null, Realm: null, Force: false, PukOnly: true);
        return await workflow.StartAsync(db, request.Reader, wanted, dryRun: false, Actors.Of(http), cancel) switch
        {
            StartOutcome.Started started => await ProvisioningEndpoint.StartedAsync(started, wait: true, created: true, db, cancel),
            var other => ProvisioningEndpoint.Refusal(other),
        };
    }
}
