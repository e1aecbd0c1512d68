using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Operations;
using OathServer.Storage;

namespace OathServer.Webhooks;

/// <summary>Somebody to be told.</summary>
/// <param name="Name">What it is for, e.g. <c>siem</c>.</param>
/// <param name="Url">Where to; https, or http on this machine.</param>
/// <param name="Actions">Actions of the audit trail, e.g. <c>token.suspend</c>, or all of a kind, e.g. <c>provisioning.*</c>.</param>
public sealed record WebhookRequest(string Name, string Url, string[] Actions);

/// <summary>A webhook as administrators see it; the secret is never part of it.</summary>
public sealed record WebhookView(
    string Name, string Url, string[] Actions, long DeliveredUpTo, int Failures, DateTimeOffset? NextAttemptAt, DateTimeOffset? LastDeliveredAt,
    string? LastFault, DateTimeOffset CreatedAt);

/// <summary>A new webhook with its signing secret, shown this once.</summary>
public sealed record WebhookReply(string Name, string Secret);

/// <summary>Webhooks, through the API.</summary>
internal static class WebhooksEndpoint
{
    public static void MapWebhooks(this IEndpointRouteBuilder routes)
    {
        var hooks = routes.MapGroup("/v1/webhooks").RequireAuthorization(Rules.Administer);
        hooks.MapGet("/", List).WithSummary("Lists webhooks and how their deliveries go.");
        hooks.MapPost("/", Create).WithSummary("Adds a webhook and shows its signing secret, once.")
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status409Conflict);
        hooks.MapDelete("/{name}", Delete).WithSummary("Ends a webhook.").ProducesProblem(StatusCodes.Status404NotFound);
    }

    private static async Task<Ok<List<WebhookView>>> List(OathDbContext db, CancellationToken cancel) =>
        TypedResults.Ok((await db.Webhooks.AsNoTracking().OrderBy(h => h.Name).ToListAsync(cancel)).ConvertAll(h => new WebhookView(
            h.Name, h.Url, h.Actions.Split(','), h.Cursor, h.Failures, h.Failures == 0 ? null : h.NextAttemptAt, h.LastDeliveredAt, h.LastFault, h.CreatedAt)));

    private static async Task<Results<Created<WebhookReply>, ProblemHttpResult>> Create(
        WebhookRequest request, HttpContext http, OathDbContext db, WebhookLife life, CancellationToken cancel)
    {
        if (WebhookLife.FaultOf(request) is { } fault)
        {
            return Problem.BadField(fault.Field, fault.Rule);
        }

        return await life.CreateAsync(db, request, Actors.Of(http), cancel) is { } secret
            ? TypedResults.Created($"/v1/webhooks/{Uri.EscapeDataString(request.Name)}", new WebhookReply(request.Name, secret))
            : Problem.Conflict($"There is a webhook {request.Name} already, or there are {WebhookLife.HooksMax}.", "Delete it first, or take another name.");
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> Delete(
        string name, HttpContext http, OathDbContext db, WebhookLife life, CancellationToken cancel) =>
        await life.DeleteAsync(db, name, Actors.Of(http), cancel)
            ? TypedResults.NoContent()
            : Problem.NotFound($"There is no webhook {name}.", "GET /v1/webhooks lists them.");
}
