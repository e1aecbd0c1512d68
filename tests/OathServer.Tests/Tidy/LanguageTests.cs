using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace OathServer.Tests.Tidy;

/// <summary>The English sentence in a page is the key of the German one: each is there, none is there for nobody.</summary>
public partial class LanguageTests
{
    private static readonly SourceFile[] Pages =
        [.. SourceTree.Under("src/OathServer/Console").Concat(SourceTree.Under("src/OathServer/SignIn")).Select(WithoutComments)];

    // What these files hold in quotes is said to people, but for how grave it is.
    private static readonly string[] Vocabularies = ["src/OathServer/Console/Words.cs"];
    private static readonly string[] Kinds = ["good", "warn", "bad", ""];

    private static readonly Dictionary<string, string> German = XDocument
        .Load(Path.Combine(SourceTree.Root, "src/OathServer/Console/Languages/ConsoleText.de.resx"))
        .Root!.Elements("data").ToDictionary(e => e.Attribute("name")!.Value, e => e.Element("value")!.Value, StringComparer.Ordinal);

    private static readonly HashSet<string> English =
    [
        .. Pages.SelectMany(f => Said().Matches(f.Text).Concat(SaidOfOne().Matches(f.Text)).Concat(SaidOfMany().Matches(f.Text)))
            .Select(m => Regex.Unescape(m.Groups[1].Value)),
        .. Pages.Where(f => Vocabularies.Contains(f.Path)).SelectMany(f => Quoted().Matches(f.Text))
            .Select(m => m.Groups[1].Value).Where(text => !Kinds.Contains(text)),
    ];

    [Fact]
    public void Every_sentence_of_the_pages_is_there_in_German() =>
        Assert.Empty(English.Where(text => !German.ContainsKey(text)).Order(StringComparer.Ordinal)
            .Select(text => $"ConsoleText.de.resx lacks: {text}"));

    [Fact]
    public void No_German_sentence_is_left_that_no_page_says() =>
        Assert.Empty(German.Keys.Where(text => !English.Contains(text)).Order(StringComparer.Ordinal)
            .Select(text => $"ConsoleText.de.resx has, and no page says: {text}"));

    [Fact]
    public void A_sentence_holds_the_same_places_in_both_languages() =>
        Assert.Empty(German.Where(pair => !Places(pair.Key).SetEquals(Places(pair.Value))).Select(pair => $"{pair.Key} / {pair.Value}"));

    [Fact]
    public void No_two_sentences_differ_in_case_alone() => // The compiler of resources keeps only the first of them.
        Assert.Empty(German.Keys.GroupBy(text => text, StringComparer.OrdinalIgnoreCase).Where(same => same.Count() > 1).SelectMany(same => same));

    [Fact]
    public void A_page_asks_for_a_sentence_and_for_no_variable() =>
        Assert.Empty(Pages.SelectMany(f => AskedByVariable().Matches(f.Text).Select(m => $"{f.Path}: {m.Value} (a phrase is said with T.Of)")));

    [Fact]
    public void The_sentences_are_found() => Assert.True(English.Count >= 70, $"{English.Count}");

    private static SourceFile WithoutComments(SourceFile file) =>
        file with { Text = string.Join('\n', file.Text.Split('\n').Where(line => !line.TrimStart().StartsWith("//", StringComparison.Ordinal))) };

    private static HashSet<string> Places(string text) => [.. Place().Matches(text).Select(m => m.Groups[1].Value)];

    [GeneratedRegex("""(?:\bT\[|\bnew Phrase\()"((?:[^"\\]|\\.)*)["]""")]
    private static partial Regex Said();

    [GeneratedRegex("""\bT\.Count\([^";]*"((?:[^"\\]|\\.)*)["]""")]
    private static partial Regex SaidOfOne();

    [GeneratedRegex("""\bT\.Count\([^";]*"(?:[^"\\]|\\.)*",\s*"((?:[^"\\]|\\.)*)["]""")]
    private static partial Regex SaidOfMany();

    [GeneratedRegex("""=> \(?"([^"\\]*)["]""")]
    private static partial Regex Quoted();

    [GeneratedRegex("""\bT\[(?!")[^\]]*\]""")]
    private static partial Regex AskedByVariable();

    [GeneratedRegex(@"\{(\d)[^}]*\}")]
    private static partial Regex Place();
}
