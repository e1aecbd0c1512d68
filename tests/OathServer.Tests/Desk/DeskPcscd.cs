using System.Diagnostics;
using SecurityKeys.Tests.Judges;
using SecurityKeys.Virtual;

namespace OathServer.Tests.Desk;

/// <summary>The smart-card service of somebody's desk: a pcscd of our own, in a mount namespace of its own, with a virtual
/// reader named like a real one. This process does not see it; the agent and the tools that are told its socket do.</summary>
internal sealed class DeskPcscd : IAsyncDisposable
{
    /// <summary>Tests with such a service run one after the other: two could draw one port.</summary>
    public const string Collection = "desk readers";

    private const string Driver = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so";

    private readonly string folder = Directory.CreateTempSubdirectory("desk-pcscd-").FullName;
    private readonly Process daemon;
    private readonly List<int> ports = [];

    private DeskPcscd(int readers)
    {
        Directory.CreateDirectory(Path.Combine(folder, "run"));
        Directory.CreateDirectory(Path.Combine(folder, "readers"));
        for (var reader = 0; reader < readers; reader++)
        {
            var port = FreePorts.Pair();
            while (ports.Exists(p => Math.Abs(p - port) < 2))
            {
                port = FreePorts.Pair();
            }

            ports.Add(port);
            // Readers that share one driver file mix their frames and wait for one another.
            var driver = Path.Combine(folder, $"driver-{reader}.so");
            File.Copy(Driver, driver);
            File.WriteAllText(Path.Combine(folder, "readers", $"desk-{reader}"), $"""
                FRIENDLYNAME "{NameOf(reader)}"
                DEVICENAME /dev/null:0x{port:X4}
                LIBPATH {driver}
                CHANNELID 0x{port:X4}

                """);
        }

        daemon = Process.Start(new ProcessStartInfo("/usr/bin/unshare",
            ["-m", "sh", "-c", $"mkdir -p /run/pcscd && mount --bind {folder}/run /run/pcscd && exec /usr/sbin/pcscd -f -i -c {folder}/readers"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        daemon.OutputDataReceived += (_, _) => { };
        daemon.ErrorDataReceived += (_, _) => { };
        daemon.BeginOutputReadLine();
        daemon.BeginErrorReadLine();
    }

    /// <summary>Why there can be no such service here; null when there can.</summary>
    public static string? Missing => new[] { "/usr/sbin/pcscd", Driver, "/usr/bin/unshare", "/usr/bin/ykman" }.FirstOrDefault(f => !File.Exists(f)) is { } file
        ? $"{file} is not installed"
        : Environment.UserName != "root" ? "a private pcscd needs root" : null;

    public string Socket => Path.Combine(folder, "run", "pcscd.comm");

    /// <summary>The friendly name of a reader, the first of which is called as a real one.</summary>
    public static string NameOf(int reader) => "Yubico YubiKey OTP+FIDO+CCID" + (reader == 0 ? "" : $" desk {reader}");

    /// <summary>How PC/SC calls the slot of a reader that keys are put into.</summary>
    public static string SlotOf(int reader) => NameOf(reader) + " 00 00";

    /// <summary>Where the reader's end of a key's cable is, once it can be plugged in.</summary>
    public async Task<int> PortAsync(int reader, CancellationToken cancel)
    {
        await Eventually.HoldsAsync(() => Task.FromResult(Listens(ports[reader])), "vpcd does not listen", cancel);
        return ports[reader];
    }

    public static async Task<DeskPcscd> StartAsync(CancellationToken cancel, int readers = 1)
    {
        var pcscd = new DeskPcscd(readers);
        await Eventually.HoldsAsync(() => Task.FromResult(File.Exists(pcscd.Socket)), "pcscd did not start", cancel);
        return pcscd;
    }

    /// <summary>Inserts a key by a cable that holds the first answer at <paramref name="isMoment"/>; the token pulls it.</summary>
    public async Task<HeldCable> InsertAsync(VirtualKey key, Func<bool> isMoment, CancellationToken pull)
    {
        var cable = new HeldCable(await PortAsync(0, pull), isMoment);
        _ = VpcdCard.RunAsync("127.0.0.1", cable.Port, key, pull);
        return cable;
    }

    public async Task<string> RunAsync(string tool, params string[] arguments)
    {
        var start = new ProcessStartInfo(tool, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["PCSCLITE_CSOCK_NAME"] = Socket, ["LC_ALL"] = "C.UTF-8", ["HOME"] = folder },
        };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{tool} {string.Join(' ', arguments)}: {await output}{await errors}");
        return await output + await errors;
    }

    public async ValueTask DisposeAsync()
    {
        daemon.Kill(entireProcessTree: true);
        await daemon.WaitForExitAsync();
        daemon.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    // Looked up, not tried: connecting would be inserting a card.
    private static bool Listens(int port) => System.Net.NetworkInformation.IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Any(l => l.Port == port);
}

/// <summary>Waits for what another process does.</summary>
internal static class Eventually
{
    public static async Task HoldsAsync(Func<Task<bool>> holds, string otherwise, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(90));
        while (!await holds())
        {
            try
            {
                await Task.Delay(20, limit.Token);
            }
            catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
            {
                throw new TimeoutException(otherwise);
            }
        }
    }
}
