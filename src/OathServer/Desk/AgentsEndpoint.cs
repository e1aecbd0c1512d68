using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Operations;
using OathServer.Storage;

namespace OathServer.Desk;

/// <summary>A workstation that is to lend its readers.</summary>
/// <param name="Name">What its readers will be called by, e.g. <c>desk-3</c>.</param>
public sealed record AgentInvitation(string Name);

/// <summary>A code that enrols one agent, once.</summary>
public sealed record AgentCode(Guid Id, string Name, string Code, DateTimeOffset ValidUntil);

/// <summary>Enrols an agent.</summary>
public sealed record AgentEnrolment(string Code);

/// <summary>The agent's own credential, told this once.</summary>
public sealed record AgentCredential(string Name, string Credential);

/// <summary>An agent. The state is <c>invited</c>, <c>enrolled</c>, <c>connected</c>, <c>expired</c> or <c>revoked</c>.</summary>
public sealed record AgentView(
    Guid Id, string Name, string State, string CreatedBy, DateTimeOffset CreatedAt, DateTimeOffset? EnrolledAt, DateTimeOffset? LastSeenAt,
    DateTimeOffset? RevokedAt);

/// <summary><c>/v1/agents</c>.</summary>
internal static class AgentsEndpoint
{
    /// <summary>Where an agent sends its credential.</summary>
    public const string CredentialHeader = "X-Agent-Credential";

    private const int NameMax = 64;
    private const int CodeMax = 64;

    public static void MapAgents(this IEndpointRouteBuilder routes)
    {
        var agents = routes.MapGroup("/v1/agents");
        agents.MapGet("/", List).RequireAuthorization(Rules.Provision).WithSummary("Lists the desk agents.");
        agents.MapPost("/", Invite).RequireAuthorization(Rules.Provision).WithSummary("Makes an enrolment code for a desk agent; it works once, for minutes.")
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status409Conflict);
        agents.MapPost("/{id:guid}/revoke", Revoke).RequireAuthorization(Rules.Provision).WithSummary("Ends an agent for good.")
            .ProducesProblem(StatusCodes.Status404NotFound);
        agents.MapPost("/enrol", Enrol).AllowAnonymous().WithSummary("Changes an enrolment code for the agent's own credential.")
            .ProducesProblem(StatusCodes.Status403Forbidden);
        agents.MapGet("/line", Line).AllowAnonymous().ExcludeFromDescription();
    }

    /// <summary>What an agent may be called.</summary>
    public static bool IsName(string name) => name.Length is > 0 and <= NameMax && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');

    private static async Task<Ok<List<AgentView>>> List(OathDbContext db, DeskAgents agents, TimeProvider time, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        return TypedResults.Ok((await db.Agents.AsNoTracking().OrderBy(a => a.Name).ThenBy(a => a.CreatedAt).ToListAsync(cancel)).ConvertAll(a => new AgentView(
            a.Id, a.Name, a.RevokedAt is not null ? "revoked" : agents.IsConnected(a.Id) ? "connected" : a.CredentialHash is not null ? "enrolled"
            : a.EnrolmentUntil > now ? "invited" : "expired", a.CreatedBy, a.CreatedAt, a.EnrolledAt, a.LastSeenAt, a.RevokedAt)));
    }

    private static async Task<Results<Created<AgentCode>, ProblemHttpResult>> Invite(
        AgentInvitation request, HttpContext http, OathDbContext db, DeskAgents agents, CancellationToken cancel)
    {
        if (!IsName(request.Name))
        {
            return Problem.BadField("name", $"1 to {NameMax} letters, digits, hyphens, dots.");
        }

        return await agents.InviteAsync(db, request.Name, Actors.Of(http), cancel) is var (agent, code)
            ? TypedResults.Created("/v1/agents", new AgentCode(agent.Id, agent.Name, code, agent.EnrolmentUntil!.Value))
            : Problem.Conflict($"There is an agent {request.Name} already.", "Revoke it first, or choose another name.");
    }

    private static async Task<Results<Ok<AgentCredential>, ProblemHttpResult>> Enrol(
        AgentEnrolment request, HttpContext http, OathDbContext db, DeskAgents agents, CancellationToken cancel) =>
        request.Code.Length <= CodeMax && await agents.EnrolAsync(db, request.Code, http.Connection.RemoteIpAddress?.ToString(), cancel) is var (name, credential)
            ? TypedResults.Ok(new AgentCredential(name, credential))
            : TypedResults.Problem(statusCode: StatusCodes.Status403Forbidden, title: "The enrolment code is unknown, used or too old.",
                detail: "Ask for a new one: POST /v1/agents.");

    private static async Task<Results<NoContent, ProblemHttpResult>> Revoke(
        Guid id, HttpContext http, OathDbContext db, DeskAgents agents, CancellationToken cancel) =>
        await agents.RevokeAsync(db, id, Actors.Of(http), cancel)
            ? TypedResults.NoContent()
            : Problem.NotFound($"There is no agent {id}.", "GET /v1/agents lists them.");

    private static async Task Line(
        HttpContext http, OathDbContext db, DeskAgents agents, IServiceScopeFactory scopes, IHostApplicationLifetime lifetime, CancellationToken cancel)
    {
        if (!http.WebSockets.IsWebSocketRequest)
        {
            http.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }

        if (await agents.RecogniseAsync(db, http.Request.Headers[CredentialHeader].ToString(), cancel) is not { } agent)
        {
            http.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return;
        }

        using var socket = await http.WebSockets.AcceptWebSocketAsync();
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancel, lifetime.ApplicationStopping);
        await agents.ServeAsync(agent, socket, scopes, ends.Token);
    }
}
