using System.Diagnostics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace OathServer.Tests.Import;

/// <summary>The real program, as an operator runs it.</summary>
internal static class CommandLine
{
    public static async Task<(int Exit, string Output, string Errors)> OathServerAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "OathServer.dll"));
        return await RunAsync(start, arguments);
    }

    /// <summary>On the data of a server that runs, in whichever database.</summary>
    public static Task<(int Exit, string Output, string Errors)> OathServerBesideAsync(ServerUnderTest server, params string[] arguments)
    {
        var environment = new Dictionary<string, string>();
        if (server.Services.GetRequiredService<IConfiguration>().GetConnectionString("Oath") is { Length: > 0 } connection)
        {
            environment["Storage__Provider"] = "PostgreSql";
            environment["ConnectionStrings__Oath"] = connection;
        }

        return OathServerWithAsync(server.Folder, environment, arguments);
    }

    public static Task<(int Exit, string Output, string Errors)> OathServerInAsync(string dataFolder, params string[] arguments) =>
        OathServerWithAsync(dataFolder, [], arguments);

    public static async Task<(int Exit, string Output, string Errors)> OathServerWithAsync(
        string dataFolder, Dictionary<string, string> environment, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "OathServer.dll"));
        start.Environment["Data__Folder"] = dataFolder;
        start.Environment["Logging__LogLevel__Default"] = "Critical";
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return await RunAsync(start, arguments);
    }

    /// <summary>A program nobody here wrote; the test is skipped where it is not installed.</summary>
    public static async Task<string> PeerAsync(string program, params string[] arguments)
    {
        Assert.SkipUnless(File.Exists(program), $"{program} is not installed; ./test installs it");
        var (_, output, errors) = await RunAsync(new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true }, arguments);
        Assert.SkipWhen(errors.Contains("No module named", StringComparison.Ordinal), "python3-pskc is not installed");
        return output;
    }

    private static async Task<(int Exit, string Output, string Errors)> RunAsync(ProcessStartInfo start, string[] arguments)
    {
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, output, await errors);
    }
}
