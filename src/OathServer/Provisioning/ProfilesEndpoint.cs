using Microsoft.AspNetCore.Http.HttpResults;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Operations;
using OathServer.Storage;

namespace OathServer.Provisioning;

/// <summary>A rollout profile as it is read.</summary>
public sealed record ProfileView(string Name, int Version, RolloutProfile Decisions, string EditedBy, DateTimeOffset EditedAt);

/// <summary>A new version of a profile.</summary>
/// <param name="Version">The version that was edited; 0 for a new profile. Another one there meanwhile is a conflict.</param>
/// <param name="Decisions">The whole of the decisions.</param>
public sealed record EditProfileRequest(int Version, RolloutProfile Decisions);

/// <summary><c>/v1/profiles</c>.</summary>
internal static class ProfilesEndpoint
{
    private const int NameMax = 64;

    public static void MapProfiles(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/profiles", List).RequireAuthorization(Rules.Read).WithSummary("The newest version of every rollout profile.");
        routes.MapGet("/v1/profiles/{name}", Get).RequireAuthorization(Rules.Read)
            .WithSummary("Reads a rollout profile.").ProducesProblem(StatusCodes.Status404NotFound);
        routes.MapPut("/v1/profiles/{name}", Put).RequireAuthorization(Rules.Administer)
            .WithSummary("Adds a version of a rollout profile; keys provisioned before keep theirs.")
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status409Conflict);
    }

    /// <summary>What a profile may be called.</summary>
    public static bool IsName(string name) => name.Length is > 0 and <= NameMax && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');

    private static async Task<Ok<List<ProfileView>>> List(OathDbContext db, RolloutProfiles profiles, CancellationToken cancel) =>
        TypedResults.Ok((await profiles.AllAsync(db, cancel)).ConvertAll(View));

    private static async Task<Results<Ok<ProfileView>, ProblemHttpResult>> Get(
        string name, OathDbContext db, RolloutProfiles profiles, CancellationToken cancel) =>
        await profiles.CurrentAsync(db, name, cancel) is { } found
            ? TypedResults.Ok(View(found))
            : Problem.NotFound($"There is no profile {name}.", "PUT /v1/profiles/{name} with version 0 makes it.");

    private static async Task<Results<Ok<ProfileView>, ProblemHttpResult>> Put(
        string name, EditProfileRequest request, HttpContext http, OathDbContext db, RolloutProfiles profiles, CancellationToken cancel)
    {
        if (!IsName(name))
        {
            return Problem.BadField("name", $"1 to {NameMax} letters, digits, - and _.");
        }

        if (request.Decisions.Faults().FirstOrDefault() is { } fault)
        {
            var parts = fault.Split(": ", 2);
            return Problem.BadField("decisions." + parts[0], parts[1]);
        }

        var current = await profiles.CurrentAsync(db, name, cancel);
        var saved = (current?.Version ?? 0) == request.Version
            ? await profiles.AddAsync(db, name, request.Version, request.Decisions, Actors.Of(http), cancel)
            : null;
        return saved is not null
            ? TypedResults.Ok(View(saved))
            : Problem.Conflict($"Profile {name} is at version {(await profiles.CurrentAsync(db, name, cancel))?.Version ?? 0}.", "Read it again and edit that version.");
    }

    private static ProfileView View(KnownProfile profile) =>
        new(profile.Name, profile.Version, profile.Decisions, profile.EditedBy, profile.EditedAt);
}
