using System.Text.RegularExpressions;

namespace OathServer.Tests.Tidy;

/// <summary>Inside the server the floor carries the rooms, and rooms open onto each other only through the doors that
/// their README names on its line <c>Doors:</c>.</summary>
public class DoorTests
{
    private static readonly string[] Floor = ["Storage", "Secrets", "Audit", "Access"];

    // The composition root sees every room; what it offers to all of them (problems, limits, the host) is floor.
    private const string Composition = "Operations";

    private static readonly string[] Folders =
        [.. Directory.GetDirectories(Path.Combine(SourceTree.Root, "src/OathServer")).Select(f => Path.GetFileName(f)!)
            .Where(name => SourceTree.Under($"src/OathServer/{name}").Any()).Order(StringComparer.Ordinal)];

    public static TheoryData<string> Rooms => new(Folders.Where(f => f != Composition));

    [Fact]
    public void The_rooms_are_found() => Assert.True(Folders.Length >= 7, string.Join(", ", Folders));

    [Theory]
    [MemberData(nameof(Rooms))]
    public void A_room_uses_only_the_floor_and_its_named_doors(string room)
    {
        var doors = DoorsOf(room);
        var through = SourceTree.Under($"src/OathServer/{room}").SelectMany(file => Folders
            .Where(other => other != room && other != Composition && Uses(file.Text, other))
            .Select(other => (file.Path, Other: other)));

        Assert.Empty(through
            .Where(use => Floor.Contains(room) ? !Floor.Contains(use.Other) : !Floor.Contains(use.Other) && !doors.Contains(use.Other))
            .Select(use => $"{use.Path} uses {use.Other}, which is no door of {room} (doors: {string.Join(", ", doors)})"));
    }

    [Theory]
    [MemberData(nameof(Rooms))]
    public void A_room_names_no_door_it_does_not_use(string room) =>
        Assert.All(DoorsOf(room), door => Assert.Contains(SourceTree.Under($"src/OathServer/{room}"), f => Uses(f.Text, door)));

    /// <summary>By a using, or by a qualified name that the parent namespace lets through without one.</summary>
    private static bool Uses(string text, string room) =>
        Regex.IsMatch(text, $@"\busing\s+(static\s+)?OathServer\.{room}\b") || Regex.IsMatch(text, $@"(?<![.\w""/])OathServer\.{room}\.[A-Z]");

    private static string[] DoorsOf(string room)
    {
        var readme = Path.Combine(SourceTree.Root, "src/OathServer", room, "README.md");
        Assert.True(File.Exists(readme), $"src/OathServer/{room} has no README.md with a line 'Doors:'.");
        var line = File.ReadLines(readme).SingleOrDefault(l => l.StartsWith("Doors:", StringComparison.Ordinal));
        Assert.True(line is not null, $"src/OathServer/{room}/README.md has no line 'Doors:'.");
        return [.. line["Doors:".Length..].Split([',', '.', ' '], StringSplitOptions.RemoveEmptyEntries).Where(word => word != "none")];
    }
}
