using System.Net;
using Microsoft.EntityFrameworkCore;
using Microsoft.Playwright;
using OathServer.Access;
using OathServer.Tests;

namespace OathServer.Browser.Tests;

/// <summary>What holds of every page: axe finds nothing, roles keep out whom they should, all fits a phone.</summary>
public class PageTests
{
    // Pages that speak both languages through and through.
    internal static readonly string[] SpokenPages =
    [
        "/", "/?q=nobody-of-that-name", "/provision", "/jobs", "/batches", "/batches/new", "/imports", "/imports/new", "/keys", "/readiness",
        "/audit", "/reveals", "/admin", "/admin/profiles", "/admin/profiles/default", "/admin/policies", "/admin/api-keys",
        "/admin/api-keys/1", "/admin/staff", "/admin/staff/nobody", "/admin/agents", "/admin/webhooks", "/admin/secrets?count=yes",
        "/keys/00011171", "/keys/00099999", "/tokens/A1/reseed", "/account/password", "/account/passkeys",
    ];

    private static readonly string[] Pages = SpokenPages;

    [Theory]
    [InlineData(ColorScheme.Light, 1280, "en-GB")]
    [InlineData(ColorScheme.Dark, 390, "de-DE")]
    public async Task Axe_finds_nothing_on_any_page_and_nothing_runs_off_a_phone(ColorScheme scheme, int width, string locale)
    {
        await using var server = await ServerUnderTest.StartAsync();
        await CallTests.ProvisionAsync(server);
        await using var desk = await Desk.OpenAsync(server, Roles.Administrator, scheme: scheme, width: width, locale: locale);
        var job = await server.WithDatabase(db => db.Jobs.Select(j => j.Id).FirstAsync(TestContext.Current.CancellationToken));
        var wide = new List<string>();
        foreach (var page in Pages.Append($"/provision/{job}"))
        {
            await desk.Page.GotoAsync(page);
            await desk.AxeFindsNothingAsync();
            if (await desk.Page.EvaluateAsync<bool>("document.documentElement.scrollWidth > innerWidth"))
            {
                wide.Add(page);
            }

            await desk.PictureAsync($"{page.Trim('/').Replace('/', '-').Split('?')[0]}-{scheme}-{width}-{locale[..2]}".Trim('-').ToLowerInvariant());
        }

        Assert.Empty(wide);
    }

    [Fact]
    public async Task The_readiness_of_one_provisioned_key_is_ready_for_handout_and_leads_to_nothing_open()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await CallTests.ProvisionAsync(server);
        await using var desk = await Desk.OpenAsync(server, Roles.Auditor);

        await desk.PressAsync("Readiness");
        await desk.SeesAsync("ready for handout");

        Assert.Equal(0, await desk.Page.GetByText("What keeps it open").CountAsync());
        await desk.Page.GotoAsync("/keys/00011171");
        await desk.SeesAsync("You may look. Help desk and administrators may act.");
        Assert.Equal(0, await desk.Page.Locator("main form").CountAsync());
    }

    [Fact]
    public async Task A_form_sent_by_somebody_who_may_only_look_is_refused()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, user: "alice");
        await using var help = await Desk.OpenAsync(server, Roles.HelpDesk);
        await using var auditor = await Desk.OpenAsync(server, Roles.Auditor);
        await auditor.Page.GotoAsync("/account/password");
        var token = await auditor.Page.Locator("input[name=__RequestVerificationToken]").First.InputValueAsync();

        var form = auditor.Page.Context.APIRequest.CreateFormData();
        form.Set("__RequestVerificationToken", token);
        form.Set("_handler", "suspend");
        form.Set("status", "suspended");
        var reply = await auditor.Page.Context.APIRequest.PostAsync("/tokens/A1", new() { Form = form });

        Assert.False(reply.Ok, $"{reply.Status}");
        Assert.Equal(Storage.TokenState.Active, (await server.CounterAsync("A1")).State);
    }

    [Fact]
    public async Task Nobody_sees_a_page_without_signing_in_and_no_page_allows_script_of_its_own()
    {
        await using var server = await ServerUnderTest.StartAsync();
        using var stranger = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = server.Address };
        foreach (var page in Pages)
        {
            using var reply = await stranger.GetAsync(page, TestContext.Current.CancellationToken);
            Assert.True(reply.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Redirect, $"{page}: {reply.StatusCode}");
        }

        await using var desk = await Desk.OpenAsync(server);
        var answer = await desk.Page.GotoAsync("/");
        var policy = (await answer!.AllHeadersAsync())["content-security-policy"];
        Assert.Contains("script-src 'self'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
    }
}
