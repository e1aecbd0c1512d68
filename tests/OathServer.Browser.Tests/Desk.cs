using System.Net;
using System.Text.RegularExpressions;
using Deque.AxeCore.Commons;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Provisioning;
using OathServer.Tests;
using SecurityKeys.Virtual;

namespace OathServer.Browser.Tests;

/// <summary>Somebody at a desk: the real server, a real Chromium signed in with a role. Every act of theirs is counted.</summary>
internal sealed partial class Desk : IAsyncDisposable
{
    private const string Named = "(e => e === document.body ? '' : [e.innerText, e.value, ...[...e.labels || []].map(l => l.innerText)].join(' '))(document.activeElement)";
    public const string Password = "grey harbour lantern seven";
    private static readonly string? Pictures = Environment.GetEnvironmentVariable("CONSOLE_PICTURES");
    private static readonly SemaphoreSlim Starting = new(1, 1);

    // Put into the page itself, which has no frames: the package for this browser opens a second page for every look, and that
    // takes longer than looking.
    private static readonly Lazy<string> Axe = new(new BundledAxeScriptProvider().GetScript);
    private static IPlaywright? playwright;
    private static IBrowser? browser;

    private readonly IBrowserContext context;
    private readonly bool script;

    private Desk(ServerUnderTest server, IBrowserContext context, IPage page, bool script)
    {
        this.script = script;
        Server = server;
        this.context = context;
        Page = page;
    }

    public ServerUnderTest Server { get; }

    public IPage Page { get; }

    /// <summary>Clicks and fields sent since the desk was opened: what the person did.</summary>
    public int Interactions { get; private set; }

    /// <summary>Somebody who has not signed in.</summary>
    public static Task<Desk> StrangerAsync(ServerUnderTest server, bool script = true) => OpenAsync(server, role: null, script);

    public static async Task<Desk> OpenAsync(
        ServerUnderTest server, string? role = Roles.HelpDesk, bool script = true, ColorScheme scheme = ColorScheme.Light, int width = 1280, int height = 900,
        string locale = "en-GB", string? host = null)
    {
        await StartBrowserAsync();
        var address = host is null ? server.Address.ToString() : new UriBuilder(server.Address) { Host = host }.ToString();
        var context = await browser!.NewContextAsync(new BrowserNewContextOptions
        {
            BaseURL = address,
            JavaScriptEnabled = script,
            ColorScheme = scheme,
            ViewportSize = new ViewportSize { Width = width, Height = height },
            Locale = locale,
            TimezoneId = "Europe/Berlin",
        });
        // A bound on a page that hangs, wide enough for a machine that does other things too.
        context.SetDefaultTimeout(30_000);
        if (role is not null)
        {
            await context.AddCookiesAsync([new Microsoft.Playwright.Cookie { Name = "oath-staff", Value = await SessionAsync(server, role), Url = address }]);
        }

        var page = await context.NewPageAsync();
        await page.GotoAsync("/");
        return new Desk(server, context, page, script);
    }

    /// <summary>Types into the search box and sends it: one interaction.</summary>
    public async Task SearchAsync(string text)
    {
        Interactions++;
        await Page.FillAsync("input[name=q]", text);
        await Page.PressAsync("input[name=q]", "Enter");
    }

    /// <summary>Presses a button or a link: one interaction.</summary>
    public async Task PressAsync(string name)
    {
        Interactions++;
        await Page.GetByRole(AriaRole.Button, new() { NameRegex = new Regex(Regex.Escape(name)) })
            .Or(Page.GetByRole(AriaRole.Link, new() { NameRegex = new Regex(Regex.Escape(name)) })).First.ClickAsync();
    }

    /// <summary>Fills a field: one interaction.</summary>
    public async Task FillAsync(string label, string text)
    {
        Interactions++;
        await Page.GetByRole(AriaRole.Textbox, new() { Name = label }).FillAsync(text);
    }

    /// <summary>Sends the form of the field that was filled last, by Enter.</summary>
    public async Task EnterAsync(string label)
    {
        Interactions++;
        await Page.GetByRole(AriaRole.Textbox, new() { Name = label }).PressAsync("Enter");
    }

    /// <summary>Waits until the page has given the keyboard to a field, as it does by itself when it is there.</summary>
    public Task HasKeyboardAsync(string field) => Page.Locator($"{field}:focus").WaitForAsync();

    /// <summary>Goes on by the keyboard until something of that name has it; each stop on the way shows that it has.</summary>
    public async Task TabToAsync(string name)
    {
        const int StopsMax = 60;
        for (var stop = 0; stop < StopsMax; stop++)
        {
            var (text, outline) = (await Page.EvaluateAsync<string>(Named), await Page.EvaluateAsync<string>("getComputedStyle(document.activeElement).outlineStyle"));
            // Between the last and the first the browser's own parts have it.
            if (stop > 0 && text.Length > 0)
            {
                Assert.True(outline != "none", $"“{text}” does not show that it has the keyboard");
            }

            if (text.Contains(name, StringComparison.Ordinal))
            {
                return;
            }

            await Page.Keyboard.PressAsync("Tab");
        }

        Assert.Fail($"{StopsMax} tabs lead to no “{name}” on {Page.Url}");
    }

    public async Task SeesAsync(string text)
    {
        try
        {
            await Page.GetByText(text).First.WaitForAsync();
        }
        catch (TimeoutException)
        {
            Assert.Fail($"“{text}” is not on {Page.Url}:\n{await Page.InnerTextAsync("body")}");
        }
    }

    /// <summary>Reads the page again, as somebody without script does, until it says so.</summary>
    public async Task ReloadUntilAsync(string text)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (await Page.GetByText(text).CountAsync() == 0 && clock.Elapsed < TimeSpan.FromSeconds(20))
        {
            await Page.ReloadAsync();
        }
    }

    /// <summary>The page's own style got past its policy.</summary>
    public async Task StyledAsync(string element, string property, string value) =>
        Assert.Equal(value, await Page.EvaluateAsync<string>($"getComputedStyle(document.querySelector('{element}'))['{property}']"));

    /// <summary>axe-core finds nothing (WCAG 2.2 AA and its best practices).</summary>
    public async Task AxeFindsNothingAsync()
    {
        if (!script)
        {
            // axe is script itself: its timers never fire here.
            return;
        }

        await Page.EvaluateAsync(Axe.Value);
        var faults = await Page.EvaluateAsync<string[]>("axe.run(document, { resultTypes: ['violations'] }).then(found => "
            + "found.violations.map(v => `${v.id}: ${v.help} ${v.nodes.slice(0, 3).map(n => n.html).join(' | ')}`))");
        Assert.True(faults.Length == 0, Page.Url + "\n" + string.Join("\n", faults));
    }

    /// <summary>A picture in the folder of CONSOLE_PICTURES, where somebody wants to look at the pages.</summary>
    public Task PictureAsync(string name) => Pictures is null
        ? Task.CompletedTask
        : Page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(Pictures, name + ".png"), FullPage = true });

    public async ValueTask DisposeAsync() => await context.CloseAsync();

    public static VirtualKey Plug(ServerUnderTest server, uint serial, string reader)
    {
        var key = new VirtualKey(new VirtualKeyOptions { Serial = serial });
        server.Services.GetRequiredService<KeyReaders>().Plug(reader, KeyReaders.VirtualKind, key.Connect);
        return key;
    }

    /// <summary>Signs in by the real page, once a role; the browser gets the cookie.</summary>
    private static async Task<string> SessionAsync(ServerUnderTest server, string role)
    {
        var cookies = new CookieContainer();
        using var client = new HttpClient(new HttpClientHandler { CookieContainer = cookies, AllowAutoRedirect = false }) { BaseAddress = server.Address };
        await using var scope = server.Services.CreateAsyncScope();
        var life = scope.ServiceProvider.GetRequiredService<StaffLife>();
        var name = $"{role}-{Guid.NewGuid():N}"[..(role.Length + 5)];
        var (_, link) = await life.AddAsync(name, role, new AuditEvent("test", "", ""), CancellationToken.None);
        var html = await client.GetStringAsync(link);
        using var form = new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["__RequestVerificationToken"] = WebUtility.HtmlDecode(Token().Match(html).Groups[1].Value),
            ["token"] = link!.Split("token=")[1],
            ["name"] = "",
            ["password"] = Password,
            ["again"] = Password,
        });
        using var reply = await client.PostAsync("/setup", form);
        return cookies.GetAllCookies()["oath-staff"]?.Value ?? throw new InvalidOperationException(await reply.Content.ReadAsStringAsync());
    }

    private static async Task StartBrowserAsync()
    {
        await Starting.WaitAsync();
        try
        {
            if (browser is not null)
            {
                return;
            }

            Environment.SetEnvironmentVariable("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
            playwright = await Playwright.CreateAsync();
            browser = await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
            {
                ExecutablePath = Environment.GetEnvironmentVariable("CHROMIUM") ?? "/usr/bin/chromium-headless-shell",
                Args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
            });
        }
        finally
        {
            Starting.Release();
        }
    }

    [GeneratedRegex("name=\"__RequestVerificationToken\" value=\"([^\"]+)\"")]
    private static partial Regex Token();
}
