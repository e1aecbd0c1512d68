namespace Oath.Tests;

/// <summary>Vectors are data: a file whose first line names its origin, blank-separated fields after it.</summary>
internal static class VectorFile
{
    /// <summary>The count is part of the test: a file that shrank must not pass.</summary>
    public static IReadOnlyList<string[]> Read(string name, int count)
    {
        string[] lines = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Vectors", name));
        Assert.StartsWith("# ", lines[0], StringComparison.Ordinal);
        string[][] vectors =
            [.. lines.Where(line => !line.StartsWith('#')).Select(line => line.Split(' '))];
        Assert.Equal(count, vectors.Length);
        return vectors;
    }
}
