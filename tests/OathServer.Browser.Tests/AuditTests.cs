using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Tests;

namespace OathServer.Browser.Tests;

/// <summary>The trail in the console: found, paged, exported, verified.</summary>
public class AuditTests
{
    [Fact]
    public async Task An_entry_is_found_by_who_what_outcome_and_about_whom()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await WriteAsync(server, 130);
        await using var desk = await Desk.OpenAsync(server, Roles.Auditor, script: false);

        await desk.PressAsync("Audit");
        Assert.Equal(50, await RowsAsync(desk));
        await desk.PressAsync("Older");
        await desk.PressAsync("Older");
        await desk.SeesAsync("This is the first entry.");
        await desk.Page.GotoAsync("/audit");
        await desk.Page.GetByLabel("CUID, serial or user").FillAsync("user-7");
        await desk.PressAsync("Show");
        Assert.Equal(1, await RowsAsync(desk));
        await desk.SeesAsync("note 7");
        await desk.Page.GotoAsync("/audit?actor=bob&outcome=refused&action=token.");
        Assert.Equal(13, await RowsAsync(desk));
        var export = await desk.Page.GetByText("JSON lines").GetAttributeAsync("href");
        var lines = await (await desk.Page.Context.APIRequest.GetAsync(export!)).TextAsync();
        Assert.Equal(13, lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.All(lines.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => Assert.Contains("\"refused\"", line, StringComparison.Ordinal));
        await desk.Page.GotoAsync("/audit?since=2099-01-01T00:00");
        await desk.SeesAsync("No entry fits.");
        await desk.Page.GotoAsync("/audit?since=yesterday");
        await desk.SeesAsync("That is no time.");
    }

    [Fact]
    public async Task Verification_says_in_words_that_the_trail_holds_and_where_it_was_changed()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await WriteAsync(server, 5);
        await using var desk = await Desk.OpenAsync(server, Roles.Auditor);
        await desk.PressAsync("Audit");
        await desk.PressAsync("Verify the whole trail");
        await desk.SeesAsync("The trail holds: nothing was edited");
        await desk.AxeFindsNothingAsync();

        await server.WithDatabase(db => db.Audit.Where(e => e.UserName == "user-3").ExecuteUpdateAsync(e => e.SetProperty(x => x.Detail, "something else")));
        await desk.PressAsync("Verify the whole trail");
        await desk.SeesAsync("The trail does not hold.");
        await desk.SeesAsync("was changed, or an entry before it was replaced");
        await desk.AxeFindsNothingAsync();
    }

    private static Task<int> RowsAsync(Desk desk) => desk.Page.Locator("table.trail tbody tr").CountAsync();

    private static Task<int> WriteAsync(ServerUnderTest server, int count) => server.WithDatabase(async db =>
    {
        await server.Services.GetRequiredService<AuditTrail>().SaveAsync(db, TestContext.Current.CancellationToken,
            [.. Enumerable.Range(0, count).Select(i => new AuditEvent("bob", i % 2 == 0 ? "token.unlock" : "pin.reveal", i % 10 == 0 ? "refused" : "done") { UserName = $"user-{i}", Detail = $"note {i}" })]);
        return count;
    });
}
