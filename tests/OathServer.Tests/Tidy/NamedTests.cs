using System.Text.RegularExpressions;

namespace OathServer.Tests.Tidy;

/// <summary>What the documents say is proven, is: a test that they name is there under that name.</summary>
public partial class NamedTests
{
    private static readonly string Tests = string.Join('\n', SourceTree.Under("tests").Select(f => f.Text));

    private static readonly HashSet<string> Files = [.. SourceTree.Files.Select(f => Path.GetFileName(f.Path))];

    [Theory]
    [InlineData("docs/advisories.md", 25)]
    [InlineData("docs/test-plan.md", 25)]
    [InlineData("docs/threat-model.md", 0)]
    [InlineData("ARCHITECTURE.md", 0)]
    public void Every_test_a_document_names_is_there(string document, int atLeast)
    {
        var text = File.ReadAllText(Path.Combine(SourceTree.Root, document));
        var methods = Sentence().Matches(text).Select(m => m.Groups[1].Value)
            .Where(name => name.Split('_').Any(word => word.All(char.IsAsciiLetterLower))).ToHashSet();
        var classes = TestClass().Matches(text).Select(m => m.Groups[1].Value).ToHashSet();
        var files = TestFile().Matches(text).Select(m => Path.GetFileName(m.Groups[1].Value)).ToHashSet();

        Assert.Empty(methods.Where(name => !Regex.IsMatch(Tests, $@"\b{name}\(")).Select(name => $"{document} names the test {name}"));
        Assert.Empty(classes.Where(name => !Regex.IsMatch(Tests, $@"\bclass {name}\b")).Select(name => $"{document} names the tests {name}"));
        Assert.Empty(files.Where(name => !Files.Contains(name)).Select(name => $"{document} names {name}"));
        Assert.True(methods.Count >= atLeast, $"only {methods.Count} tests were found in {document}");
    }

    [Fact]
    public void Every_line_of_the_plan_and_no_other_is_there()
    {
        var plan = File.ReadAllText(Path.Combine(SourceTree.Root, "docs/test-plan.md"));

        Assert.Equal(Enumerable.Range(1, 23).Select(n => $"T{n}"), PlanLine().Matches(plan).Select(m => m.Groups[1].Value));
    }

    [GeneratedRegex(@"`([A-Z][A-Za-z0-9]*(?:_[A-Za-z0-9]+){2,})`")]
    private static partial Regex Sentence();

    [GeneratedRegex(@"`([A-Z][A-Za-z]+Tests)`")]
    private static partial Regex TestClass();

    [GeneratedRegex(@"`((?:[A-Za-z.]+/)*[A-Z][A-Za-z]+Tests\.cs)`")]
    private static partial Regex TestFile();

    [GeneratedRegex(@"^\| (T\d+) \|", RegexOptions.Multiline)]
    private static partial Regex PlanLine();
}
