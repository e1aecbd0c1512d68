using Microsoft.EntityFrameworkCore;
using Microsoft.Playwright;
using OathServer.Access;
using OathServer.Tests;

namespace OathServer.Browser.Tests;

/// <summary>A reveal that takes two people, at the pages of both.</summary>
public class SecondPersonTests
{
    [Fact]
    public async Task One_asks_another_sees_the_reason_and_lets_them_and_it_is_shown_once()
    {
        await using var server = await ServerUnderTest.StartAsync(new Dictionary<string, string?> { ["Records:SecondPersonRealms"] = "*" });
        var (key, _) = await CallTests.ProvisionAsync(server);
        await using var asks = await Desk.OpenAsync(server, Roles.HelpDesk);
        await using var decides = await Desk.OpenAsync(server, Roles.HelpDesk, script: false);
        await decides.PressAsync("Reveals");
        await decides.SeesAsync("Nobody waits.");

        await AskAsync(asks, "Show the initial PIN once");
        await asks.SeesAsync("A second person must approve this");
        await asks.PressAsync("Reveals");
        await asks.SeesAsync("You asked for this yourself");
        await asks.AxeFindsNothingAsync();
        Assert.Equal(0, await asks.Page.GetByRole(AriaRole.Button, new() { Name = "Let " }).CountAsync());

        await decides.PressAsync("Reveals");
        await decides.SeesAsync("ticket 4711, called back");
        await decides.SeesAsync("alice");
        await decides.PressAsync("Let ");
        await decides.SeesAsync("is shown it when they ask again, once.");

        await AskAsync(asks, "Show the initial PIN once");
        Assert.Equal(System.Text.Encoding.ASCII.GetString(key.Peek().Piv.Pin).TrimEnd('\xff'), (await asks.Page.Locator("output.secret").InnerTextAsync()).Trim());
        await AskAsync(asks, "Show the PUK");
        await asks.SeesAsync("A second person must approve this");
        await decides.PressAsync("Reveals");
        await decides.PressAsync("Refuse it");
        await decides.SeesAsync("Nothing is shown.");
        Assert.Equal(["reveal.ask", "reveal.approve", "pin.reveal", "reveal.ask", "reveal.decline"], await server.WithDatabase(db => db.Audit
            .Where(e => e.Action.StartsWith("reveal.") || e.Action == "pin.reveal").OrderBy(e => e.Sequence).Select(e => e.Action).ToListAsync()));
    }

    private static async Task AskAsync(Desk desk, string what)
    {
        await desk.Page.GotoAsync("/");
        await desk.SearchAsync("alice");
        await desk.PressAsync("Windows or a smart-card sign-in refuses the PIN");
        await desk.FillAsync("Reason", "ticket 4711, called back");
        await desk.PressAsync(what);
    }
}
