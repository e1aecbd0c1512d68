using System.Net;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Storage;

namespace OathServer.Tests.Operations;

/// <summary>Every page is there, whole, whichever database answers: one that answers a moment later must not find the page
/// drawn already.</summary>
public class PagesTests
{
    // Signing in, and the pages of people who hold keys.
    private static readonly string[] Elsewhere = ["/my", "/sign", "/setup", "/account", "/_framework", "/language"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_page_of_the_console_is_drawn()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, user: "alice");
        await server.WithDatabase(async db =>
        {
            db.Records.Add(new KeyRecord { Cuid = "00011171", CuidSource = "DeviceSerial", Status = KeyStatus.HandedOut, UpdatedAt = DateTimeOffset.UnixEpoch });
            return await db.SaveChangesAsync(Cancel);
        });
        var client = await server.Client();
        client.DefaultRequestHeaders.Add("Accept", "text/html");
        var pages = server.Services.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
            .Where(e => e.Metadata.GetMetadata<Pages.SpokenPage>() is not null).Select(e => "/" + e.RoutePattern.RawText!.TrimStart('/'))
            .Where(p => !Array.Exists(Elsewhere, part => p.StartsWith(part, StringComparison.Ordinal))).Distinct().ToList();

        foreach (var page in pages)
        {
            var path = page.Replace("{Cuid}", "00011171", StringComparison.Ordinal).Replace("{Serial}", "A1", StringComparison.Ordinal)
                .Replace("{Name}", "default", StringComparison.Ordinal).Replace("{Id:int}", "1", StringComparison.Ordinal)
                .Replace("{Id:long}", "1", StringComparison.Ordinal).Replace("{Id:guid}", Guid.Empty.ToString(), StringComparison.Ordinal);
            using var reply = await client.GetAsync(path, Cancel);
            var html = await reply.Content.ReadAsStringAsync(Cancel);

            // What was asked for by a name that nobody has is said to be missing, by the page itself.
            Assert.True(reply.StatusCode == HttpStatusCode.OK || (reply.StatusCode == HttpStatusCode.NotFound && path != page), $"{path}: {reply.StatusCode}\n{html}");
            Assert.EndsWith("</html>", html.TrimEnd(), StringComparison.Ordinal);
        }

        Assert.True(pages.Count >= 25, $"{pages.Count}");
    }
}
