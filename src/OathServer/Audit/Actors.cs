namespace OathServer.Audit;

/// <summary>Who acts in a request, and from where: the start of every audit entry.</summary>
internal static class Actors
{
    public static AuditEvent Of(HttpContext http) => new(http.User.Identity?.Name ?? "unknown", "", "")
    {
        Origin = http.Connection.RemoteIpAddress?.ToString(),
    };
}
