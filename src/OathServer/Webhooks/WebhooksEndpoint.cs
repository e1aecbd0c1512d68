using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Operations;
using OathServer.Secrets;
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
internal static partial class WebhooksEndpoint
{
    private const int SecretSize = 32;
    private const int TextMax = 500;
    private const int HooksMax = 50;

    [GeneratedRegex(@"^[a-z-]{1,32}\.(\*|[a-z-]{1,32})$|^[a-z-]{1,32}$", RegexOptions.CultureInvariant)]
    private static partial Regex ActionForm();

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
        WebhookRequest request, HttpContext http, OathDbContext db, Sealer sealer, AuditTrail audit, TimeProvider time, CancellationToken cancel)
    {
        if (string.IsNullOrWhiteSpace(request.Name) || request.Name.Length > 100)
        {
            return Problem.BadField("name", "1 to 100 characters.");
        }

        if (!Uri.TryCreate(request.Url, UriKind.Absolute, out var url) || request.Url.Length > TextMax || url.UserInfo.Length > 0
            || !(url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && url.IsLoopback)))
        {
            return Problem.BadField("url", $"an https address of at most {TextMax} characters, without a password in it; http only on this machine.");
        }

        if (request.Actions.Length is 0 or > 50 || !Array.TrueForAll(request.Actions, a => ActionForm().IsMatch(a)))
        {
            return Problem.BadField("actions", "1 to 50 actions of the audit trail, such as token.suspend, or all of a kind, such as provisioning.*.");
        }

        if (await db.Webhooks.CountAsync(cancel) >= HooksMax || await db.Webhooks.AnyAsync(h => h.Name == request.Name, cancel))
        {
            return Problem.Conflict($"There is a webhook {request.Name} already, or there are {HooksMax}.", "Delete it first, or take another name.");
        }

        var secret = RandomNumberGenerator.GetBytes(SecretSize);
        try
        {
            db.Webhooks.Add(new Webhook
            {
                Name = request.Name,
                Url = url.AbsoluteUri,
                Actions = string.Join(',', request.Actions),
                SealedSecret = sealer.Seal(secret, SealedPlace.WebhookSecret(request.Name)),
                // From here on: what happened before it was added is not told.
                Cursor = await db.Audit.MaxAsync(e => (long?)e.Sequence, cancel) ?? 0,
                CreatedAt = time.GetUtcNow(),
            });
            await audit.SaveAsync(db, cancel, Actors.Of(http) with { Action = "webhook.create", Outcome = "done", Detail = $"{request.Name} to {url.Host}" });
            return TypedResults.Created($"/v1/webhooks/{Uri.EscapeDataString(request.Name)}", new WebhookReply(request.Name, "whsec_" + Convert.ToBase64String(secret)));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> Delete(
        string name, HttpContext http, OathDbContext db, AuditTrail audit, CancellationToken cancel)
    {
        if (await db.Webhooks.SingleOrDefaultAsync(h => h.Name == name, cancel) is not { } hook)
        {
            return Problem.NotFound($"There is no webhook {name}.", "GET /v1/webhooks lists them.");
        }

        db.Webhooks.Remove(hook);
        await audit.SaveAsync(db, cancel, Actors.Of(http) with { Action = "webhook.delete", Outcome = "done", Detail = name });
        return TypedResults.NoContent();
    }
}
