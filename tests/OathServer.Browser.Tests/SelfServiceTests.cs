using System.Net;
using Microsoft.EntityFrameworkCore;
using OathServer.Storage;
using OathServer.Tests;
using OathServer.Tests.SignIn;

namespace OathServer.Browser.Tests;

/// <summary>People who hold keys, signed in by their organisation: they see and mend their own, and nobody else's.</summary>
public class SelfServiceTests
{
    [Fact]
    public async Task A_holder_brings_a_key_back_into_step_rereads_first_steps_and_reports_it_lost()
    {
        await using var provider = await OpenIdProvider.StartAsync();
        await using var server = await StartAsync(provider);
        await CallTests.ProvisionAsync(server, user: "alice");
        await using var desk = await SignInAsync(server, provider, "alice");
        await desk.SeesAsync("1 key is yours.");
        await desk.AxeFindsNothingAsync();

        await desk.Page.GetByText("First steps").ClickAsync();
        await desk.Page.GetByText("My codes are refused").ClickAsync();
        await desk.Page.GetByLabel("First code").FillAsync(Codes.Hotp(Codes.Secret, 70));
        await desk.Page.GetByLabel("Second code").FillAsync(Codes.Hotp(Codes.Secret, 71));
        await desk.Page.Keyboard.PressAsync("Enter");
        await desk.SeesAsync("The key is back in step.");
        Assert.Equal(72, (await server.CounterAsync("A1")).Counter);

        await desk.Page.GetByText("I lost this key").ClickAsync();
        await desk.SeesAsync("From this moment its codes are refused");
        await desk.PressAsync("Report it lost");
        await desk.SeesAsync("It is reported lost");
        await desk.AxeFindsNothingAsync();
        Assert.Equal(TokenState.Suspended, (await server.CounterAsync("A1")).State);
        var acts = await server.WithDatabase(db => db.Audit.Where(a => a.Actor == "holder alice").Select(a => a.Action).ToListAsync());
        Assert.Equal(["token.resync", "record.status", "holder.lost"], acts);
    }

    [Theory]
    [InlineData(1280)]
    [InlineData(390)]
    public async Task The_page_of_ones_own_keys_speaks_German_and_fits_a_phone(int width)
    {
        await using var provider = await OpenIdProvider.StartAsync();
        await using var server = await StartAsync(provider);
        await CallTests.ProvisionAsync(server, user: "alice");
        await using var desk = await SignInAsync(server, provider, "alice", locale: "de-DE", width: width);
        await desk.SeesAsync("Meine Schlüssel");
        await desk.PictureAsync($"my-{width}-de");
        foreach (var summary in await desk.Page.Locator("summary").AllAsync())
        {
            await summary.ClickAsync();
        }

        await desk.AxeFindsNothingAsync();
        await desk.PictureAsync($"my-open-{width}-de");
        Assert.False(await desk.Page.EvaluateAsync<bool>("document.documentElement.scrollWidth > innerWidth"));
    }

    [Fact]
    public async Task Nobody_sees_or_touches_the_key_of_somebody_else()
    {
        await using var provider = await OpenIdProvider.StartAsync();
        await using var server = await StartAsync(provider);
        await server.AddTokenAsync("A.1", Codes.Secret, user: "alice");
        await server.AddTokenAsync("B.1", Codes.Secret, user: "bob");
        await server.AddTokenAsync("C.1", Codes.Secret, user: "bob", realm: "elsewhere");
        await using var desk = await SignInAsync(server, provider, "bob", script: false);
        await desk.SeesAsync("1 key is yours.");
        await desk.SeesAsync("B.1");
        var page = await desk.Page.ContentAsync();
        Assert.DoesNotContain("A.1", page, StringComparison.Ordinal);
        Assert.DoesNotContain("C.1", page, StringComparison.Ordinal);

        // The form of their own key, with the serial number of another's.
        await desk.Page.Locator("summary", new() { HasText = "My codes are refused" }).ClickAsync();
        var form = desk.Page.Locator("form:has(input[name=code1])");
        var sent = desk.Page.Context.APIRequest.CreateFormData();
        sent.Set("__RequestVerificationToken", await form.Locator("input[name=__RequestVerificationToken]").InputValueAsync());
        sent.Set("_handler", await form.Locator("input[name=_handler]").InputValueAsync());
        sent.Set("token", "A.1");
        sent.Set("code1", Codes.Hotp(Codes.Secret, 5));
        sent.Set("code2", Codes.Hotp(Codes.Secret, 6));
        var reply = await desk.Page.Context.APIRequest.PostAsync("/my", new() { Form = sent });

        Assert.Equal((int)HttpStatusCode.Forbidden, reply.Status);
        Assert.Equal(0, (await server.CounterAsync("A.1")).Counter);
        foreach (var path in (string[])["/", "/keys/A.1", "/tokens/A.1", "/audit", "/admin", "/v1/tokens/A.1"])
        {
            var other = await desk.Page.Context.APIRequest.GetAsync(path, new() { MaxRedirects = 0, Headers = [new("Accept", "text/html")] });
            Assert.True(other.Status is 302 or 401 or 403, $"{path}: {other.Status}");
        }
    }

    [Fact]
    public async Task Who_holds_nothing_has_left_or_is_staff_alone_stays_outside()
    {
        await using var provider = await OpenIdProvider.StartAsync();
        await using var server = await StartAsync(provider);
        await server.AddTokenAsync("A1", Codes.Secret, user: "alice");
        await using (var stranger = await SignInAsync(server, provider, "mallory"))
        {
            await stranger.SeesAsync("You have no key here");
            await stranger.AxeFindsNothingAsync();
        }

        await using var alice = await SignInAsync(server, provider, "alice");
        await alice.SeesAsync("1 key is yours.");
        await server.WithDatabase(db => db.People.Where(p => p.Name == "alice").ExecuteUpdateAsync(p => p.SetProperty(x => x.Active, false)));
        await alice.Page.GotoAsync("/my");
        await alice.SeesAsync("You have no key here");
    }

    [Fact]
    public async Task Where_it_is_off_nothing_of_it_is_there()
    {
        await using var server = await ServerUnderTest.StartAsync();
        using var client = new HttpClient { BaseAddress = server.Address };
        client.DefaultRequestHeaders.Add("Accept", "text/html");
        using var reply = await client.GetAsync("/my", TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.NotFound, reply.StatusCode);
    }

    private static Task<ServerUnderTest> StartAsync(OpenIdProvider provider) => ServerUnderTest.StartAsync(new Dictionary<string, string?>
    {
        ["SelfService:Enabled"] = "true",
        ["SelfService:OpenId:Authority"] = provider.Authority,
        ["SelfService:OpenId:ClientId"] = OpenIdProvider.ClientId,
        ["SelfService:OpenId:ClientSecret"] = OpenIdProvider.ClientSecret,
        ["SelfService:OpenId:RequireHttps"] = "false",
    });

    private static async Task<Desk> SignInAsync(
        ServerUnderTest server, OpenIdProvider provider, string name, bool script = true, string locale = "en-GB", int width = 1280)
    {
        provider.Claims["preferred_username"] = name;
        var desk = await Desk.OpenAsync(server, role: null, script, locale: locale, width: width);
        await desk.Page.GotoAsync("/my");
        return desk;
    }
}
