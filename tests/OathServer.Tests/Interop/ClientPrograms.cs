using System.Diagnostics;
using OathServer.Storage;
using OathServer.Tests.Tidy;

namespace OathServer.Tests.Interop;

/// <summary>Clients in other languages, run as the programs they are, and the server they are run against: alice has token A1 on
/// key 00AA.</summary>
internal static class ClientPrograms
{
    private static readonly Dictionary<string, string> Interpreters = new()
    {
        ["curl"] = "/bin/bash",
        ["python"] = "/usr/bin/python3",
        ["javascript"] = "/usr/bin/node",
    };

    /// <summary>Leaves the test where the language is not installed.</summary>
    public static void Need(string language) =>
        Assert.SkipUnless(File.Exists(Interpreters[language]), $"{Interpreters[language]} is not installed; ./test installs it.");

    public static string Code(int counter) => Codes.Hotp(Codes.Secret, counter);

    public static async Task<ServerUnderTest> WithAliceAsync()
    {
        var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, user: "alice");
        await server.WithDatabase(async db =>
        {
            db.Records.Add(new KeyRecord { Cuid = "00AA", CuidSource = "Serial", DeviceSerial = "A1", Status = KeyStatus.HandedOut });
            return await db.SaveChangesAsync();
        });
        return server;
    }

    /// <summary>Runs a script of the source tree with these words. The key is in what it is told, and in nothing it says.</summary>
    public static async Task<(int Exit, string Output)> RunAsync(string language, string script, string server, string key, params string[] words)
    {
        var cancel = TestContext.Current.CancellationToken;
        using var client = Process.Start(new ProcessStartInfo(Interpreters[language], [Path.Combine(SourceTree.Root, script), .. words])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["OATHSERVER_URL"] = server, ["OATHSERVER_KEY"] = key, ["PYTHONDONTWRITEBYTECODE"] = "1" },
        })!;
        var errors = client.StandardError.ReadToEndAsync(cancel);
        var output = await client.StandardOutput.ReadToEndAsync(cancel);
        await client.WaitForExitAsync(cancel);
        var said = await errors;
        Assert.DoesNotContain(key, output + said, StringComparison.Ordinal);
        Assert.DoesNotContain("Traceback", said, StringComparison.Ordinal);
        return (client.ExitCode, output.Trim());
    }
}
