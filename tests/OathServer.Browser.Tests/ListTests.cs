using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.Playwright;
using OathServer.Access;
using OathServer.Storage;
using OathServer.Tests;

namespace OathServer.Browser.Tests;

/// <summary>Lists that are longer than a page: each is searched, sorted, paged and taken as a file, with and without script.</summary>
public class ListTests
{
    private const int Long = 60;
    private const string Formula = "=1+1";
    private static readonly DateTimeOffset At = new(2026, 3, 5, 14, 7, 9, TimeSpan.Zero);

    [Theory]
    [InlineData("/admin/agents", "desk-", "Name", true)]
    [InlineData("/admin/webhooks", "hook-", "Name", false)]
    [InlineData("/admin/profiles", "plan-", "Name", true)]
    [InlineData("/admin/policies", "realm-", "Realm", false)]
    public async Task A_long_list_is_searched_sorted_paged_and_taken_as_a_file(string page, string stem, string head, bool script)
    {
        await using var server = await ServerUnderTest.StartAsync();
        await FillAsync(server);
        await using var desk = await Desk.OpenAsync(server, Roles.Administrator, script);
        var rows = desk.Page.Locator("section:first-of-type tbody tr");
        await desk.Page.GotoAsync(page);
        Assert.Equal(50, await rows.CountAsync());
        await desk.PressAsync("Next page");
        await desk.SeesAsync("51 to");

        await desk.Page.GetByRole(AriaRole.Link, new() { Name = head, Exact = true }).ClickAsync();
        await desk.Page.GetByLabel("Begins with").FillAsync(stem + "1");
        await desk.Page.Keyboard.PressAsync("Enter");
        await desk.SeesAsync("1 to 10 of 10");
        // Sorted by the name to begin with, so that a press turns it round; the search stays.
        if (await desk.Page.Locator("th[aria-sort=descending]").CountAsync() == 0)
        {
            await desk.Page.GetByRole(AriaRole.Link, new() { Name = head }).First.ClickAsync();
        }

        await desk.SeesAsync("1 to 10 of 10");
        Assert.StartsWith(stem + "19", await rows.First.InnerTextAsync(), StringComparison.Ordinal);
        await desk.AxeFindsNothingAsync();

        var file = await FileAsync(desk);
        Assert.Equal(11, file.Length);
        Assert.StartsWith(stem + "19,", file[1], StringComparison.Ordinal);
        Assert.Contains("'" + Formula, file[^1], StringComparison.Ordinal);
        await desk.Page.GetByLabel("Begins with").FillAsync("nothing-of-that-name");
        await desk.Page.Keyboard.PressAsync("Enter");
        await desk.SeesAsync("None.");
    }

    [Fact]
    public async Task Reveals_that_wait_are_found_by_who_asks_sorted_paged_and_taken_as_a_file_in_German_too()
    {
        await using var server = await ServerUnderTest.StartAsync(new Dictionary<string, string?> { ["Records:SecondPersonRealms"] = "*" });
        await server.WithDatabase(async db =>
        {
            db.RevealAsks.AddRange(Enumerable.Range(0, Long).Select(n => new RevealAsk
            {
                Id = Guid.NewGuid(),
                Cuid = $"000000{n:D2}",
                What = n % 2 == 0 ? "puk" : "pin",
                Reason = Formula,
                AskedBy = n < 12 ? "carol" : "dave",
                AskedAt = DateTimeOffset.UtcNow.AddMinutes(-n),
                ExpiresAt = DateTimeOffset.UtcNow.AddHours(1),
            }));
            return await db.SaveChangesAsync();
        });
        await using var desk = await Desk.OpenAsync(server, Roles.HelpDesk, script: false, locale: "de-DE");
        await desk.Page.GotoAsync("/reveals");
        Assert.Equal(50, await desk.Page.Locator("article").CountAsync());
        await desk.PressAsync("Nächste Seite");
        Assert.Equal(10, await desk.Page.Locator("article").CountAsync());

        await desk.Page.GetByLabel("Wer fragt").FillAsync("carol");
        await desk.Page.GetByLabel("Reihenfolge").SelectOptionAsync("-asked");
        await desk.PressAsync("Zeigen");

        Assert.Equal(12, await desk.Page.Locator("article").CountAsync());
        Assert.Contains("00000000", await desk.Page.Locator("article").First.InnerTextAsync(), StringComparison.Ordinal);
        var file = await FileAsync(desk);
        Assert.Equal(13, file.Length);
        Assert.StartsWith($"puk,00000000,,\"'{Formula}\",carol,", file[1], StringComparison.Ordinal);
        await using var auditor = await Desk.OpenAsync(server, Roles.Auditor);
        Assert.Equal(403, (await auditor.Page.Context.APIRequest.GetAsync("/reveals.csv")).Status);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_would_become_of_each_key_of_a_file_is_searched_sorted_and_taken_as_a_file_by_its_sender_alone(bool script)
    {
        await using var server = await ServerUnderTest.StartAsync();
        await using var desk = await Desk.OpenAsync(server, Roles.Provisioner, script);
        var lines = Enumerable.Range(0, Long).Select(n => $"C{n:D2},{Convert.ToHexString(Encoding.ASCII.GetBytes($"secret of token {n:D4}"))},{Long - n}").Append("C07,00,1");
        await desk.Page.GotoAsync("/imports/new");
        await desk.Page.SetInputFilesAsync("#file", new FilePayload { Name = "list.csv", MimeType = "text/csv", Buffer = Encoding.ASCII.GetBytes(string.Join('\n', lines) + "\n") });
        await desk.PressAsync("Check the file");
        await desk.ReloadUntilAsync("Key by key");
        var rows = desk.Page.Locator("section[aria-labelledby=keys] tbody tr");
        Assert.Contains("refused", await rows.First.InnerTextAsync(), StringComparison.Ordinal);
        Assert.Equal(50, await rows.CountAsync());

        await desk.Page.GetByLabel("Serial or user begins with").FillAsync("c1");
        await desk.Page.Keyboard.PressAsync("Enter");
        await desk.SeesAsync("1 to 10 of 10");
        await desk.Page.GetByRole(AriaRole.Link, new() { Name = "Counter" }).ClickAsync();
        await desk.SeesAsync("Counter ↑");
        Assert.Contains("C19", await rows.First.InnerTextAsync(), StringComparison.Ordinal);
        await desk.AxeFindsNothingAsync();
        var file = await FileAsync(desk);
        Assert.Equal(["C19", "C18", "C17"], file.Skip(1).Take(3).Select(line => line.Split(',')[1]));
        Assert.Equal(11, file.Length);

        await using var other = await Desk.OpenAsync(server, Roles.Provisioner);
        Assert.Equal(404, (await other.Page.Context.APIRequest.GetAsync(new Uri(desk.Page.Url).AbsolutePath + ".csv")).Status);

        await desk.Page.Locator("button[value=partial]").ClickAsync();
        await desk.SeesAsync("Its tokens, as they are now");
        var tokens = desk.Page.Locator("section[aria-labelledby=tokens] tbody tr");
        await desk.Page.GetByRole(AriaRole.Link, new() { Name = "Serial" }).First.ClickAsync();
        await desk.SeesAsync("Serial ↓");
        Assert.StartsWith("C59", await tokens.First.InnerTextAsync(), StringComparison.Ordinal);
        await desk.Page.GetByLabel("Serial begins with").FillAsync("C2");
        await desk.Page.Keyboard.PressAsync("Enter");
        await desk.SeesAsync("1 to 10");
        Assert.StartsWith("C29", await tokens.First.InnerTextAsync(), StringComparison.Ordinal);
        await desk.AxeFindsNothingAsync();
        Assert.Equal(11, (await FileAsync(desk)).Length);
    }

    /// <summary>The file of the list, line by line.</summary>
    private static async Task<string[]> FileAsync(Desk desk)
    {
        var reply = await desk.Page.Context.APIRequest.GetAsync((await desk.Page.Locator("a[download]").First.GetAttributeAsync("href"))!);
        Assert.True(reply.Ok, $"{reply.Status}");
        return (await reply.TextAsync()).Trim().Split('\n');
    }

    /// <summary>Sixty of everything that administrators list; somebody's name is a formula.</summary>
    private static Task<int> FillAsync(ServerUnderTest server) => server.WithDatabase(async db =>
    {
        var all = Enumerable.Range(0, Long);
        db.Agents.AddRange(all.Select(n => new DeskAgent { Id = Guid.NewGuid(), Name = $"desk-{n:D2}", CreatedBy = Formula, CreatedAt = At.AddMinutes(n) }));
        db.Webhooks.AddRange(all.Select(n => new Webhook
        {
            Name = $"hook-{n:D2}",
            Url = "https://receiver.invalid/",
            Actions = "token.*",
            SealedSecret = [1],
            Failures = 1,
            LastFault = Formula,
            NextAttemptAt = DateTimeOffset.UtcNow.AddDays(1),
        }));
        db.Profiles.AddRange(all.Select(n => new RolloutProfileVersion { Name = $"plan-{n:D2}", Version = 1, Decisions = "{}", EditedBy = Formula, EditedAt = At }));
        db.RealmPolicies.AddRange(all.Select(n => Policy($"realm-{n:D2}")));
        return await db.SaveChangesAsync();
    });

    private static RealmPolicy Policy(string realm)
    {
        var policy = new RealmPolicy { Realm = realm, ChangedBy = Formula, ChangedAt = At };
        new Validation.ValidationPolicy().WriteTo(policy);
        return policy;
    }
}
