using Microsoft.EntityFrameworkCore;
using OathServer.Access;
using OathServer.Storage;
using OathServer.Tests;
using OathServer.Tests.Desk;

namespace OathServer.Browser.Tests;

/// <summary>Somebody at the provisioning desk: one key from the plan to its label, what stops and goes on, and a batch.</summary>
public class ProvisioningDeskTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_key_is_planned_confirmed_and_written_and_its_label_and_handout_follow(bool script)
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, counter: 41, state: TokenState.Imported);
        var key = Desk.Plug(server, 70001, "desk 1");
        await using var desk = await Desk.OpenAsync(server, Roles.Provisioner, script);

        await desk.PressAsync("Provision");
        await desk.FillAsync("Who gets it", "alice");
        await desk.FillAsync("or this token", "A1");
        await desk.PressAsync("Show the plan");
        await desk.SeesAsync("A1, counter 41");
        Assert.StartsWith("123456", System.Text.Encoding.ASCII.GetString(key.Peek().Piv.Pin), StringComparison.Ordinal);
        await desk.AxeFindsNothingAsync();
        await desk.PictureAsync($"plan-{(script ? "script" : "plain")}");
        await desk.PressAsync("Write this to the key");
        if (!script)
        {
            // Without script the page is read again until the job is over.
            await desk.ReloadUntilAsync("Take the key out.");
        }

        await desk.SeesAsync("Take the key out.");
        await desk.AxeFindsNothingAsync();
        await desk.PictureAsync($"job-done-{(script ? "script" : "plain")}");
        await desk.PressAsync("Label");
        await desk.SeesAsync("CUID 00011171");
        await desk.StyledAsync("section", "overflowX", "hidden");
        await desk.AxeFindsNothingAsync();
        await desk.PictureAsync("label");
        await desk.Page.GoBackAsync();
        await desk.PressAsync("Handout page");
        await desk.SeesAsync("First steps");
        await desk.StyledAsync("section", "maxWidth", "672px");
        await desk.PictureAsync("handout");

        Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 42)));
    }

    [Fact]
    public async Task A_key_is_written_by_keyboard_alone()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, state: TokenState.Imported);
        Desk.Plug(server, 70001, "desk 1");
        await using var desk = await Desk.OpenAsync(server, Roles.Provisioner);
        var keyboard = desk.Page.Keyboard;

        await desk.TabToAsync("Provision");
        await keyboard.PressAsync("Enter");
        await desk.SeesAsync("Where is the key?");
        await desk.TabToAsync("Who gets it");
        await keyboard.TypeAsync("alice");
        await desk.TabToAsync("or this token");
        await keyboard.TypeAsync("A1");
        await keyboard.PressAsync("Enter");
        await desk.SeesAsync("A1, counter 0");
        await desk.TabToAsync("Write this to the key");
        await keyboard.PressAsync("Enter");
        await desk.SeesAsync("Take the key out.");
        await desk.TabToAsync("Label");
        await keyboard.PressAsync("Enter");
        await desk.SeesAsync("CUID 00011171");

        Assert.Equal(TokenState.Active, (await server.CounterAsync("A1")).State);
    }

    [Fact]
    public async Task A_key_in_the_reader_of_an_agent_is_written()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, counter: 7, state: TokenState.Imported);
        await using var desk = await Desk.OpenAsync(server, Roles.Provisioner);
        await desk.Page.GotoAsync("/admin/agents");
        await desk.FillAsync("Name", "desk-3");
        await desk.PressAsync("Make an enrolment code");
        var code = await desk.Page.Locator("output.once").InnerTextAsync();
        using var agent = new AgentProcess(
            server.Address, Path.Combine(server.Folder, "agent-credential"), pcscd: null, "--code", code, "--virtual", "1");

        await desk.Page.GotoAsync("/provision");
        await desk.ReloadUntilAsync("desk-3: ");
        await desk.FillAsync("Who gets it", "alice");
        await desk.FillAsync("or this token", "A1");
        await desk.PressAsync("Show the plan");
        await desk.SeesAsync("A1, counter 7");
        await desk.PressAsync("Write this to the key");
        await desk.SeesAsync("Take the key out.");

        Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 8)));
    }

    [Fact]
    public async Task A_credential_gets_a_new_seed_from_its_record_and_another_key_is_refused()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await CallTests.ProvisionAsync(server);
        Desk.Plug(server, 70002, "desk 2");
        await using var desk = await Desk.OpenAsync(server, Roles.Provisioner, script: false);
        var before = (await server.CounterAsync("A1")).Generation;

        await desk.SearchAsync("alice");
        await desk.PressAsync("Give it a new seed");
        await desk.Page.GetByLabel("desk 2").CheckAsync();
        await desk.PressAsync("Give it a new seed");
        await desk.SeesAsync("This is not key 00011171, which carries token A1.");
        await desk.Page.GetByLabel("desk 70001").CheckAsync();
        await desk.PressAsync("Give it a new seed");
        await desk.SeesAsync("The key has its new seed, and its first code was accepted.");

        Assert.Equal(before + 1, (await server.CounterAsync("A1")).Generation);
        Assert.False(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 42)));
    }

    [Fact]
    public async Task A_key_pulled_in_the_middle_says_what_it_holds_and_is_resumed()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, state: TokenState.Imported);
        var key = Desk.Plug(server, 70001, "desk 1");
        await using var desk = await Desk.OpenAsync(server, Roles.Provisioner);

        await desk.Page.GotoAsync("/provision?serial=A1&user=alice");
        await desk.PressAsync("Show the plan");
        key.PullAfter(70);
        await desk.PressAsync("Write this to the key");
        await desk.SeesAsync("It stopped");
        await desk.SeesAsync("Insert this very key and resume");
        await desk.AxeFindsNothingAsync();
        await desk.PictureAsync("job-stopped");
        await desk.Page.Locator("summary", new() { HasText = "Give the job up" }).ClickAsync();
        await desk.SeesAsync("The key holds secrets of this job.");
        await desk.PressAsync("Resume");

        await desk.SeesAsync("Take the key out.");
        Assert.Equal(TokenState.Active, (await server.CounterAsync("A1")).State);
    }

    [Fact]
    public async Task A_refused_plan_keeps_what_was_typed_and_a_mistaken_holder_is_changed_before_handout()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await CallTests.ProvisionAsync(server);
        await using var desk = await Desk.OpenAsync(server, Roles.Provisioner);

        await desk.Page.GotoAsync("/provision");
        await desk.FillAsync("Who gets it", "bob");
        await desk.FillAsync("or this token", "B7");
        await desk.PressAsync("Show the plan");
        await desk.SeesAsync("There is no token B7");
        Assert.Equal("bob", await desk.Page.GetByLabel("Who gets it").InputValueAsync());
        await desk.AxeFindsNothingAsync();

        var job = await server.WithDatabase(db => db.Jobs.Select(j => j.Id).SingleAsync());
        await desk.Page.GotoAsync($"/provision/{job}");
        await desk.FillAsync("Give it to", "carol");
        await desk.PressAsync("Change the holder");
        await desk.SeesAsync("The key is carol's now.");

        Assert.Equal("carol", await server.WithDatabase(db => db.Tokens.Select(t => t.Person!.Name).SingleAsync()));
        Assert.Contains("record.assign", await server.WithDatabase(db => db.Audit.OrderBy(a => a.Sequence).Select(a => a.Action).ToListAsync()));
    }

    [Fact]
    public async Task A_batch_takes_each_inserted_key_for_the_next_person_and_a_mistake_is_undone()
    {
        await using var server = await ServerUnderTest.StartAsync();
        foreach (var n in (int[])[1, 2])
        {
            await server.AddTokenAsync($"A{n}", Codes.Secret, state: TokenState.Imported);
        }

        await using var desk = await Desk.OpenAsync(server, Roles.Provisioner);
        await desk.PressAsync("Batches");
        await desk.SeesAsync("No batch here.");
        await desk.PressAsync("Start a batch");
        await desk.FillAsync("Name", "Friday");
        await desk.FillAsync("People, one a line, in the order of their keys", "alice,A1\nalice,A2");
        await desk.PressAsync("Start");
        await desk.SeesAsync("is on the list more than once");
        await desk.AxeFindsNothingAsync();
        await desk.FillAsync("People, one a line, in the order of their keys", "alice,A1\nbob,A2");
        await desk.PressAsync("Start");
        await desk.SeesAsync("Insert the key for");
        await desk.AxeFindsNothingAsync();
        Desk.Plug(server, 70001, "desk 1");
        await desk.SeesAsync("1 of 2 done");
        Desk.Plug(server, 70002, "desk 2");
        await desk.SeesAsync("2 of 2 done");
        await desk.PictureAsync("batch");
        await desk.FillAsync("Swap the keys of line", "1");
        await desk.FillAsync("and line", "2");
        await desk.PressAsync("Swap");
        await desk.SeesAsync("The keys of lines 1 and 2 changed hands.");
        await desk.AxeFindsNothingAsync();

        Assert.Equal(["A1 bob", "A2 alice"], await server.WithDatabase(db => db.Tokens.OrderBy(t => t.Serial).Select(t => $"{t.Serial} {t.Person!.Name}").ToListAsync()));
        await desk.PressAsync("Batches");
        await desk.SeesAsync("2 of 2 done");
        var file = await desk.Page.RunAndWaitForDownloadAsync(() => desk.PressAsync("All of it as CSV"));
        Assert.StartsWith("batch,state,done,total", await File.ReadAllTextAsync((await file.PathAsync())!, TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }
}
