using Microsoft.EntityFrameworkCore;
using Microsoft.Playwright;
using OathServer.Access;
using OathServer.Tests;

namespace OathServer.Browser.Tests;

/// <summary>Somebody imports a shipment: the check first, then the word, then the history, and the way back.</summary>
public class ImportDeskTests
{
    private static readonly string Samples = Path.Combine(Repository(), "samples/pskc");

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_shipment_is_checked_imported_listed_and_taken_back(bool script)
    {
        await using var server = await ServerUnderTest.StartAsync();
        await using var desk = await Desk.OpenAsync(server, Roles.Provisioner, script);

        await desk.PressAsync("Imports");
        await desk.SeesAsync("No import here.");
        await desk.PressAsync("Import a shipment");
        await desk.Page.SetInputFilesAsync("#file", Path.Combine(Samples, "passphrase.pskcxml"));
        await desk.Page.FillAsync("#batch", "November");
        await desk.Page.FillAsync("#passphrase", "not the passphrase");
        await desk.PressAsync("Check the file");
        await desk.SeesAsync("Nothing was imported.");
        Assert.Equal("November", await desk.Page.InputValueAsync("#batch"));
        Assert.Equal("", await desk.Page.InputValueAsync("#passphrase"));
        Assert.DoesNotContain("not the passphrase", await desk.Page.ContentAsync() + desk.Page.Url, StringComparison.Ordinal);
        await desk.AxeFindsNothingAsync();
        await desk.Page.FillAsync("#passphrase", (await File.ReadAllTextAsync(Path.Combine(Samples, "passphrase.txt"), TestContext.Current.CancellationToken)).TrimEnd('\n'));
        await desk.PressAsync("Check the file");
        await desk.SeesAsync("checked, nothing changed yet");
        await desk.AxeFindsNothingAsync();
        await desk.PictureAsync($"import-check-{(script ? "script" : "plain")}");
        Assert.Equal(0, await server.WithDatabase(db => db.Tokens.CountAsync()));
        await desk.Page.Locator("button[value=whole]").ClickAsync();
        await desk.SeesAsync("Its tokens, as they are now");
        await desk.AxeFindsNothingAsync();
        await desk.PictureAsync($"import-{(script ? "script" : "plain")}");

        await desk.PressAsync("Imports");
        await desk.SeesAsync("passphrase.pskcxml");
        await desk.AxeFindsNothingAsync();
        Assert.Equal("November", await server.WithDatabase(db => db.Imports.Select(i => i.Batch).SingleAsync()));
        await desk.PressAsync("passphrase.pskcxml");
        await desk.Page.Locator("summary", new() { HasText = "What is lost" }).ClickAsync();
        await desk.PressAsync("Remove");
        await desk.SeesAsync("No import here.");
        Assert.Equal(0, await server.WithDatabase(db => db.Tokens.CountAsync()));
        Assert.Contains("import.undo", await server.WithDatabase(db => db.Audit.OrderBy(a => a.Sequence).Select(a => a.Action).ToListAsync()));
    }

    [Fact]
    public async Task Refused_keys_are_named_with_their_reasons_and_the_others_may_be_imported_alone()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await using var desk = await Desk.OpenAsync(server, Roles.Provisioner);
        var file = new FilePayload
        {
            Name = "list.csv",
            MimeType = "text/csv",
            Buffer = System.Text.Encoding.ASCII.GetBytes("A1,3132333435363738393031323334353637383930,5\nA1,3132333435363738393031323334353637383930,6\nA2,3132333435363738393031323334353637383931,0\n"),
        };

        await desk.Page.GotoAsync("/imports/new");
        await desk.Page.SetInputFilesAsync("#file", file);
        await desk.PressAsync("Check the file");
        await desk.SeesAsync("refused");
        await desk.AxeFindsNothingAsync();
        await desk.PictureAsync("import-refused");
        await desk.PressAsync("leave the refused out");
        await desk.SeesAsync("Its tokens, as they are now");

        Assert.True(await server.WithDatabase(db => db.Tokens.AnyAsync(t => t.Serial == "A2")));
        Assert.True(await server.AcceptsAsync("A2", Codes.Hotp(System.Text.Encoding.ASCII.GetBytes("12345678901234567891"), 0)));
        await desk.Page.Locator("summary", new() { HasText = "What is lost" }).ClickAsync();
        await desk.PressAsync("Remove");
        await desk.SeesAsync("of it is in use");
    }

    [Fact]
    public async Task A_german_desk_reads_reasons_refusals_and_the_trail_in_German()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await using var desk = await Desk.OpenAsync(server, Roles.Administrator, locale: "de-DE");
        async Task CheckAsync(string text)
        {
            await desk.Page.GotoAsync("/imports/new");
            await desk.Page.SetInputFilesAsync("#file", new FilePayload { Name = "list.csv", MimeType = "text/csv", Buffer = System.Text.Encoding.ASCII.GetBytes(text) });
            await desk.PressAsync("Die Datei prüfen");
        }

        await CheckAsync("A1,3132333435363738393031323334353637383930,5\nA1,3132333435363738393031323334353637383930,6\nA2,3131313131313131313131313131313131313131,0\n");
        await desk.SeesAsync("die Datei enthält diesen Schlüssel mehr als einmal (Zeilen 1, 2); fragen Sie den Absender, welcher stimmt");
        await desk.SeesAsync("sein Geheimnis ist ein wiederholtes Oktett");
        await desk.SeesAsync("Die Datei ist nicht geschützt: ihre Geheimnisse reisten offen.");
        Assert.Equal(0, await desk.Page.Locator("main [lang=en]").CountAsync());
        await desk.AxeFindsNothingAsync();
        await desk.PictureAsync("import-german");
        await desk.Page.Locator("button[value=partial]").ClickAsync();
        await desk.SeesAsync("Seine Token, wie sie jetzt sind");

        await CheckAsync("%PDF-1.7");
        await desk.SeesAsync("Die Datei ist ein PDF-Dokument.");
        await desk.Page.GotoAsync("/audit");
        await desk.SeesAsync("1 von 3 Schlüsseln aus list.csv");
        Assert.Equal(0, await desk.Page.Locator("main [lang=en]").CountAsync());
        await desk.PictureAsync("audit-german");
    }

    private static string Repository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "OathServer.sln")))
        {
            folder = folder.Parent!;
        }

        return folder.FullName;
    }
}
