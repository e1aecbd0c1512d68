using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Operations;
using OathServer.Storage;

namespace OathServer.Access;

/// <summary>Somebody who works here.</summary>
public sealed record StaffView(
    string Name, string Role, bool Disabled, bool HasPassword, DateTimeOffset? LockedUntil, DateTimeOffset? LastSignInAt, DateTimeOffset CreatedAt);

/// <summary>Who is to work here.</summary>
/// <param name="Name">Letters, digits and <c>. _ @ + -</c>.</param>
/// <param name="Role">administrator, provisioner, help-desk or auditor.</param>
public sealed record StaffRequest(string Name, string Role);

/// <summary>Another role.</summary>
public sealed record StaffRoleRequest(string Role);

/// <summary>A link to hand to the person: it works once, for a day.</summary>
/// <param name="Name">Whose it is.</param>
/// <param name="Link">Path and query on this server.</param>
/// <param name="ExpiresAt">When it stops working.</param>
public sealed record StaffLinkReply(string Name, string Link, DateTimeOffset ExpiresAt);

/// <summary>Who works here, through the API.</summary>
internal static class StaffEndpoint
{

    public static void MapStaff(this IEndpointRouteBuilder routes)
    {
        var staff = routes.MapGroup("/v1/staff").RequireAuthorization(Rules.Administer);
        staff.MapGet("/", List).WithSummary("Lists staff.");
        staff.MapPost("/", Add).WithSummary("Adds a person; the reply has the one-time link by which they choose a password.")
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status409Conflict);
        staff.MapPost("/{name}/link", Link).WithSummary("Makes a new one-time link: a forgotten password.").ProducesProblem(StatusCodes.Status404NotFound);
        staff.MapPut("/{name}/role", ChangeRole).WithSummary("Gives another role. Open sessions end.")
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);
        staff.MapPost("/{name}/disable", Disable).WithSummary("Ends a person's access at once.")
            .ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);
        staff.MapPost("/{name}/enable", Enable).WithSummary("Lets a person sign in again.").ProducesProblem(StatusCodes.Status404NotFound);
    }

    private static async Task<Ok<List<StaffView>>> List(OathDbContext db, CancellationToken cancel) =>
        TypedResults.Ok((await db.Staff.AsNoTracking().OrderBy(s => s.NormalizedUserName).ToListAsync(cancel)).ConvertAll(View));

    private static async Task<Results<Created<StaffLinkReply>, ProblemHttpResult>> Add(
        StaffRequest request, HttpContext http, StaffLife life, TimeProvider time, CancellationToken cancel)
    {
        if (!Roles.Staff.Contains(request.Role, StringComparer.Ordinal))
        {
            return UnknownRole();
        }

        var (result, link) = await life.AddAsync(request.Name, request.Role, Actors.Of(http), cancel);
        return result.Fault switch
        {
            StaffFault.None => TypedResults.Created($"/v1/staff/{Uri.EscapeDataString(request.Name)}", Reply(request.Name, link!, time)),
            StaffFault.NameTaken => Problem.Conflict($"There is already a {request.Name}.", "Use another name, or make a new link for this one."),
            _ => Problem.BadField("name", result.Text!),
        };
    }

    private static async Task<Results<Ok<StaffLinkReply>, ProblemHttpResult>> Link(
        string name, HttpContext http, StaffLife life, TimeProvider time, CancellationToken cancel) =>
        await life.FindAsync(name) is { } staff
            ? TypedResults.Ok(Reply(staff.UserName!, await life.LinkAsync(staff, Actors.Of(http), cancel), time))
            : Missing(name);

    private static async Task<Results<Ok<StaffView>, ProblemHttpResult>> ChangeRole(
        string name, StaffRoleRequest request, HttpContext http, StaffLife life, CancellationToken cancel)
    {
        if (!Roles.Staff.Contains(request.Role, StringComparer.Ordinal))
        {
            return UnknownRole();
        }

        return await life.FindAsync(name) is { } staff
            ? Changed(await life.ChangeRoleAsync(staff, request.Role, Actors.Of(http), cancel))
            : Missing(name);
    }

    private static Task<Results<Ok<StaffView>, ProblemHttpResult>> Disable(string name, HttpContext http, StaffLife life, CancellationToken cancel) =>
        Set(name, disable: true, http, life, cancel);

    private static Task<Results<Ok<StaffView>, ProblemHttpResult>> Enable(string name, HttpContext http, StaffLife life, CancellationToken cancel) =>
        Set(name, disable: false, http, life, cancel);

    private static async Task<Results<Ok<StaffView>, ProblemHttpResult>> Set(
        string name, bool disable, HttpContext http, StaffLife life, CancellationToken cancel) =>
        await life.FindAsync(name) is { } staff
            ? Changed(await life.DisableAsync(staff, disable, Actors.Of(http), cancel))
            : Missing(name);

    private static Results<Ok<StaffView>, ProblemHttpResult> Changed(StaffResult result) => result.Fault == StaffFault.None
        ? TypedResults.Ok(View(result.Staff!))
        : Problem.Conflict("Nobody else could administer this server then.", "Make another administrator first; they must have chosen a password.");

    private static StaffView View(StaffMember staff) => new(
        staff.UserName!, staff.Role, staff.DisabledAt is not null, staff.PasswordHash is not null, staff.LockoutEnd, staff.LastSignInAt, staff.CreatedAt);

    private static StaffLinkReply Reply(string name, string link, TimeProvider time) => new(name, link, time.GetUtcNow() + StaffLinks.Life);

    private static ProblemHttpResult UnknownRole() => Problem.BadField("role", $"one of {string.Join(", ", Roles.Staff)}.");

    private static ProblemHttpResult Missing(string name) => Problem.NotFound($"There is nobody named {name}.", "See GET /v1/staff for who works here.");
}
