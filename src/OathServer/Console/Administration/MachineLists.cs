using Microsoft.EntityFrameworkCore;
using OathServer.Access;
using OathServer.Desk;
using OathServer.Storage;

namespace OathServer.Pages;

/// <summary>Machines that the server works with, as lists: desk agents that lend a reader, and receivers of webhooks.</summary>
internal static class MachineLists
{
    public static readonly string[] AgentOrders = ["name", "seen", "invited"];
    public static readonly string[] WebhookOrders = ["name", "failures", "waiting", "delivered"];

    /// <summary>The agents a list asks for, in its order; the revoked last where none is asked for. Never seen is longest ago,
    /// on either database.</summary>
    public static IQueryable<DeskAgent> Agents(OathDbContext db, Listing list)
    {
        var agents = db.Agents.AsNoTracking();
        if (list.Begins is { } begins)
        {
            agents = agents.Where(a => a.Name.ToUpper().StartsWith(begins));
        }

        return list.Sort switch
        {
            "name" => agents.OrderBy(a => a.Name).ThenBy(a => a.Id),
            "-name" => agents.OrderByDescending(a => a.Name).ThenByDescending(a => a.Id),
            "seen" => agents.OrderBy(a => a.LastSeenAt != null).ThenBy(a => a.LastSeenAt).ThenBy(a => a.Id),
            "-seen" => agents.OrderByDescending(a => a.LastSeenAt != null).ThenByDescending(a => a.LastSeenAt).ThenByDescending(a => a.Id),
            "invited" => agents.OrderBy(a => a.CreatedAt).ThenBy(a => a.Id),
            "-invited" => agents.OrderByDescending(a => a.CreatedAt).ThenByDescending(a => a.Id),
            _ => agents.OrderBy(a => a.RevokedAt != null).ThenBy(a => a.Name).ThenBy(a => a.Id),
        };
    }

    /// <summary>The webhooks a list asks for, in its order. The one furthest back in the trail has most waiting.</summary>
    public static IQueryable<Webhook> Webhooks(OathDbContext db, Listing list)
    {
        var hooks = db.Webhooks.AsNoTracking();
        if (list.Begins is { } begins)
        {
            hooks = hooks.Where(h => h.Name.ToUpper().StartsWith(begins));
        }

        return list.Sort switch
        {
            "-name" => hooks.OrderByDescending(h => h.Name),
            "failures" => hooks.OrderBy(h => h.Failures).ThenBy(h => h.Id),
            "-failures" => hooks.OrderByDescending(h => h.Failures).ThenByDescending(h => h.Id),
            "waiting" => hooks.OrderByDescending(h => h.Cursor).ThenBy(h => h.Id),
            "-waiting" => hooks.OrderBy(h => h.Cursor).ThenByDescending(h => h.Id),
            "delivered" => hooks.OrderBy(h => h.LastDeliveredAt != null).ThenBy(h => h.LastDeliveredAt).ThenBy(h => h.Id),
            "-delivered" => hooks.OrderByDescending(h => h.LastDeliveredAt != null).ThenByDescending(h => h.LastDeliveredAt).ThenByDescending(h => h.Id),
            _ => hooks.OrderBy(h => h.Name),
        };
    }

    /// <summary>The newest entry of the trail: what lies between a webhook's place and it waits.</summary>
    public static async Task<long> HeadAsync(OathDbContext db, CancellationToken cancel) =>
        await db.Audit.MaxAsync(e => (long?)e.Sequence, cancel) ?? 0;

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/admin/agents.csv", AgentsFile).RequireAuthorization(Rules.Provision).ExcludeFromDescription();
        routes.MapGet("/admin/webhooks.csv", WebhooksFileAsync).RequireAuthorization(Rules.Administer).ExcludeFromDescription();
    }

    private static IResult AgentsFile(HttpRequest request, OathDbContext db, DeskAgents lines, TimeProvider time) => CsvFile.Of(
        "agents.csv", Agents(db, new Listing(request, "", AgentOrders)).AsAsyncEnumerable(),
        ("name", a => a.Name), ("state", a => Words.Of(a, lines.IsConnected(a.Id), time.GetUtcNow()).Text), ("last seen", a => a.LastSeenAt),
        ("invited by", a => a.CreatedBy), ("invited", a => a.CreatedAt), ("enrolled", a => a.EnrolledAt), ("revoked", a => a.RevokedAt));

    private static async Task<IResult> WebhooksFileAsync(HttpRequest request, OathDbContext db, CancellationToken cancel)
    {
        var head = await HeadAsync(db, cancel);
        return CsvFile.Of(
            "webhooks.csv", Webhooks(db, new Listing(request, "name", WebhookOrders)).AsAsyncEnumerable(),
            ("name", h => h.Name), ("address", h => h.Url), ("told of", h => h.Actions.Replace(",", " ", StringComparison.Ordinal)), ("failures", h => h.Failures),
            ("last fault", h => h.LastFault), ("next attempt", h => h.Failures == 0 ? null : h.NextAttemptAt),
            ("acts waiting", h => Math.Max(0, head - h.Cursor)), ("last delivered", h => h.LastDeliveredAt));
    }
}
