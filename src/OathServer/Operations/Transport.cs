using System.Net;
using System.Security.Authentication;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using IPNetwork = System.Net.IPNetwork;

namespace OathServer.Operations;

/// <summary>
/// How the server is reached. HTTPS with the certificate of <c>Kestrel:Certificates:Default</c>, or without one with a
/// self-signed one for trying out; client certificates when <c>Https:ClientCertificates</c> is on; forwarded headers only
/// from the networks of <c>Proxy:Networks</c>.
/// </summary>
internal static class Transport
{
    private static readonly TimeSpan HstsAge = TimeSpan.FromDays(365);

    public static void AddTransport(this WebApplicationBuilder builder)
    {
        var configuration = builder.Configuration;
        var asksForCertificates = configuration.GetValue("Https:ClientCertificates", defaultValue: false);
        builder.WebHost.ConfigureKestrel(options => options.ConfigureHttpsDefaults(https =>
        {
            https.SslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13;
            if (asksForCertificates)
            {
                // Any certificate may come: what counts is the fingerprint that an API key names.
                https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
                https.AllowAnyClientCertificate();
            }

            // Kestrel fills in the configured certificate after this, where there is one.
            https.ServerCertificate = configuration.GetSection("Kestrel:Certificates:Default").Exists()
                ? null
                : TrialCertificate.Load(Storage.StorageServices.DataFolder(configuration));
        }));
        builder.Services.AddHsts(options => options.MaxAge = HstsAge);
        if (Networks(configuration) is { Length: > 0 } networks)
        {
            builder.Services.Configure<ForwardedHeadersOptions>(options =>
            {
                options.ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto | ForwardedHeaders.XForwardedHost;
                options.ForwardLimit = configuration.GetValue("Proxy:Hops", defaultValue: 1);
                options.KnownProxies.Clear();
                options.KnownIPNetworks.Clear();
                foreach (var network in networks)
                {
                    options.KnownIPNetworks.Add(network);
                }
            });
        }
    }

    public static void UseTransport(this WebApplication app)
    {
        if (Networks(app.Configuration).Length > 0)
        {
            app.UseForwardedHeaders();
        }

        app.UseHsts();
    }

    /// <summary>Addresses that others on the network can reach and where codes and keys would travel in the clear.</summary>
    public static IEnumerable<string> Unprotected(WebApplication app) => Networks(app.Configuration).Length > 0
        ? []
        : app.Urls.Where(url => BindingAddress.Parse(url) is { Scheme: "http" } address && !IsLoopback(address.Host));

    internal static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

    private static IPNetwork[] Networks(IConfiguration configuration) => Array.ConvertAll(
        configuration.GetSection("Proxy:Networks").Get<string[]>() ?? [],
        text => IPNetwork.TryParse(text, out var network)
            ? network
            : throw new InvalidOperationException($"Proxy:Networks holds {text}; it must be a network such as 10.1.0.0/16."));
}
