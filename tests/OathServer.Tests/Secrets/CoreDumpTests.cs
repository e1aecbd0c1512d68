using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using OathServer.Access;

namespace OathServer.Tests.Secrets;

/// <summary>A real server that crashes where the system would write its memory to disk (the first 16 MB of it).</summary>
public class CoreDumpTests
{
    // Ends a process with a core file, and the runtime has no handler for it: it takes SIGABRT of another process for no abort.
    private const int SigSys = 31;

    private readonly SecretScan scan = new();
    private readonly byte[] seed = RandomNumberGenerator.GetBytes(20);

    [Fact]
    public async Task A_crash_leaves_no_memory_on_disk_and_no_secret_in_what_it_leaves()
    {
        var folder = await CrashAsync(dumpable: null);

        Assert.Empty(Directory.GetFiles(folder, "core*"));
        Assert.Empty(scan.InFolder(folder, path => Path.GetFileName(path) == "sealing.key"));
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task The_same_crash_leaves_a_core_file_where_dumps_are_allowed()
    {
        Assert.SkipUnless(await File.ReadAllTextAsync("/proc/sys/kernel/core_pattern", Cancel) is ['c', 'o', 'r', 'e', ..], "cores of this machine go elsewhere");
        var folder = await CrashAsync(dumpable: "true");

        Assert.Single(Directory.GetFiles(folder, "core*"));
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>The folder of a server that validated codes and was then made to crash; it is its working directory too.</summary>
    private async Task<string> CrashAsync(string? dumpable)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux only");
        var folder = Directory.CreateTempSubdirectory("oathserver-core-").FullName;
        string key;
        await using (var prepare = await ServerUnderTest.StartAsync(folder: folder))
        {
            await prepare.AddTokenAsync("A1", seed);
            key = await prepare.CreateKeyAsync("scanned", Roles.RelyingParty);
        }

        scan.Add("API key", key);
        scan.Add("seed", seed);
        scan.Add("sealing key", Convert.FromHexString((await File.ReadAllTextAsync(Path.Combine(folder, "sealing.key"), Cancel)).Trim()));
        await using var server = await ServerProcess.StartAsync(
            folder, dumpable is null ? [] : [new("Memory__Dumpable", dumpable)], "env", "-C", folder, "prlimit", "--core=16777216");
        using var client = server.Client(key);
        for (var counter = 0; counter < 5; counter++)
        {
            var code = Codes.Hotp(seed, counter);
            scan.Add($"code {counter}", code);
            using var reply = await client.PostAsJsonAsync("/v1/validate", new { serial = "A1", code }, Cancel);
            Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        }

        server.Signal(SigSys);
        Assert.NotEqual(0, await server.ExitCodeAsync());
        return folder;
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
