using System.Text.RegularExpressions;
using SecurityKeys.Virtual;

namespace SecurityKeys.Tests.Judges;

/// <summary>
/// Scripts of other people's tools from start to end, as they would be run on hardware. A file has a line a command,
/// <c>$</c> for one that must succeed and <c>$!</c> for one that must fail, and under it what its output must hold, in that
/// order. <c># key</c> says what key is inserted.
/// </summary>
[Collection("readers")]
public sealed partial class TranscriptTests(PrivatePcscd pcscd)
{
    private const uint Serial = 7654321;

    private static string Folder => Path.Combine(AppContext.BaseDirectory, "Judges", "Transcripts");

    public static TheoryData<string> Transcripts =>
        [.. Directory.EnumerateFiles(Folder, "*.txt").Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];

    [Theory, MemberData(nameof(Transcripts))]
    public async Task The_script_passes_from_start_to_end(string file)
    {
        Assert.SkipWhen(pcscd.Missing is not null, pcscd.Missing ?? "");
        Assert.SkipUnless(File.Exists("/usr/bin/ykman") && File.Exists("/usr/bin/yubico-piv-tool")
            && File.Exists("/usr/bin/pkcs15-tool"), "ykman, yubico-piv-tool or opensc is not installed");
        var lines = File.ReadAllLines(Path.Combine(Folder, file));
        Assert.StartsWith("# origin", lines[0], StringComparison.Ordinal);
        await using var inserted = pcscd.Insert(
            new VirtualKey(OptionsOf(lines)), lines.Contains("# reader plain") ? PrivatePcscd.PlainReader : PrivatePcscd.YubicoReader);

        var commands = 0;
        var output = "";
        var at = 0;
        foreach (var (number, line) in lines.Index())
        {
            if (line.Length == 0 || line[0] == '#') continue;
            if (line[0] == '$')
            {
                var (fails, words) = (line.StartsWith("$! ", StringComparison.Ordinal), Words(line, inserted.Reader));
                var run = pcscd.Run("/usr/bin/" + words[0], words[1..]);
                Assert.True(fails == (run.ExitCode != 0), $"{file}:{number + 1} {line}: exit {run.ExitCode}\n{run.Output}");
                (output, at, commands) = (run.Output, 0, commands + 1);
                continue;
            }
            var found = output.IndexOf(line, at, StringComparison.Ordinal);
            Assert.True(found >= 0, $"{file}:{number + 1} \"{line}\" is not in what is left of\n{output}");
            at = found + line.Length;
        }
        Assert.True(commands > 5, $"{file} runs {commands} commands");
    }

    [Fact]
    public void There_is_a_transcript_for_each_tool() => Assert.True(Transcripts.Count >= 5);

    private static VirtualKeyOptions OptionsOf(string[] lines)
    {
        var options = new VirtualKeyOptions { Serial = Serial };
        foreach (var words in lines.Where(l => l.StartsWith("# key ", StringComparison.Ordinal)).Select(l => l.Split(' ')))
        {
            options = words[2] switch
            {
                "oath-capacity" => options with { OathCapacity = int.Parse(words[3], null) },
                "plain-piv" => options with { IsPlainPivCard = true },
                _ => throw new FormatException(string.Join(' ', words)),
            };
        }
        return options;
    }

    private static string[] Words(string line, string reader) =>
    [
        .. Word().Matches(line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..])
            .Select(m => m.Value.Trim('\'').Replace("{reader}", reader, StringComparison.Ordinal)),
    ];

    [GeneratedRegex("'[^']*'|[^ ]+")]
    private static partial Regex Word();
}
