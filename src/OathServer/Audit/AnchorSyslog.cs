using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace OathServer.Audit;

/// <summary>Sends anchors to a syslog server (RFC 5424 over UDP, RFC 5426), setting <c>Audit:Syslog</c>, e.g.
/// <c>udp://log.example:514</c>: a copy that nobody on this machine can take back.</summary>
internal sealed class AnchorSyslog(Uri? server, TimeProvider time, ILogger<AnchorSyslog> log)
{
    private const int DefaultPort = 514;

    // Facility 13 (log audit), severity 5 (notice): RFC 5424 §6.2.1.
    private const int Priority = (13 * 8) + 5;

    /// <exception cref="InvalidOperationException">The setting is no address of a syslog server.</exception>
    public static Uri? Parse(string? setting) =>
        string.IsNullOrEmpty(setting) ? null
        : Uri.TryCreate(setting, UriKind.Absolute, out var uri) && uri.Scheme == "udp" && uri.Host.Length > 0 ? uri
        : throw new InvalidOperationException($"Audit:Syslog is {setting}; it must look like udp://host:514.");

    /// <summary>Best effort: the anchor is in its file whether or not the log server is reached.</summary>
    public async Task SendAsync(string anchor, CancellationToken cancel)
    {
        if (server is null)
        {
            return;
        }

        try
        {
            using var client = new UdpClient();
            var message = string.Create(CultureInfo.InvariantCulture,
                $"<{Priority}>1 {time.GetUtcNow():yyyy-MM-ddTHH:mm:ss.fffZ} {Environment.MachineName} oathserver {Environment.ProcessId} anchor - {anchor}");
            await client.SendAsync(Encoding.UTF8.GetBytes(message), server.Host, server.Port > 0 ? server.Port : DefaultPort, cancel);
        }
        catch (SocketException fault)
        {
            log.LogWarning("The anchor was not sent to {Server}: {Fault}", server, fault.Message);
        }
    }
}
