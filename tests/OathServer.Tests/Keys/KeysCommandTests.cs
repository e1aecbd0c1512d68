using System.Diagnostics;
using System.Text.Json;
using OathServer.Tests.Desk;
using SecurityKeys.Virtual;

namespace OathServer.Tests.Keys;

/// <summary>The real program through a real pcscd, as an operator runs it.</summary>
[Collection(DeskPcscd.Collection)]
public class KeysCommandTests
{
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "OathServer.dll");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("5.4.3")]
    [InlineData("5.2.4")] // cannot tell whether PIN and PUK are factory values: nothing is tried to find out
    public async Task List_and_info_tell_what_is_in_the_readers_and_spend_no_try(string firmware)
    {
        Assert.SkipWhen(DeskPcscd.Missing is not null, DeskPcscd.Missing ?? "");
        await using var pcscd = await DeskPcscd.StartAsync(Cancel);
        using var pull = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var key = new VirtualKey(new VirtualKeyOptions { Serial = 4715, Firmware = Version.Parse(firmware) });
        Assert.False(SecurityKeys.Piv.PivApplication.Select(key.Connect()).VerifyPin("000000"u8).Accepted);
        await pcscd.InsertAsync(key, () => false, pull.Token);
        await Eventually.HoldsAsync(
            async () => (await pcscd.RunAsync("dotnet", Program, "keys", "list")).Contains("a card, ATR 3B", StringComparison.Ordinal), "no card seen", Cancel);

        var list = JsonDocument.Parse(await pcscd.RunAsync("dotnet", Program, "keys", "list", "--json")).RootElement;
        var words = await pcscd.RunAsync("dotnet", Program, "keys", "info");
        var info = Assert.Single(JsonDocument.Parse(await pcscd.RunAsync("dotnet", Program, "keys", "info", "--json", "--reader", "yubikey")).RootElement.EnumerateArray().ToList());

        Assert.Contains(list.EnumerateArray(), r => r.GetProperty("hasCard").GetBoolean() && r.GetProperty("atr").GetString()!.StartsWith("3B", StringComparison.Ordinal));
        Assert.Contains("CUID          0000126B", words, StringComparison.Ordinal);
        Assert.Contains($"firmware      {firmware}", words, StringComparison.Ordinal);
        Assert.Contains("2 tries left", words, StringComparison.Ordinal);
        Assert.Equal("0000126B", info.GetProperty("cuid").GetString());
        Assert.Equal(firmware == "5.4.3", info.GetProperty("piv").TryGetProperty("pinIsDefault", out _));
        Assert.Equal(2, info.GetProperty("piv").GetProperty("pinTriesLeft").GetInt32());
        var piv = key.Peek().Piv;
        Assert.Equal((2, piv.PukTriesTotal), (piv.PinTriesLeft, piv.PukTriesLeft));
        await pull.CancelAsync();
    }

    [Fact]
    public async Task Watch_tells_of_a_key_coming_and_going_and_ends_when_interrupted()
    {
        Assert.SkipWhen(DeskPcscd.Missing is not null, DeskPcscd.Missing ?? "");
        await using var pcscd = await DeskPcscd.StartAsync(Cancel);
        using var pull = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        // A shell's job in the background has its interrupts ignored, and so would all that it starts.
        using var watch = Process.Start(new ProcessStartInfo("env", ["--default-signal=INT", "dotnet", Program, "keys", "watch", "--json"])
        {
            RedirectStandardOutput = true,
            Environment = { ["PCSCLITE_CSOCK_NAME"] = pcscd.Socket },
        })!;

        await SeenAsync(watch, "ReaderArrived");
        await pcscd.InsertAsync(new VirtualKey(), () => false, pull.Token);
        var inserted = await SeenAsync(watch, "KeyInserted");
        await pull.CancelAsync();
        var removed = await SeenAsync(watch, "KeyRemoved");
        using (Process.Start("kill", ["-INT", watch.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]))
        {
            await watch.WaitForExitAsync(Cancel);
        }

        Assert.Equal(inserted.GetProperty("reader").GetString(), removed.GetProperty("reader").GetString());
        Assert.StartsWith("3B", inserted.GetProperty("atr").GetString(), StringComparison.Ordinal);
        Assert.Equal(0, watch.ExitCode);
    }

    [Fact]
    public async Task Without_a_smart_card_service_it_says_so()
    {
        using var run = Process.Start(new ProcessStartInfo("dotnet", [Program, "keys", "info"])
        {
            RedirectStandardError = true,
            Environment = { ["PCSCLITE_CSOCK_NAME"] = "/nowhere/pcscd.comm" },
        })!;
        var said = await run.StandardError.ReadToEndAsync(Cancel);
        await run.WaitForExitAsync(Cancel);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("smart-card service does not run", said, StringComparison.OrdinalIgnoreCase);
    }

    private static async Task<JsonElement> SeenAsync(Process watch, string change)
    {
        while (await watch.StandardOutput.ReadLineAsync(Cancel) is { } line)
        {
            var told = JsonDocument.Parse(line).RootElement;
            if (told.GetProperty("change").GetString() == change)
            {
                return told;
            }
        }

        throw new EndOfStreamException($"watch ended before {change}");
    }
}
