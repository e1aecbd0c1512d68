using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Playwright;
using OathServer.Access;
using OathServer.Tests;

namespace OathServer.Browser.Tests;

/// <summary>Staff sign in with passkeys: Chromium with an authenticator of its own (WebAuthn §11, through the DevTools protocol)
/// against the real server. Passkeys belong to a name, so the server is opened as localhost.</summary>
public class PasskeyTests
{
    [Fact]
    public async Task A_passkey_is_registered_signs_in_without_a_name_and_its_answer_works_once()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await using var desk = await Desk.OpenAsync(server, Roles.HelpDesk, host: "localhost");
        await AddAuthenticatorAsync(desk);
        await AddPasskeyAsync(desk, "blue key", Desk.Password);
        await desk.SeesAsync("The passkey is added.");
        await desk.AxeFindsNothingAsync();
        await desk.Page.GotoAsync("/account/password");
        await desk.PressAsync("Sign out");

        // Without a session, and without typing anything.
        await desk.SeesAsync("Sign in with a passkey");
        var sent = desk.Page.WaitForRequestAsync(r => r.Url.EndsWith("/sign-in/passkey", StringComparison.Ordinal));
        await desk.AxeFindsNothingAsync();
        await desk.PressAsync("Sign in with a passkey");
        await desk.SeesAsync("Who is calling?");
        Assert.Equal("passkey", await LastSignInAsync(server));

        // Somebody who copied the whole request of it (GHSA-j5rm-v3vh-vx94), in the same browser after its owner left.
        await desk.Page.GotoAsync("/account/password");
        await desk.PressAsync("Sign out");
        await desk.SeesAsync("Sign in with a passkey");
        var copy = await desk.Page.Context.APIRequest.PostAsync("/sign-in/passkey", new()
        {
            Data = (await sent).PostData!,
            Headers = new Dictionary<string, string> { ["Content-Type"] = "application/x-www-form-urlencoded" },
            MaxRedirects = 0,
        });
        Assert.Equal(401, copy.Status);
        Assert.Equal("passkey: this answer was used before", await LastSignInAsync(server));
    }

    [Fact]
    public async Task A_passkey_takes_the_password_to_add_and_opens_nothing_once_it_is_removed_or_its_owner_disabled()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await using var desk = await Desk.OpenAsync(server, Roles.Provisioner, host: "localhost");
        await AddAuthenticatorAsync(desk);
        await AddPasskeyAsync(desk, "blue key", "not the password at all");
        await desk.SeesAsync("The present password is not right.");
        Assert.Equal(0, await server.WithDatabase(db => db.Set<Microsoft.AspNetCore.Identity.IdentityUserPasskey<int>>().CountAsync()));
        await AddPasskeyAsync(desk, "blue key", Desk.Password);
        await desk.SeesAsync("The passkey is added.");

        // One key, one passkey: the browser says so before anything is sent.
        await AddPasskeyAsync(desk, "blue key again", Desk.Password);
        await desk.SeesAsync("This key is registered already.");

        await using var admin = await Desk.OpenAsync(server, Roles.Administrator);
        var name = await server.WithDatabase(db => db.Staff.Where(s => s.Role == Roles.Provisioner).Select(s => s.UserName!).SingleAsync());
        await admin.Page.GotoAsync("/admin/staff/" + name);
        await admin.SeesAsync("1 registered");
        await admin.Page.Locator("summary", new() { HasText = "Disable" }).ClickAsync();
        await admin.Page.GetByRole(AriaRole.Button, new() { Name = "Disable" }).ClickAsync();
        await admin.SeesAsync("They are out");
        await desk.Page.GotoAsync("/sign-in");
        Assert.Equal(401, await SignInAsync(desk));
        await desk.SeesAsync("This passkey is not known here");
        Assert.Equal("disabled", await LastSignInAsync(server));

        await admin.PressAsync("Let them sign in again");
        await admin.SeesAsync("They may sign in again.");
        await admin.Page.Locator("summary", new() { HasText = "Remove passkey blue key" }).ClickAsync();
        await admin.Page.GetByRole(AriaRole.Button, new() { Name = "Remove passkey blue key" }).ClickAsync();
        await admin.SeesAsync("The passkey is removed.");
        Assert.Equal(401, await SignInAsync(desk));
        Assert.Equal("passkey: not accepted", await LastSignInAsync(server));
    }

    /// <summary>What the server answered: a page that says the same again says nothing new.</summary>
    private static async Task<int> SignInAsync(Desk desk)
    {
        var answer = desk.Page.WaitForResponseAsync(r => r.Url.EndsWith("/sign-in/passkey", StringComparison.Ordinal));
        await desk.PressAsync("Sign in with a passkey");
        return (await answer).Status;
    }

    private static async Task AddAuthenticatorAsync(Desk desk)
    {
        var protocol = await desk.Page.Context.NewCDPSessionAsync(desk.Page);
        await protocol.SendAsync("WebAuthn.enable");
        await protocol.SendAsync("WebAuthn.addVirtualAuthenticator", new Dictionary<string, object>
        {
            ["options"] = JsonSerializer.SerializeToElement(new
            {
                protocol = "ctap2",
                transport = "usb",
                hasResidentKey = true,
                hasUserVerification = true,
                isUserVerified = true,
                automaticPresenceSimulation = true,
            }),
        });
    }

    private static async Task AddPasskeyAsync(Desk desk, string name, string password)
    {
        await desk.Page.GotoAsync("/account/passkeys");
        await desk.Page.GetByLabel("What it is called").FillAsync(name);
        await desk.Page.Locator("form[data-passkey] input[name=password]").FillAsync(password);
        await desk.PressAsync("Add a passkey");
    }

    private static Task<string?> LastSignInAsync(ServerUnderTest server) => server.WithDatabase(db =>
        db.Audit.Where(a => a.Action == "staff.sign-in").OrderByDescending(a => a.Sequence).Select(a => a.Detail).FirstAsync());
}
