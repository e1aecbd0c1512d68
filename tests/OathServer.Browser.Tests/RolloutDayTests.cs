using Microsoft.EntityFrameworkCore;
using OathServer.Access;
using OathServer.Storage;
using OathServer.Tests;
using OathServer.Tests.Databases;

namespace OathServer.Browser.Tests;

/// <summary>A whole day of the rollout at the pages, and who may do which part of it.</summary>
public class RolloutDayTests
{
    [Fact]
    public async Task A_shipment_becomes_keys_in_peoples_hands_and_the_help_desk_finds_them()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await using var desk = await Desk.OpenAsync(server, Roles.Provisioner);

        // The shipment comes in.
        await desk.PressAsync("Imports");
        await desk.PressAsync("Import a shipment");
        await desk.Page.SetInputFilesAsync("#file", Sample("shipment.pskcxml"));
        await desk.Page.FillAsync("#batch", "November");
        await desk.Page.FillAsync("#key", (await File.ReadAllTextAsync(Sample("shipment.key.hex"), TestContext.Current.CancellationToken)).Trim());
        await desk.PressAsync("Check the file");
        await desk.Page.Locator("button[value=whole]").ClickAsync();
        await desk.SeesAsync("Its tokens, as they are now");

        // Two people get their keys, one inserted after the other.
        await desk.PressAsync("Batches");
        await desk.PressAsync("Start a batch");
        await desk.FillAsync("Name", "Friday");
        await desk.Page.SelectOptionAsync("#shipment", "November");
        await desk.FillAsync("People, one a line, in the order of their keys", "alice\nbob");
        await desk.PressAsync("Start");
        await desk.SeesAsync("alice");
        Desk.Plug(server, 70001, "desk 1");
        await desk.SeesAsync("1 of 2 done");
        Desk.Plug(server, 70002, "desk 2");
        await desk.SeesAsync("2 of 2 done");
        await desk.PictureAsync("day-batch");

        // Handout pages, and the rollout is green.
        await desk.PressAsync("2 handout pages");
        await desk.SeesAsync("First steps");
        await desk.Page.GotoAsync("/readiness?batch=November");
        await desk.SeesAsync("Shipment by shipment");
        Assert.Equal(0, await desk.Page.GetByText("not ready for handout").CountAsync());
        await desk.PictureAsync("day-readiness");

        // Alice calls.
        await using var help = await Desk.OpenAsync(server, Roles.HelpDesk);
        await help.SearchAsync("alice");
        await help.SeesAsync("ready for handout");
        Assert.Equal(2, await server.WithDatabase(db => db.Records.CountAsync(r => r.Status == KeyStatus.ReadyForHandout)));
    }

    [Theory]
    [InlineData(Roles.HelpDesk, "/keys /batches /jobs /imports /readiness", "/provision /batches/new /imports/new /audit /admin /admin/staff /tokens/A1/reseed")]
    [InlineData(Roles.Auditor, "/keys /batches /jobs /imports /readiness /audit", "/provision /batches/new /imports/new /admin /tokens/A1/reseed")]
    [InlineData(Roles.Provisioner, "/keys /batches /jobs /imports /readiness /provision /batches/new /imports/new /admin/agents", "/audit /admin /admin/policies")]
    [InlineData(Roles.Administrator, "/provision /imports/new /audit /admin /admin/policies /admin/staff /admin/api-keys /admin/secrets", "")]
    public async Task Each_role_is_shown_its_part_and_kept_out_of_the_rest(string role, string opens, string closed)
    {
        await using var server = await ServerUnderTest.StartAsync();
        await using var desk = await Desk.OpenAsync(server, role);

        foreach (var page in opens.Split(' '))
        {
            Assert.Equal(200, (await desk.Page.GotoAsync(page))!.Status);
        }

        foreach (var page in closed.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            await desk.Page.GotoAsync("/");
            Assert.Equal(0, await desk.Page.Locator($"a[href='{page}']").CountAsync());
            Assert.Equal(403, (await desk.Page.APIRequest.GetAsync(page)).Status);
        }
    }

    private static string Sample(string name)
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "OathServer.sln")))
        {
            folder = folder.Parent!;
        }

        return Path.Combine(folder.FullName, "samples/pskc", name);
    }
}

[OnPostgreSql]
public class RolloutDayTestsOnPostgreSql : RolloutDayTests;
