using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace OathServer.Operations;

/// <summary>What a client may cost: Kestrel's own defaults allow 30 MB bodies and any number of connections.</summary>
internal static class Limits
{
    /// <summary>Enough for every JSON request there is; imports raise it for themselves.</summary>
    public const long BodyMax = 64 * 1024;

    /// <summary>A seed file of about a hundred thousand encrypted keys, with room.</summary>
    public const long ImportMax = 256L * 1024 * 1024;

    private const int ConnectionsMax = 10_000;

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
