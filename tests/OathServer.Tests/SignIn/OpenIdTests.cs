using System.Net;
using OathServer.Access;

namespace OathServer.Tests.SignIn;

public class OpenIdTests
{
    [Fact]
    public async Task Staff_of_an_organisation_come_in_with_the_role_of_their_claim()
    {
        await using var provider = await OpenIdProvider.StartAsync();
        await using var server = await StartAsync(provider);
        provider.Claims["preferred_username"] = "ada@example.org";
        provider.Claims["roles"] = new[] { "unrelated", "otp-support" };
        using var browser = new Browser(server.Address);

        var arrived = await SignInAsync(browser);

        Assert.StartsWith("/sign-in/arrived", arrived, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(browser, "/v1/tokens"));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(browser, "/v1/staff"));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(browser, "/v1/tokens/none"));
    }

    [Theory]
    [InlineData("roles", "relying-party")]
    [InlineData("roles", "Administrator")]
    [InlineData("groups", "administrator")]
    public async Task Who_has_none_of_our_roles_in_the_claim_stays_outside(string claim, string value)
    {
        await using var provider = await OpenIdProvider.StartAsync();
        await using var server = await StartAsync(provider);
        provider.Claims[claim] = value;
        using var browser = new Browser(server.Address);

        Assert.StartsWith("/sign-in?refused", await SignInAsync(browser), StringComparison.Ordinal);
        Assert.Null(browser.Session);
        Assert.Contains("gave you no role", await browser.ReadAsync("/sign-in?refused=openid"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_id_token_made_for_another_sign_in_is_refused()
    {
        await using var provider = await OpenIdProvider.StartAsync();
        await using var server = await StartAsync(provider);
        provider.Claims["roles"] = "administrator";
        provider.WrongNonce = "of somebody else";
        using var browser = new Browser(server.Address);

        Assert.StartsWith("/sign-in?refused", await SignInAsync(browser), StringComparison.Ordinal);
        Assert.Null(browser.Session);
    }

    // GHSA-j5rm-v3vh-vx94: a login challenge that was not used up could be played again.
    [Fact]
    public async Task The_answer_of_the_organisation_works_once_and_in_the_browser_that_asked()
    {
        await using var provider = await OpenIdProvider.StartAsync();
        await using var server = await StartAsync(provider);
        provider.Claims["roles"] = "administrator";
        using var browser = new Browser(server.Address);
        var back = await AskAsync(browser);
        using var thief = new Browser(server.Address);

        using var stolen = await thief.Client.GetAsync(back, Cancel);
        Assert.StartsWith("/sign-in?refused", stolen.Headers.Location!.OriginalString, StringComparison.Ordinal);
        Assert.Null(thief.Session);
        using var first = await browser.Client.GetAsync(back, Cancel);
        Assert.NotNull(browser.Session);
        using var again = await browser.Client.GetAsync(back, Cancel);
        Assert.StartsWith("/sign-in?refused", again.Headers.Location!.OriginalString, StringComparison.Ordinal);
    }

    private static Task<ServerUnderTest> StartAsync(OpenIdProvider provider) => ServerUnderTest.StartAsync(new Dictionary<string, string?>
    {
        // A certificate of its own, made at the first start: HTTPS needs no preparation.
        ["Urls"] = "https://127.0.0.1:0",
        ["Staff:OpenId:Authority"] = provider.Authority,
        ["Staff:OpenId:ClientId"] = OpenIdProvider.ClientId,
        ["Staff:OpenId:ClientSecret"] = OpenIdProvider.ClientSecret,
        ["Staff:OpenId:RequireHttps"] = "false",
        [$"Staff:OpenId:Roles:{Roles.HelpDesk}"] = "otp-support",
    });

    /// <summary>Goes to the organisation; its way back here.</summary>
    private static async Task<string> AskAsync(Browser browser)
    {
        using var away = await browser.SubmitAsync("/sign-in", "/sign-in/elsewhere", ("back", "/"));
        using var there = await browser.Client.GetAsync(away.Headers.Location, Cancel);
        return there.Headers.Location!.OriginalString;
    }

    private static async Task<string> SignInAsync(Browser browser)
    {
        using var back = await browser.Client.GetAsync(await AskAsync(browser), Cancel);
        return back.Headers.Location!.OriginalString;
    }

    private static async Task<HttpStatusCode> StatusAsync(Browser browser, string path)
    {
        using var reply = await browser.Client.GetAsync(path, Cancel);
        return reply.StatusCode;
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
