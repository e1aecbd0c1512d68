using System.Net;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Access;

namespace OathServer.Tests.Operations;

public class ErrorPageTests
{
    private const string Browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/nowhere", "en", HttpStatusCode.NotFound, "<h1>There is no such page</h1>")]
    [InlineData("/nowhere", "de-CH, en;q=0.5", HttpStatusCode.NotFound, "<h1>Diese Seite gibt es nicht</h1>")]
    [InlineData("/admin/staff", "en", HttpStatusCode.Forbidden, "<h1>You may not do that</h1>")]
    [InlineData("/admin/staff", "de", HttpStatusCode.Forbidden, "<h1>Das dürfen Sie nicht</h1>")]
    public async Task A_browser_gets_a_page_in_its_language_that_says_where_to_go_on(string path, string language, HttpStatusCode status, string title)
    {
        await using var server = await ServerUnderTest.StartAsync();
        using var reply = await AskAsync(server, path, Browser, language);

        Assert.Equal(status, reply.StatusCode);
        Assert.Equal("text/html", reply.Content.Headers.ContentType?.MediaType);
        var page = WebUtility.HtmlDecode(await reply.Content.ReadAsStringAsync(Cancel));
        Assert.Contains(title, page, StringComparison.Ordinal);
        Assert.Contains($"<html lang=\"{language[..2]}\">", page, StringComparison.Ordinal);
        Assert.Contains("href=\"/\"", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/nowhere", "*/*", HttpStatusCode.NotFound)]
    [InlineData("/v1/nowhere", Browser, HttpStatusCode.NotFound)]
    [InlineData("/v1/tokens/none", Browser, HttpStatusCode.NotFound)]
    public async Task A_program_and_the_API_get_problem_details(string path, string accept, HttpStatusCode status)
    {
        await using var server = await ServerUnderTest.StartAsync();
        using var reply = await AskAsync(server, path, accept, "en");

        Assert.Equal(status, reply.StatusCode);
        Assert.Equal("application/problem+json", reply.Content.Headers.ContentType?.MediaType);
    }

    [Fact]
    public async Task A_fault_of_the_server_is_a_page_with_its_place_in_the_log_and_no_word_of_the_fault()
    {
        await using var server = await ServerUnderTest.StartAsync(replace: services => services.AddSingleton<TimeProvider>(new BrokenClock()));
        using var reply = await AskAsync(server, "/readiness", Browser, "en");

        Assert.Equal(HttpStatusCode.InternalServerError, reply.StatusCode);
        var page = await reply.Content.ReadAsStringAsync(Cancel);
        Assert.Contains("<h1>Something failed on the server</h1>", page, StringComparison.Ordinal);
        Assert.Contains("log under", page, StringComparison.Ordinal);
        Assert.DoesNotContain("pendulum", page, StringComparison.Ordinal);
    }

    private static async Task<HttpResponseMessage> AskAsync(ServerUnderTest server, string path, string accept, string language)
    {
        var client = await server.Client(Roles.HelpDesk);
        if (server.Services.GetRequiredService<TimeProvider>() is BrokenClock clock)
        {
            clock.IsBroken = true;
        }

        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.TryAddWithoutValidation("Accept", accept);
        request.Headers.TryAddWithoutValidation("Accept-Language", language);
        return await client.SendAsync(request, Cancel);
    }

    /// <summary>A real fault in the middle of a page: readiness asks what time it is.</summary>
    private sealed class BrokenClock : TimeProvider
    {
        public volatile bool IsBroken;

        public override DateTimeOffset GetUtcNow() => IsBroken && new System.Diagnostics.StackTrace().ToString().Contains("ReadinessPage", StringComparison.Ordinal)
            ? throw new InvalidOperationException("the pendulum fell off") : base.GetUtcNow();
    }
}
