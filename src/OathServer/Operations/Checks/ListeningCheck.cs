using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace OathServer.Operations.Checks;

/// <summary>Where the server listens: safe for others to reach, its certificate good, and who answers there now.</summary>
internal static class ListeningCheck
{
    private static readonly TimeSpan Soon = TimeSpan.FromDays(21);
    private static readonly TimeSpan AnswersWithin = TimeSpan.FromSeconds(5);

    public static async Task<List<Finding>> RunAsync(IConfiguration configuration, CancellationToken cancel)
    {
        var findings = new List<Finding>();
        var behindProxy = configuration.GetSection("Proxy:Networks").GetChildren().Any();
        foreach (var text in (configuration["Urls"] ?? "http://localhost:5000").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var address = BindingAddress.Parse(text);
            if (address.Scheme == "http" && !Transport.IsLoopback(address.Host) && !behindProxy)
            {
                findings.Add(Finding.Bad("listening", $"{text} is open to other machines without TLS", "Listen on https://, or on 127.0.0.1 behind a proxy that ends TLS (Proxy:Networks)."));
            }

            if (address.Scheme == "https")
            {
                findings.Add(Certificate(configuration));
            }

            findings.Add(await WhoAnswersAsync(address, cancel));
        }

        return findings;
    }

    private static Finding Certificate(IConfiguration configuration)
    {
        var section = configuration.GetSection("Kestrel:Certificates:Default");
        if (section["Path"] is not { Length: > 0 } path)
        {
            return section.Exists()
                ? Finding.Good("certificate", "from the system's store")
                : Finding.Warning("certificate", "self-signed, for trying out", "Set Kestrel:Certificates:Default:Path and KeyPath (or Password).");
        }

        using var certificate = Path.GetExtension(path) is ".pfx" or ".p12"
            ? X509CertificateLoader.LoadPkcs12FromFile(path, section["Password"])
            : X509CertificateLoader.LoadCertificateFromFile(path);
        var left = certificate.NotAfter.ToUniversalTime() - TimeProvider.System.GetUtcNow().UtcDateTime;
        var what = $"{certificate.Subject}, until {certificate.NotAfter:yyyy-MM-dd}";
        return left < TimeSpan.Zero ? Finding.Bad("certificate", $"{what}: it has ended", "Renew it and restart.")
            : left < Soon ? Finding.Warning("certificate", what, "Renew it.")
            : Finding.Good("certificate", what);
    }

    /// <summary>A server of ours that says how it is, nobody, or somebody else.</summary>
    private static async Task<Finding> WhoAnswersAsync(BindingAddress address, CancellationToken cancel)
    {
        var host = IPAddress.TryParse(address.Host.Trim('[', ']'), out var ip) && !ip.Equals(IPAddress.Any) && !ip.Equals(IPAddress.IPv6Any) ? ip.ToString() : "127.0.0.1";
        var where = $"{address.Scheme}://{host}:{address.Port}";
        // Its name is not this host's, and nothing secret is sent.
        using var handler = new HttpClientHandler { ServerCertificateCustomValidationCallback = HttpClientHandler.DangerousAcceptAnyServerCertificateValidator };
        using var client = new HttpClient(handler) { Timeout = AnswersWithin };
        try
        {
            using var reply = await client.GetAsync(new Uri($"{where}/health/ready"), cancel);
            var said = (await reply.Content.ReadAsStringAsync(cancel)).Trim();
            return reply.IsSuccessStatusCode && said == "ready" ? Finding.Good("server", $"{where} is ready")
                : reply.IsSuccessStatusCode ? Finding.Warning("server", $"{where}: {said}", "See docs/operations.md.")
                : reply.StatusCode == HttpStatusCode.ServiceUnavailable ? Finding.Bad("server", $"{where} is not ready: {said}")
                : Finding.Bad("server", $"somebody else answers at {where}", "Stop it, or listen elsewhere (Urls).");
        }
        catch (HttpRequestException nobody) when (nobody.InnerException is SocketException)
        {
            return Finding.Warning("server", $"nobody answers at {where}", "Start it: systemctl start oathserver");
        }
        catch (Exception fault) when (fault is HttpRequestException or TaskCanceledException && !cancel.IsCancellationRequested)
        {
            return Finding.Bad("server", $"{where} does not answer as it should ({(fault is TaskCanceledException ? "not in time" : "no HTTP")})", "Look at its log: journalctl -u oathserver");
        }
    }
}
