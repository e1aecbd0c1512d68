using System.Text.RegularExpressions;
using OathServer.Pages;

namespace OathServer.Tests.Tidy;

/// <summary>What provisioning and desks say to people in English is known to the pages, which say it in the reader's language.</summary>
public partial class HeardTests
{
    // Pieces of what is said: names and numbers in any language, and frames whose sentences stand elsewhere.
    private static readonly string[] Pieces =
        ["7 to 7", "empty slot 7", "delete 7", "of 7", "the key", "7 7", "The first code was refused (7). 7", "7 and resume with the code."];

    private static readonly string[] Said =
    [
        .. SourceTree.Under("src/OathServer/Provisioning").Concat(SourceTree.Under("src/OathServer/Desk"))
            .SelectMany(file => Sentence().Matches(file.Text).Concat(file.Path.EndsWith("Plan.cs", StringComparison.Ordinal) ? Choice().Matches(file.Text) : [])
                .Select(m => Hole().Replace(Regex.Unescape(m.Groups[1].Value), "7").Trim()))
            .Where(text => text.Contains(' ', StringComparison.Ordinal)).Except(Pieces).Distinct(),
    ];

    [Fact]
    public void Every_refusal_warning_step_and_trouble_is_known_to_the_pages() =>
        Assert.Empty(Said.Where(text => Heard.Find(text) is null).Select(text => $"HeardSentences.cs lacks: {text}"));

    [Fact]
    public void They_are_found() => Assert.True(Said.Length >= 90, $"{Said.Length}");

    [Fact]
    public void What_varies_stays_and_several_sentences_are_each_said()
    {
        var refusal = Heard.Find("Token A1 stands at counter 12; the key holds at most 4294967295. Reseed it.")!;
        Assert.Equal("Token {0} stands at counter {1}; the key holds at most {2}. Reseed it.", refusal.Text);
        Assert.Equal(["A1", "12", "4294967295"], refusal.With);

        var trouble = Heard.Find("The first code was refused (Locked). Unlock the token, then resume.")!;
        Assert.Equal(["The first code was refused (Locked).", "Unlock the token, then resume."], trouble.With.Select(p => p!.ToString()));
        Assert.Null(Heard.Find("The moon is full. Unlock the token, then resume."));
    }

    // What is added to a list of refusals or warnings, stops a job, is a step of a plan or the end of one.
    [GeneratedRegex("""(?:(?:refusals|warnings)\.Add\(|JobStoppedException\(|Journal\.(?:Done|Skip)\(step, |PlannedStep\([\w.]+, |new\(StepNames\.\w+, )\s*(?:string\.Create\(\s*CultureInfo\.InvariantCulture,\s*)?\$?"((?:[^"\\{]|\\.|\{[^{}"]*\})*)["]""")]
    private static partial Regex Sentence();

    // In the plans also what is one of two.
    [GeneratedRegex("""[?:]\s+(?:string\.Create\(\s*CultureInfo\.InvariantCulture,\s*)?\$?"((?:[^"\\{]|\\.|\{[^{}"]*\})*)["]""")]
    private static partial Regex Choice();

    [GeneratedRegex(@"\{[^{}]*\}")]
    private static partial Regex Hole();
}
