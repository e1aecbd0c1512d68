using System.Diagnostics;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using OathServer.Storage;
using OathServer.Tests;
using SecurityKeys.Virtual;

namespace OathServer.Browser.Tests;

/// <summary>The calls that come in, each solved from the search box in at most six interactions and a minute.</summary>
public class CallTests
{
    private const int InteractionsMax = 6;
    private static readonly TimeSpan CallMax = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_lockout_that_was_none_is_found_out_without_a_reset()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var (key, _) = await ProvisionAsync(server);
        await using var desk = await Desk.OpenAsync(server);
        var clock = Stopwatch.StartNew();

        await desk.SearchAsync("alice");
        await desk.PressAsync("Windows or a smart-card sign-in refuses the PIN");
        await desk.SeesAsync("Not locked: 5 tries are left. The initial PIN was never shown");
        await desk.FillAsync("Reason", "ticket 4711, identity checked by call-back");
        await desk.PressAsync("Show the initial PIN once");
        var shown = await desk.Page.Locator("output.secret").InnerTextAsync();

        Report(desk, clock);
        Assert.Equal(System.Text.Encoding.ASCII.GetString(key.Peek().Piv.Pin).TrimEnd('\xff'), shown.Trim());
        Assert.DoesNotContain(shown.Trim(), desk.Page.Url, StringComparison.Ordinal);
        var acts = await server.WithDatabase(db => db.Audit.Where(a => a.Cuid != null).Select(a => a.Action).ToListAsync());
        Assert.Contains("diagnosis", acts);
        Assert.Contains("pin.reveal", acts);
        await desk.AxeFindsNothingAsync();
    }

    [Fact]
    public async Task A_first_code_refused_is_a_key_that_ran_ahead_and_two_codes_bring_it_back()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, user: "alice", state: TokenState.Imported);
        Assert.False(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 37)));
        await using var desk = await Desk.OpenAsync(server);
        var clock = Stopwatch.StartNew();

        await desk.SearchAsync("alice");
        await desk.SeesAsync("wrong code: not within the look-ahead window");
        await desk.PressAsync("A one-time code is refused");
        await desk.SeesAsync("The key has run ahead of the server");
        await desk.FillAsync("First code", Codes.Hotp(Codes.Secret, 38));
        await desk.FillAsync("Second code", Codes.Hotp(Codes.Secret, 39));
        await desk.EnterAsync("Second code");
        await desk.SeesAsync("38 codes ahead; the next counter is 40");

        Report(desk, clock);
        Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 40)));
        await desk.AxeFindsNothingAsync();
        await desk.PictureAsync("resynchronised");
    }

    [Fact]
    public async Task A_forgotten_PIN_is_told_from_a_wrong_code_and_set_anew()
    {
        await using var server = await ServerUnderTest.StartAsync(new Dictionary<string, string?> { ["Validation:Pin"] = "BeforeCode" });
        await server.AddTokenAsync("A1", Codes.Secret, user: "alice");
        using var set = await (await server.Client()).PutAsJsonAsync("/v1/tokens/A1/pin", new { pin = "forgotten", reason = "first set" }, TestContext.Current.CancellationToken);
        Assert.False(await server.AcceptsAsync("A1", "0000" + Codes.Hotp(Codes.Secret, 0)));
        await using var desk = await Desk.OpenAsync(server);
        var clock = Stopwatch.StartNew();

        await desk.SearchAsync("alice");
        await desk.SeesAsync("wrong PIN: the code was not looked at");
        await desk.PressAsync("A one-time code is refused");
        await desk.SeesAsync("The PIN before the code was wrong or missing");
        await desk.Page.GetByLabel("New PIN").FillAsync("48151");
        await desk.FillAsync("Reason", "ticket 4711, called back");
        await desk.PressAsync("Set the PIN");
        await desk.SeesAsync("The PIN of A1 is set.");

        Report(desk, clock);
        Assert.DoesNotContain("48151", await desk.Page.ContentAsync(), StringComparison.Ordinal);
        Assert.True(await server.AcceptsAsync("A1", "48151" + Codes.Hotp(Codes.Secret, 0)));
        await desk.AxeFindsNothingAsync();
        await desk.PictureAsync("pin");

        await desk.Page.Locator("summary", new() { HasText = "Take the PIN of A1 away" }).ClickAsync();
        await desk.Page.Locator("details.ask").GetByLabel("Reason").FillAsync("leaves the pilot");
        await desk.Page.GetByRole(Microsoft.Playwright.AriaRole.Button, new() { Name = "Take the PIN of A1 away" }).ClickAsync();
        await desk.SeesAsync("A1 has no PIN any more: its codes count alone.");
        Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 1)));
    }

    [Fact]
    public async Task The_same_call_is_solved_without_script()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, user: "alice");
        await using var desk = await Desk.OpenAsync(server, script: false);

        await desk.SearchAsync("A1");
        await desk.PressAsync("A one-time code is refused");
        await desk.FillAsync("First code", Codes.Hotp(Codes.Secret, 12));
        await desk.FillAsync("Second code", "12");
        await desk.EnterAsync("Second code");
        await desk.SeesAsync("a code is 6 to 10 digits");
        Assert.Equal(Codes.Hotp(Codes.Secret, 12), await desk.Page.GetByLabel("First code").InputValueAsync());
        await desk.FillAsync("Second code", Codes.Hotp(Codes.Secret, 13));
        await desk.EnterAsync("Second code");

        await desk.SeesAsync("Resynchronised.");
    }

    [Fact]
    public async Task The_same_call_is_solved_by_keyboard_alone()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, user: "alice");
        await using var desk = await Desk.OpenAsync(server);
        var keyboard = desk.Page.Keyboard;

        await desk.HasKeyboardAsync("input[name=q]");
        await keyboard.TypeAsync("alice");
        await keyboard.PressAsync("Enter");
        await desk.HasKeyboardAsync("button[name=complaint]");
        await keyboard.PressAsync("Enter");
        await desk.SeesAsync("No attempt of this token has arrived here");
        await desk.HasKeyboardAsync("input[name=code1]");
        await keyboard.TypeAsync(Codes.Hotp(Codes.Secret, 3));
        await keyboard.PressAsync("Tab");
        await keyboard.TypeAsync(Codes.Hotp(Codes.Secret, 4));
        await keyboard.PressAsync("Enter");

        await desk.SeesAsync("Resynchronised.");
        await keyboard.PressAsync("Tab");
        var outline = await desk.Page.EvaluateAsync<string>("getComputedStyle(document.activeElement).outlineStyle");
        Assert.Equal("solid", outline);
    }

    [Fact]
    public async Task The_lockout_is_found_out_by_keyboard_alone_and_without_script()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var (key, _) = await ProvisionAsync(server);
        await using var desk = await Desk.OpenAsync(server, script: false);
        var keyboard = desk.Page.Keyboard;

        await desk.HasKeyboardAsync("input[name=q]");
        await keyboard.TypeAsync("alice");
        await keyboard.PressAsync("Enter");
        await desk.SeesAsync("What does the caller see?");
        await desk.TabToAsync("Windows or a smart-card sign-in refuses the PIN");
        await keyboard.PressAsync("Enter");
        await desk.SeesAsync("Not locked: 5 tries are left.");
        await desk.HasKeyboardAsync("#reason");
        await keyboard.TypeAsync("ticket 4711, identity checked by call-back");
        await keyboard.PressAsync("Enter");

        var shown = await desk.Page.Locator("output.secret").InnerTextAsync();
        Assert.Equal(System.Text.Encoding.ASCII.GetString(key.Peek().Piv.Pin).TrimEnd('\xff'), shown.Trim());
    }

    [Fact]
    public async Task A_key_reported_lost_is_refused_from_that_moment()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await ProvisionAsync(server);
        await using var desk = await Desk.OpenAsync(server);

        await desk.SearchAsync("alice");
        await desk.PressAsync("The key is lost or stolen");
        await desk.PressAsync("Report lost");
        await desk.SeesAsync("The key is now lost.");

        Assert.Equal(TokenState.Suspended, (await server.CounterAsync("A1")).State);
    }

    internal static async Task<(VirtualKey Key, string Serial)> ProvisionAsync(ServerUnderTest server, uint number = 70001, string serial = "A1", string user = "alice")
    {
        await server.AddTokenAsync(serial, Codes.Secret, counter: 41, state: TokenState.Imported);
        var key = Desk.Plug(server, number, $"desk {number}");
        var client = await server.Client();
        using var reply = await client.PostAsJsonAsync("/v1/provisioning", new { reader = $"desk {number}", serial, user });
        Assert.True(reply.IsSuccessStatusCode, await reply.Content.ReadAsStringAsync());
        return (key, serial);
    }

    private static void Report(Desk desk, Stopwatch clock)
    {
        TestContext.Current.TestOutputHelper?.WriteLine($"{desk.Interactions} interactions, {clock.Elapsed.TotalSeconds:F1} s");
        Assert.InRange(desk.Interactions, 1, InteractionsMax);
        Assert.True(clock.Elapsed < CallMax, $"{clock.Elapsed}");
    }
}
