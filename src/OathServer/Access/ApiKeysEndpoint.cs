using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Operations;
using OathServer.Storage;

namespace OathServer.Access;

/// <summary>An API key as administrators see it. The key itself is never part of it.</summary>
public sealed record ApiKeyView(
    string Name, string Role, string[] Realms, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt, DateTimeOffset? RevokedAt,
    DateTimeOffset? LastUsedAt, DateTimeOffset? PreviousUntil, string? ClientCertificate);

/// <summary>A key to be made.</summary>
/// <param name="Name">What it is for, e.g. <c>vpn-gateway</c>.</param>
/// <param name="Role">relying-party, or a role of staff for automation.</param>
/// <param name="Realms">Where it may validate; everywhere when left out.</param>
/// <param name="Days">Days until it expires, 1 to 3650; never when left out.</param>
/// <param name="ClientCertificate">SHA-256 of the client certificate it must come with, 64 hexadecimal digits; none when left out.</param>
public sealed record ApiKeyRequest(string Name, string Role, string[]? Realms = null, int? Days = null, string? ClientCertificate = null);

/// <summary>How long the key before works on.</summary>
/// <param name="OverlapHours">0 to 720; a day when left out.</param>
public sealed record ApiKeyRotation(int OverlapHours = 24);

/// <summary>A new key, shown this once.</summary>
public sealed record ApiKeyReply(string Name, string Key);

/// <summary>API keys of relying parties and automations, through the API.</summary>
internal static class ApiKeysEndpoint
{
    private const int DaysMax = 3650;
    private const int RealmsMax = 32;

    public static void MapApiKeys(this IEndpointRouteBuilder routes)
    {
        var keys = routes.MapGroup("/v1/api-keys").RequireAuthorization(Rules.Administer);
        keys.MapGet("/", List).WithSummary("Lists API keys, the revoked ones too.");
        keys.MapPost("/", Create).WithSummary("Makes an API key and shows it, once.")
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status409Conflict);
        keys.MapPost("/{name}/rotate", Rotate).WithSummary("Makes a new key under the same name; the one before works on for a while.")
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);
        keys.MapPost("/{name}/revoke", Revoke).WithSummary("Ends a key for good.").ProducesProblem(StatusCodes.Status404NotFound);
    }

    private static async Task<Ok<List<ApiKeyView>>> List(OathDbContext db, CancellationToken cancel) =>
        TypedResults.Ok((await db.ApiKeys.AsNoTracking().OrderBy(k => k.Name).ToListAsync(cancel)).ConvertAll(View));

    private static async Task<Results<Created<ApiKeyReply>, ProblemHttpResult>> Create(
        ApiKeyRequest request, HttpContext http, OathDbContext db, ApiKeyLife life, CancellationToken cancel)
    {
        if (FaultOf(request) is { } fault)
        {
            return Problem.BadField(fault.Field, fault.Rule);
        }

        try
        {
            var life1 = request.Days is { } days ? TimeSpan.FromDays(days) : (TimeSpan?)null;
            var (row, key) = await life.CreateAsync(db, request.Name, request.Role, request.Realms ?? [], life1, Actors.Of(http), cancel, request.ClientCertificate?.ToUpperInvariant());
            http.Response.Headers.CacheControl = "no-store";
            return TypedResults.Created($"/v1/api-keys/{Uri.EscapeDataString(row.Name)}", new ApiKeyReply(row.Name, key));
        }
        catch (ArgumentException refusal)
        {
            return refusal.Message.StartsWith("There is already", StringComparison.Ordinal)
                ? Problem.Conflict($"There is already an API key named {request.Name}.", "Choose another name, or rotate that one.")
                : Problem.BadField(refusal.ParamName!, refusal.Message.Split(" (Parameter", 2)[0]);
        }
    }

    /// <summary>The member that is out of bounds and what it must be; null when none is.</summary>
    public static (string Field, string Rule)? FaultOf(ApiKeyRequest request)
    {
        if (request.Days is < 1 or > DaysMax)
        {
            return ("days", $"1 to {DaysMax}.");
        }

        var realms = request.Realms ?? [];
        if (realms.Length > RealmsMax || Array.Exists(realms, r => string.IsNullOrWhiteSpace(r) || r.Contains(',', StringComparison.Ordinal)))
        {
            return ("realms", $"at most {RealmsMax} names, none empty, none with a comma.");
        }

        return request.ClientCertificate is { } certificate && !(certificate.Length == 64 && certificate.All(char.IsAsciiHexDigit))
            ? ("clientCertificate", "the SHA-256 of the certificate, 64 hexadecimal digits.")
            : null;
    }

    private static async Task<Results<Ok<ApiKeyReply>, ProblemHttpResult>> Rotate(
        string name, ApiKeyRotation request, HttpContext http, OathDbContext db, ApiKeyLife life, CancellationToken cancel)
    {
        if (request.OverlapHours < 0 || request.OverlapHours > ApiKeyLife.OverlapMax.TotalHours)
        {
            return Problem.BadField("overlapHours", $"0 to {ApiKeyLife.OverlapMax.TotalHours:0}.");
        }

        if (await db.ApiKeys.SingleOrDefaultAsync(k => k.Name == name, cancel) is not { } row)
        {
            return Missing(name);
        }

        if (row.RevokedAt is not null)
        {
            return Problem.Conflict($"The API key {name} was revoked.", "Make a new one under another name.");
        }

        http.Response.Headers.CacheControl = "no-store";
        return TypedResults.Ok(new ApiKeyReply(
            name, await life.RotateAsync(db, row, TimeSpan.FromHours(request.OverlapHours), Actors.Of(http), cancel)));
    }

    private static async Task<Results<Ok<ApiKeyView>, ProblemHttpResult>> Revoke(
        string name, HttpContext http, OathDbContext db, ApiKeyLife life, CancellationToken cancel)
    {
        if (await db.ApiKeys.SingleOrDefaultAsync(k => k.Name == name, cancel) is not { } row)
        {
            return Missing(name);
        }

        await life.RevokeAsync(db, row, Actors.Of(http), cancel);
        return TypedResults.Ok(View(row));
    }

    private static ApiKeyView View(ApiKey key) => new(
        key.Name, key.Role, key.Realms.Split(',', StringSplitOptions.RemoveEmptyEntries), key.CreatedAt, key.ExpiresAt, key.RevokedAt,
        key.LastUsedAt, key.PreviousUntil, key.ClientCertificate);

    private static ProblemHttpResult Missing(string name) => Problem.NotFound($"There is no API key named {name}.", "See GET /v1/api-keys for those there are.");
}
