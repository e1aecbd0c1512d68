using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using OathServer.Access;
using OathServer.Storage;
using OathServer.Tests;
using OathServer.Validation;

namespace OathServer.Browser.Tests;

/// <summary>What administrators do in the console, each act to its end.</summary>
public class AdministrationTests
{
    [Fact]
    public async Task A_long_list_of_keys_of_programs_is_searched_sorted_paged_and_taken_as_a_file()
    {
        await using var server = await ServerUnderTest.StartAsync();
        for (var i = 0; i < 60; i++)
        {
            await server.CreateKeyAsync($"vpn-{i:D2}", Roles.RelyingParty);
        }

        await using var desk = await Desk.OpenAsync(server, Roles.Administrator);
        await desk.Page.GotoAsync("/admin/api-keys");
        Assert.Equal(50, await desk.Page.Locator("tbody tr").CountAsync());
        await desk.PressAsync("Next page");
        await desk.SeesAsync("51 to");
        await desk.Page.GetByLabel("Begins with").FillAsync("vpn-1");
        await desk.Page.Keyboard.PressAsync("Enter");
        await desk.SeesAsync("1 to 10 of 10");
        await desk.Page.GetByRole(AriaRole.Link, new() { Name = "Name" }).ClickAsync();
        await desk.SeesAsync("Name ↑");
        await desk.Page.GetByRole(AriaRole.Link, new() { Name = "Name" }).ClickAsync();
        await desk.SeesAsync("Name ↓");
        Assert.StartsWith("vpn-19", await desk.Page.InnerTextAsync("tbody tr:first-child"), StringComparison.Ordinal);
        await desk.AxeFindsNothingAsync();

        var file = await desk.Page.Context.APIRequest.GetAsync((await desk.Page.GetAttributeAsync("a[download]", "href"))!);
        Assert.Equal(11, (await file.TextAsync()).Trim().Split('\n').Length);
    }

    [Fact]
    public async Task A_profile_is_edited_as_a_new_version_with_what_follows_shown_before()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await using var desk = await Desk.OpenAsync(server, Roles.Administrator);

        await desk.PressAsync("Administration");
        await desk.PressAsync("Rollout profiles");
        await desk.PressAsync("default");
        await desk.SeesAsync("Gap 3 is closed");
        await desk.Page.GetByLabel("Ask the key for one code").UncheckAsync();
        await desk.SeesAsync("Gap 3 stays open");
        await desk.Page.GetByLabel("How it is made").SelectOptionAsync("Derived");
        await desk.SeesAsync("Whoever has the master secret has all PUKs.");
        await desk.AxeFindsNothingAsync();
        Assert.Equal(1, await server.WithDatabase(db => db.Profiles.CountAsync()));
        await desk.PressAsync("Save as version 2");
        await desk.SeesAsync("Saved as version 2.");

        var profile = await server.WithDatabase(db => db.Profiles.SingleAsync(p => p.Version == 2));
        Assert.Contains("\"derived\"", profile.Decisions, StringComparison.Ordinal);
        Assert.Contains("\"verifyFirstCode\":false", profile.Decisions, StringComparison.Ordinal);
        Assert.Equal("profile.edit", await LastActAsync(server));
        await desk.Page.GotoAsync("/admin/profiles/default?version=1");
        await desk.PressAsync("Save as version 3");
        await desk.SeesAsync("Saved as version 3.");
        Assert.Contains("\"random\"", await server.WithDatabase(db => db.Profiles.Where(p => p.Version == 3).Select(p => p.Decisions).SingleAsync()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_two_who_edit_the_same_version_the_second_is_told_and_loses_nothing()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await using var first = await Desk.OpenAsync(server, Roles.Administrator, script: false);
        await using var second = await Desk.OpenAsync(server, Roles.Administrator, script: false);
        await first.Page.GotoAsync("/admin/profiles/default");
        await second.Page.GotoAsync("/admin/profiles/default");

        await first.PressAsync("Save as version 2");
        await second.Page.GetByLabel("Organisation").FillAsync("Harbour Trust");
        await second.PressAsync("Save as version 2");
        await second.SeesAsync("Somebody else saved version 2 meanwhile");

        Assert.Equal("Harbour Trust", await second.Page.GetByLabel("Organisation").InputValueAsync());
        await second.PressAsync("Save as version 3");
        await second.SeesAsync("Saved as version 3.");
    }

    [Fact]
    public async Task What_a_policy_means_is_shown_as_it_is_moved_and_it_is_saved_for_its_realm()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await using var desk = await Desk.OpenAsync(server, Roles.Administrator);
        await desk.Page.GotoAsync("/admin/policies");
        var figure = desk.Page.Locator("#effect .figure");
        Assert.Equal("1 : 909", await figure.InnerTextAsync());

        await desk.Page.Locator("#lookAhead").FocusAsync();
        await desk.Page.Keyboard.PressAsync("End");
        await desk.SeesAsync("1 : 196");
        await desk.AxeFindsNothingAsync();
        await desk.PressAsync("Save for default");
        await desk.SeesAsync("The policy of default holds.");
        Assert.Equal("policy.set", await LastActAsync(server));
        Assert.Equal(50, server.Services.GetRequiredService<RealmPolicies>().Of("default").LookAhead);

        await using var plain = await Desk.OpenAsync(server, Roles.Administrator, script: false);
        await plain.Page.GotoAsync("/admin/policies");
        await plain.Page.Locator("#hardCap").FocusAsync();
        await plain.Page.Keyboard.PressAsync("Home");
        await plain.PressAsync("Recalculate");
        await plain.SeesAsync("1 : 19,608");
        await plain.Page.Locator("summary", new() { HasText = "Follow the settings again" }).ClickAsync();
        await plain.PressAsync("Follow the settings again");
        await plain.SeesAsync("default follows the settings again.");
        Assert.Equal("1 : 909", await plain.Page.Locator("#effect .figure").InnerTextAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_realm_asks_for_the_PIN_before_the_code_once_that_is_saved_and_no_more_when_it_is_taken_back(bool script)
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, user: "alice");
        var staff = await server.Client();
        using var pin = await staff.PutAsJsonAsync("/v1/tokens/A1/pin", new { pin = "4711", reason = "console test" }, TestContext.Current.CancellationToken);
        Assert.True(pin.IsSuccessStatusCode, $"{pin.StatusCode}");
        await using var desk = await Desk.OpenAsync(server, Roles.Administrator, script);
        await desk.Page.GotoAsync("/admin/policies");
        await desk.SeesAsync("In use: the code alone.");
        Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 0)));

        var field = desk.Page.GetByLabel("In the field of a code");
        await field.SelectOptionAsync("before-code");
        await desk.PressAsync("Recalculate");
        await desk.SeesAsync("In use: the code alone.");
        Assert.Equal("before-code", await field.InputValueAsync());
        Assert.Equal(PinRule.None, server.Services.GetRequiredService<RealmPolicies>().Of("default").Pin);
        await desk.PressAsync("Save for default");
        await desk.SeesAsync("In use: PIN and code.");
        await desk.AxeFindsNothingAsync();
        Assert.Equal("policy.set", await LastActAsync(server));
        Assert.False(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 1)));
        Assert.True(await server.AcceptsAsync("A1", "4711" + Codes.Hotp(Codes.Secret, 2)));

        await field.SelectOptionAsync("none");
        await desk.PressAsync("Save for default");
        await desk.SeesAsync("In use: the code alone.");
        Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 3)));
    }

    [Fact]
    public async Task An_api_key_is_shown_once_rotated_with_both_working_and_revoked()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, user: "alice");
        await using var desk = await Desk.OpenAsync(server, Roles.Administrator);
        await desk.Page.GotoAsync("/admin/api-keys");
        await desk.FillAsync("Name", "vpn-gateway");
        await desk.PressAsync("Make the key");
        var first = await desk.Page.Locator("output.once").InnerTextAsync();
        await desk.AxeFindsNothingAsync();
        Assert.True(await MayAskAsync(server, first));

        await desk.PressAsync("vpn-gateway");
        Assert.DoesNotContain(first, await desk.Page.ContentAsync(), StringComparison.Ordinal);
        await desk.PressAsync("Rotate");
        var second = await desk.Page.Locator("output.once").InnerTextAsync();
        Assert.True(await MayAskAsync(server, first));
        Assert.True(await MayAskAsync(server, second));

        await desk.Page.Locator("summary", new() { HasText = "Revoke" }).ClickAsync();
        await desk.SeesAsync("Whatever uses it is refused from then on");
        await desk.Page.GetByRole(AriaRole.Button, new() { Name = "Revoke" }).ClickAsync();
        await desk.SeesAsync("The key is revoked.");
        Assert.False(await MayAskAsync(server, first));
        Assert.False(await MayAskAsync(server, second));
        Assert.Equal("api-key.revoke", await LastActAsync(server));
    }

    [Fact]
    public async Task Somebody_is_invited_chooses_a_password_and_is_disabled_with_the_session_ended_at_once()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await using var desk = await Desk.OpenAsync(server, Roles.Administrator);
        await desk.Page.GotoAsync("/admin/staff");
        await desk.FillAsync("Name", "carol");
        await desk.Page.GetByLabel("Role").SelectOptionAsync(Roles.HelpDesk);
        await desk.PressAsync("Make a one-time link");
        var link = await desk.Page.Locator("output.once").InnerTextAsync();
        await desk.AxeFindsNothingAsync();

        await using var carol = await Desk.StrangerAsync(server);
        await carol.Page.GotoAsync(link);
        await carol.Page.GetByLabel("Password").FillAsync("four words nobody guesses");
        await carol.Page.GetByLabel("The same again").FillAsync("four words nobody guesses");
        await carol.PressAsync("Set password");
        await carol.SeesAsync("Who is calling?");

        await desk.Page.GotoAsync("/admin/staff/carol");
        await desk.Page.Locator("summary", new() { HasText = "Disable" }).ClickAsync();
        await desk.Page.GetByRole(AriaRole.Button, new() { Name = "Disable" }).ClickAsync();
        await desk.SeesAsync("They are out, and cannot sign in.");
        await carol.Page.GotoAsync("/");
        Assert.Contains("/sign-in", carol.Page.Url, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_last_administrator_cannot_shut_themselves_out()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await using var desk = await Desk.OpenAsync(server, Roles.Administrator, script: false);
        await desk.Page.GotoAsync("/admin/staff");
        await desk.Page.Locator("tbody a").First.ClickAsync();
        await desk.Page.Locator("summary", new() { HasText = "Disable" }).ClickAsync();
        await desk.SeesAsync("This is you");
        await desk.Page.GetByRole(AriaRole.Button, new() { Name = "Disable" }).ClickAsync();

        await desk.SeesAsync("Nobody else could administer this server then.");
    }

    [Fact]
    public async Task Agents_webhooks_and_the_puk_master_secret_are_kept_with_an_entry_for_each_act()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await using var desk = await Desk.OpenAsync(server, Roles.Administrator);
        await desk.Page.GotoAsync("/admin/agents");
        await desk.FillAsync("Name", "desk-3");
        await desk.PressAsync("Make an enrolment code");
        Assert.Equal(32, (await desk.Page.Locator("output.once").InnerTextAsync()).Length);

        await desk.Page.GotoAsync("/admin/webhooks");
        await desk.FillAsync("Name", "tickets");
        await desk.FillAsync("Address", "http://elsewhere.example/hook");
        await desk.FillAsync("Acts", "token.suspend record.*");
        await desk.PressAsync("Add and show its secret");
        await desk.SeesAsync("The address is https");
        Assert.Equal("token.suspend record.*", await desk.Page.GetByLabel("Acts").InputValueAsync());
        await desk.FillAsync("Address", "https://elsewhere.example/hook");
        await desk.PressAsync("Add and show its secret");
        Assert.StartsWith("whsec_", await desk.Page.Locator("output.once").InnerTextAsync(), StringComparison.Ordinal);
        await desk.AxeFindsNothingAsync();

        await desk.Page.GotoAsync("/admin/secrets");
        await desk.PressAsync("Count what each key seals");
        await desk.SeesAsync("Every value is under the key that seals.");
        await desk.Page.Locator("summary", new() { HasText = "New version" }).ClickAsync();
        await desk.Page.GetByRole(AriaRole.Button, new() { Name = "New version" }).ClickAsync();
        await desk.SeesAsync("is used from now on");
        var acts = await server.WithDatabase(db => db.Audit.OrderBy(a => a.Sequence).Select(a => a.Action).ToListAsync());
        Assert.Contains("agent.invite", acts);
        Assert.Contains("webhook.create", acts);
        Assert.Contains("puk-master.rotate", acts);
    }

    private static async Task<bool> MayAskAsync(ServerUnderTest server, string key)
    {
        using var client = new HttpClient { BaseAddress = server.Address };
        client.DefaultRequestHeaders.Add(ApiKeyAuthentication.Header, key);
        using var reply = await client.PostAsync("/v1/validate", new StringContent("{\"serial\":\"A1\",\"code\":\"000000\"}", System.Text.Encoding.UTF8, "application/json"));
        return reply.IsSuccessStatusCode;
    }

    private static Task<string> LastActAsync(ServerUnderTest server) =>
        server.WithDatabase(db => db.Audit.OrderByDescending(a => a.Sequence).Select(a => a.Action).FirstAsync());
}
