using System.Diagnostics;

namespace OathServer.Tests.Provisioning;

public class DemoTests
{
    [Fact]
    public async Task The_tour_holds_at_every_step_and_exits_with_nought()
    {
        var program = Path.Combine(AppContext.BaseDirectory, "OathServer.dll");
        using var demo = Process.Start(new ProcessStartInfo("dotnet", [program, "demo", "--once"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var said = demo.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var complained = await demo.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await demo.WaitForExitAsync(TestContext.Current.CancellationToken);

        var output = await said;
        Assert.True(demo.ExitCode == 0, output + complained);
        Assert.Contains("PUK set and escrowed 25/25", output, StringComparison.Ordinal);
        Assert.Contains("replays refused  25/25", output, StringComparison.Ordinal);
        Assert.DoesNotContain("FAIL", output, StringComparison.Ordinal);
        Assert.DoesNotContain("warn:", output, StringComparison.Ordinal);
    }
}
