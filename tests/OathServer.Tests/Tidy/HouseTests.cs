using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace OathServer.Tests.Tidy;

/// <summary>The house rules that a compiler does not check. Each failure names the file and the mend.</summary>
public partial class HouseTests
{
    private const int LinesMax = 400;

    [Fact]
    public void The_leaves_know_no_project_and_only_the_server_knows_all_three()
    {
        foreach (var leaf in (string[])["Oath", "Pskc", "SecurityKeys"])
        {
            Assert.Empty(References($"src/{leaf}/{leaf}.csproj"));
        }

        Assert.Equal(["Oath", "Pskc", "SecurityKeys"], References("src/OathServer/OathServer.csproj").Order());
    }

    [Fact]
    public void Oath_depends_on_nothing_but_the_runtime()
    {
        var project = XDocument.Load(Path.Combine(SourceTree.Root, "src/Oath/Oath.csproj"));

        Assert.Empty(project.Descendants("PackageReference"));
    }

    [Fact]
    public void A_file_can_be_read_in_one_sitting() =>
        Assert.Empty(SourceTree.Files.Where(f => f.Lines > LinesMax).Select(f => $"{f.Path} has {f.Lines} lines: split it along a real seam"));

    [Fact]
    public void No_type_hides_behind_an_empty_name() =>
        Assert.Empty(SourceTree.Files.SelectMany(f => EmptyName().Matches(f.Text)
            .Select(m => $"{f.Path}: {m.Value} - say what it is in the field's words")));

    [Fact]
    public void File_names_are_plain() =>
        Assert.Empty(SourceTree.Files.Where(f => !PlainPath().IsMatch(f.Path)).Select(f => f.Path));

    [Fact]
    public void Banned_calls_are_not_made()
    {
        (string Folder, string Call, string Instead)[] banned =
        [
            ("src", "Debug.Assert", "check invariants in Release too"),
            ("src", "BitConverter.", "BinaryPrimitives, which says the order"),
            ("src", "EnableSensitiveDataLogging", "nothing: it writes secrets to the log"),
            ("src", "DateTime.Now", "TimeProvider"),
            ("src", "DateTime.UtcNow", "TimeProvider"),
            ("src", "DateTimeOffset.UtcNow", "TimeProvider"),
            ("src/OathServer", "XDocument.Load", "an XmlReader with DTDs prohibited"),
            ("src", "new Random(", "RandomNumberGenerator"),
            ("src", "Random.Shared", "RandomNumberGenerator"),
            ("src/OathServer", "global using OathServer.", "a using in the file, so that the doors can be seen"),
        ];

        Assert.Empty(banned.SelectMany(b => SourceTree.Under(b.Folder)
            .Where(f => f.Text.Contains(b.Call, StringComparison.Ordinal) && !Allowed.Contains((f.Path, b.Call)))
            .Select(f => $"{f.Path} calls {b.Call}; use {b.Instead}")));
    }

    [Fact]
    public void Nothing_in_the_tree_has_a_byte_order_mark_or_carriage_returns() =>
        Assert.Empty(SourceTree.Files.Where(f => f.Text.StartsWith('\ufeff') || f.Text.Contains('\r')).Select(f => f.Path));

    [Fact]
    public void A_readme_names_only_files_that_are_there()
    {
        var missing = new List<string>();
        foreach (var readme in Directory.EnumerateFiles(Path.Combine(SourceTree.Root, "src"), "README.md", SearchOption.AllDirectories))
        {
            var folder = Path.GetDirectoryName(readme)!;
            missing.AddRange(NamedSource().Matches(File.ReadAllText(readme)).Select(m => m.Groups[1].Value)
                .Where(name => !File.Exists(Path.Combine(folder, name)) && !File.Exists(Path.Combine(SourceTree.Root, name)))
                .Select(name => $"{Path.GetRelativePath(SourceTree.Root, readme)} names {name}"));
        }

        Assert.Empty(missing);
    }

    // Time is injected everywhere but where a library or a program starts its own clock; each with its reason.
    private static readonly HashSet<(string, string)> Allowed = [];

    private static IEnumerable<string> References(string project) =>
        XDocument.Load(Path.Combine(SourceTree.Root, project)).Descendants("ProjectReference")
            .Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value.Replace('\\', '/')));

    [GeneratedRegex(@"\b(class|record|struct|interface|enum)\s+\w*(Manager|Helpers?|Util(s|ity|ities)?|Processor|Base|Impl|Wrapper|Misc)\b")]
    private static partial Regex EmptyName();

    [GeneratedRegex(@"^[A-Za-z0-9._/-]+$")]
    private static partial Regex PlainPath();

    [GeneratedRegex(@"`([A-Za-z0-9_./-]+\.cs)`")]
    private static partial Regex NamedSource();
}
