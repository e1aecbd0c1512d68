using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Localization;
using OathServer.Access;
using OathServer.Pages;
using OathServer.Tests;

namespace OathServer.Browser.Tests;

/// <summary>The pages in the language of who reads them. That no sentence lacks a language is checked in the sources
/// (<c>OathServer.Tests/Tidy/LanguageTests.cs</c>).</summary>
public class LanguageTests
{
    // What stands on a page and is nobody's sentence: names, numbers of keys, codes of the field.
    private const string Data =
        @"\b(OathServer|alice|CUID|PIN|PUK|PIV|FIDO|FIDO2|OATH|HOTP|TOTP|SHA\d*|UTC|CSV|CEF|Deutsch|English|default( v\d+)?|nobody|administrator-\w+|administrator|serial=SN,secret=Key,counter=Counter|A1|YubiKey|desk \d+)\b";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_page_speaks_the_browsers_language_until_another_is_chosen(bool script)
    {
        await using var server = await ServerUnderTest.StartAsync();
        await using var desk = await Desk.OpenAsync(server, script: script, locale: "de-DE");

        await desk.SeesAsync("Wer ruft an?");
        Assert.Equal("de", await desk.Page.GetAttributeAsync("html", "lang"));
        if (script)
        {
            await desk.AxeFindsNothingAsync();
        }

        await desk.Page.GotoAsync("/?q=nobody");
        await desk.PressAsync("English");
        await desk.SeesAsync("Nothing is known under “nobody”.");
        Assert.Equal("en", await desk.Page.GetAttributeAsync("html", "lang"));
        await desk.Page.GotoAsync("/");
        await desk.SeesAsync("Who is calling?");
    }

    [Fact]
    public async Task A_page_is_sent_back_only_to_this_server_after_a_language_is_chosen()
    {
        await using var server = await ServerUnderTest.StartAsync();
        using var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = server.Address };
        foreach (var (back, to) in ((string, string)[])[("/readiness?batch=a", "/readiness?batch=a"), ("//elsewhere.example", "/"), ("https://elsewhere.example", "/"), ("/\\elsewhere.example", "/")])
        {
            using var form = new FormUrlEncodedContent(new Dictionary<string, string> { ["language"] = "de", ["back"] = back });
            using var reply = await client.PostAsync("/language", form, TestContext.Current.CancellationToken);
            Assert.Equal(to, reply.Headers.Location?.OriginalString);
        }
    }

    [Fact]
    public void Numbers_and_dates_are_written_as_the_language_writes_them()
    {
        var german = ConsoleLanguages.All[1].Culture;
        var at = new DateTime(2026, 3, 5, 14, 7, 9, DateTimeKind.Utc);

        Assert.Equal("1.234.567,5", 1234567.5.ToString("N1", german));
        Assert.Equal("0,25 %", 0.0025.ToString("P2", german));
        Assert.Equal("5. März 2026, 14:07:09", at.ToString("F", german));
        Assert.Equal("05.03.2026", at.ToString("d", german));
        Assert.Equal("5 Mar 2026, 14:07:09", at.ToString("F", ConsoleLanguages.All[0].Culture));
        Assert.Equal("1,234,567.5", 1234567.5.ToString("N1", ConsoleLanguages.All[0].Culture));
    }

    [Fact]
    public async Task No_page_says_a_word_past_the_resources()
    {
        await using var server = await ServerUnderTest.StartAsync(replace: services => services.AddSingleton<IStringLocalizer<ConsoleText>, Marked>());
        await CallTests.ProvisionAsync(server);
        await using var desk = await Desk.OpenAsync(server, Roles.Administrator);
        var bare = new List<string>();
        foreach (var page in PageTests.SpokenPages)
        {
            await desk.Page.GotoAsync(page);
            var texts = await desk.Page.EvaluateAsync<string[]>("""
                () => {
                  const found = [document.title];
                  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
                  while (walk.nextNode()) {
                    const at = walk.currentNode.parentElement;
                    if (!at.closest("time, .mono, code, kbd, output, textarea, script, [data-raw], [lang]:not(html)")) { found.push(walk.currentNode.data); }
                  }
                  for (const e of document.querySelectorAll("[aria-label], [title], [placeholder]")) {
                    for (const a of ["aria-label", "title", "placeholder"]) { if (e.hasAttribute(a) && !e.closest("[data-raw]")) { found.push(e.getAttribute(a)); } }
                  }
                  return found;
                }
                """);
            bare.AddRange(texts.Select(Left).Where(left => System.Text.RegularExpressions.Regex.IsMatch(left, @"\p{L}{2}")).Select(left => $"{page}: {left}"));
        }

        Assert.True(bare.Count == 0, string.Join("\n", bare.Distinct()));
    }

    /// <summary>What is left of a text without what came from the resources and without data.</summary>
    private static string Left(string text)
    {
        for (var before = ""; before != text;)
        {
            before = text;
            text = System.Text.RegularExpressions.Regex.Replace(text, "⟦[^⟦⟧]*⟧", "");
        }

        return System.Text.RegularExpressions.Regex.Replace(text, Data, "").Trim();
    }

    /// <summary>A language in which every sentence is in brackets.</summary>
    private sealed class Marked : IStringLocalizer<ConsoleText>
    {
        public LocalizedString this[string name] => new(name, $"⟦{name}⟧");

        public LocalizedString this[string name, params object[] arguments] =>
            new(name, $"⟦{string.Format(CultureInfo.CurrentCulture, name, arguments)}⟧");

        public IEnumerable<LocalizedString> GetAllStrings(bool includeParentCultures) => [];
    }
}
