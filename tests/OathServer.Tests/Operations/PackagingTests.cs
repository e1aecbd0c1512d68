using System.Globalization;
using System.Text.RegularExpressions;

namespace OathServer.Tests.Operations;

/// <summary>What surrounds the program when it is installed. The packages themselves take minutes: <c>tools/package</c> makes
/// them and <c>tools/package-check</c> installs, starts and removes one.</summary>
public partial class PackagingTests
{
    private const string Analyze = "/usr/bin/systemd-analyze";
    private const double ExposureMax = 2.0;

    private static readonly string Folder = Path.Combine(Tidy.SourceTree.Root, "packaging");

    [Fact]
    public async Task The_unit_leaves_the_server_little_to_touch()
    {
        var said = await Import.CommandLine.PeerAsync(Analyze, "security", "--offline=true", Path.Combine(Folder, "oathserver.service"));
        var level = Level().Match(said);
        Assert.True(level.Success, said);
        Assert.InRange(double.Parse(level.Groups[1].Value, CultureInfo.InvariantCulture), 0, ExposureMax);
    }

    [Fact]
    public async Task What_the_environment_file_offers_are_settings()
    {
        var text = await File.ReadAllTextAsync(Path.Combine(Folder, "oathserver.env"), TestContext.Current.CancellationToken);
        var offered = Offered().Matches(text).Select(m => m.Groups[1].Value.Replace("__", ":", StringComparison.Ordinal)).ToList();
        Assert.True(offered.Count >= 8, text);
        Assert.All(offered, name => Assert.True(
            OathServer.Operations.Settings.KnownSettings.IsForeign(name.Split(':')[0])
            || OathServer.Operations.Settings.KnownSettings.All.Any(s => s.Takes(name)), name));
    }

    [Fact]
    public async Task The_versions_agree()
    {
        var cancel = TestContext.Current.CancellationToken;
        var version = Version().Match(await File.ReadAllTextAsync(Path.Combine(Tidy.SourceTree.Root, "Directory.Build.props"), cancel)).Groups[1].Value;
        Assert.Contains($"\n## {version}", await File.ReadAllTextAsync(Path.Combine(Tidy.SourceTree.Root, "CHANGELOG.md"), cancel), StringComparison.Ordinal);
        Assert.Contains($"image: oathserver:{version}\n", await File.ReadAllTextAsync(Path.Combine(Folder, "compose.yml"), cancel), StringComparison.Ordinal);
    }

    [GeneratedRegex(@"Overall exposure level[^:]*: ([0-9.]+)")]
    private static partial Regex Level();

    [GeneratedRegex("^#?([A-Z][A-Za-z_0-9]+)='", RegexOptions.Multiline)]
    private static partial Regex Offered();

    [GeneratedRegex("<Version>(.*)</Version>")]
    private static partial Regex Version();
}
