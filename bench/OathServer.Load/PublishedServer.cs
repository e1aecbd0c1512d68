using System.Diagnostics;
using System.Runtime.InteropServices;

namespace OathServer.Load;

/// <summary>The server as it is shipped: published for this machine, compiled ahead, in <c>artifacts/load</c> of the tree.</summary>
internal static class PublishedServer
{
    private static string? folder;

    /// <summary>The published program; publishes it first unless <paramref name="published"/> names a folder that holds it.</summary>
    public static async Task PrepareAsync(string? published)
    {
        folder = published ?? Path.Combine(Root(), "artifacts", "load");
        if (published is null)
        {
            Console.Error.WriteLine("publishing the server ...");
            using var publish = Process.Start(new ProcessStartInfo(
                "dotnet",
                ["publish", Path.Combine(Root(), "src", "OathServer"), "-c", "Release", "-r", RuntimeInformation.RuntimeIdentifier,
                    "-o", folder, "--nologo", "-v", "quiet"])
            { RedirectStandardOutput = true })!;
            var output = await publish.StandardOutput.ReadToEndAsync();
            await publish.WaitForExitAsync();
            if (publish.ExitCode != 0)
            {
                throw new InvalidOperationException($"The server could not be published:\n{output}");
            }
        }
    }

    public static string Program => Path.Combine(folder ?? throw new InvalidOperationException("Nothing is published yet."), "OathServer.dll");

    private static string Root()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "OathServer.sln")))
            {
                return at.FullName;
            }
        }

        throw new InvalidOperationException("The source tree is not above this program; name a published server by --published FOLDER.");
    }
}
