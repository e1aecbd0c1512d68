using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace OathServer.Operations;

/// <summary>What a client may cost: Kestrel's own defaults allow 30 MB bodies and any number of connections.</summary>
internal static class Limits
{
    /// <summary>Enough for every JSON request there is; imports raise it for themselves.</summary>
    public const long BodyMax = 64 * 1024;

    /// <summary>A seed file of about a hundred thousand encrypted keys, with room.</summary>
    public const long ImportMax = 256L * 1024 * 1024;

    /// <summary>Ten thousand that only sit there (each a few kilobytes, for two minutes at most) keep nobody out.</summary>
    private const int ConnectionsMax = 16_000;

    /// <summary>Two statements of where a request ends: a proxy in front may have believed the other one (RFC 9112 §6.1),
    /// so the connection is not used again.</summary>
    public static void UseCertainEnds(this WebApplication app) => app.Use(next => http =>
    {
        if (http.Request.Headers.TransferEncoding.Count == 0 || (http.Request.Headers.ContentLength is null && !http.Request.Headers.ContainsKey("X-Content-Length")))
        {
            return next(http);
        }

        http.Response.Headers.Connection = "close";
        http.Response.StatusCode = StatusCodes.Status400BadRequest;
        return Task.CompletedTask;
    });

    public static void Apply(KestrelServerOptions options)
    {
        options.AddServerHeader = false;
        options.Limits.MaxRequestBodySize = BodyMax;
        options.Limits.MaxConcurrentConnections = ConnectionsMax;
        options.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(5);
        options.Limits.MaxRequestHeadersTotalSize = 16 * 1024;
        options.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(120);
    }
}
