using System.Diagnostics;

namespace OathServer.Tests.Operations;

/// <summary>A real server process, and another process of the same user that looks into it.</summary>
public class ProcessMemoryTests
{
    [Theory]
    [InlineData(null, false)]
    [InlineData("true", true)]
    public async Task Another_process_of_the_same_user_reads_the_servers_memory_only_where_that_was_allowed(string? dumpable, bool readable)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux only");
        var folder = Directory.CreateTempSubdirectory("oathserver-memory-").FullName;
        var start = AsPlainUser("dotnet", Path.Combine(AppContext.BaseDirectory, "OathServer.dll"), "serve");
        start.Environment["Data__Folder"] = folder;
        start.Environment["Urls"] = "http://127.0.0.1:0";
        start.Environment["Logging__LogLevel__Default"] = "Critical";
        if (dumpable is not null)
        {
            start.Environment["Memory__Dumpable"] = dumpable;
        }

        using var server = Process.Start(start)!;
        try
        {
            while (await server.StandardOutput.ReadLineAsync(Cancel) is { } line && !line.StartsWith("OathServer is ready", StringComparison.Ordinal))
            {
            }

            using var other = Process.Start(AsPlainUser("cat", $"/proc/{server.Id}/environ"))!;
            var seen = await other.StandardOutput.ReadToEndAsync(Cancel);

            Assert.Equal(readable, seen.Contains("Data__Folder", StringComparison.Ordinal));
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync(CancellationToken.None);
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Root is let in everywhere by its capabilities: it is asked without them.</summary>
    private static ProcessStartInfo AsPlainUser(params string[] command)
    {
        string[] all = Environment.UserName == "root" ? ["setpriv", "--bounding-set=-all", "--inh-caps=-all", .. command] : command;
        return new ProcessStartInfo(all[0], all[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
