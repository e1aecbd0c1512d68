namespace OathServer.Tests.Tidy;

/// <summary>The sources as text, found from the test program upwards.</summary>
internal static class SourceTree
{
    public static readonly string Root = FindRoot();

    public static readonly IReadOnlyList<SourceFile> Files = [.. Read("src"), .. Read("tests"), .. Read("bench")];

    public static IEnumerable<SourceFile> Under(string folder) =>
        Files.Where(f => f.Path.StartsWith(folder + "/", StringComparison.Ordinal));

    private static IEnumerable<SourceFile> Read(string folder) =>
        Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories)
            .Concat(Directory.EnumerateFiles(Path.Combine(Root, folder), "*.razor", SearchOption.AllDirectories))
            .Select(path => new SourceFile(Path.GetRelativePath(Root, path).Replace('\\', '/'), File.ReadAllText(path)))
            .Where(f => !f.Path.Contains("/obj/", StringComparison.Ordinal) && !f.Path.Contains("/bin/", StringComparison.Ordinal)
                && !f.Path.Contains("/Migrations/", StringComparison.Ordinal) && !f.Path.Contains("/Storage/Compiled/", StringComparison.Ordinal))
            .OrderBy(f => f.Path, StringComparer.Ordinal);

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "OathServer.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("OathServer.sln was not found above the test program.");
    }
}

/// <summary>One source file; <see cref="Path"/> is relative to the root, with forward slashes.</summary>
internal sealed record SourceFile(string Path, string Text)
{
    public int Lines => Text.AsSpan().Count('\n');
}
