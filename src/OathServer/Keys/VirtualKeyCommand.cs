using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using SecurityKeys.Virtual;

namespace OathServer.Keys;

/// <summary><c>virtual-key --vpcd HOST:PORT</c>: a factory-fresh key in software behind a vpcd reader, until it is stopped.</summary>
internal static class VirtualKeyCommand
{
    private static readonly TimeSpan RetryEvery = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan GiveUpAfter = TimeSpan.FromSeconds(15);

    public static Command Create()
    {
        var vpcd = new Option<string>("--vpcd") { Required = true, Description = "Where vpcd listens, e.g. 127.0.0.1:35963. This machine only." };
        var serial = new Option<uint>("--serial") { DefaultValueFactory = _ => new VirtualKeyOptions().Serial, Description = "The key's serial number." };
        var firmware = new Option<string>("--firmware") { DefaultValueFactory = _ => new VirtualKeyOptions().Firmware.ToString(), Description = "Its firmware, e.g. 5.7.1." };
        var piv = new Option<bool>("--piv-card") { Description = "A plain PIV card of another make instead of a YubiKey." };
        var command = new Command("virtual-key", "Inserts a factory-fresh virtual key into a vpcd reader and keeps it there until stopped.")
        {
            vpcd, serial, firmware, piv,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            if (!IPEndPoint.TryParse(parsed.GetRequiredValue(vpcd).Replace("localhost", "127.0.0.1", StringComparison.Ordinal), out var at) || at.Port == 0)
            {
                await Console.Error.WriteLineAsync("--vpcd takes an address and a port, e.g. 127.0.0.1:35963.");
                return 2;
            }

            if (!Version.TryParse(parsed.GetRequiredValue(firmware), out var version) || version.Build < 0)
            {
                await Console.Error.WriteLineAsync("--firmware takes three numbers, e.g. 5.4.3.");
                return 2;
            }

            var key = new VirtualKey(new VirtualKeyOptions
            {
                Serial = parsed.GetValue(serial),
                Firmware = version,
                IsPlainPivCard = parsed.GetValue(piv),
            });
            return await ServeAsync(key, at, cancel);
        });
        return command;
    }

    /// <summary>The key stays the same across a reader that goes and comes back, as a real one would.</summary>
    private static async Task<int> ServeAsync(VirtualKey key, IPEndPoint at, CancellationToken cancel)
    {
        var since = TimeProvider.System.GetTimestamp();
        Console.WriteLine($"Virtual key {key.Options.Serial} (firmware {key.Options.Firmware}) is in the reader at {at} whenever that is there. Ctrl+C pulls it.");
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                await VpcdCard.RunAsync(at.Address.ToString(), at.Port, key, cancel);
                Console.WriteLine("The reader is gone; waiting for it.");
                since = TimeProvider.System.GetTimestamp();
            }
            catch (OperationCanceledException)
            {
                break;
            }
            catch (SocketException fault)
            {
                if (TimeProvider.System.GetElapsedTime(since) > GiveUpAfter)
                {
                    await Console.Error.WriteLineAsync($"Nothing listens at {at} ({fault.SocketErrorCode}). Is pcscd running with the vpcd driver?");
                    return 1;
                }
            }

            await Task.Delay(RetryEvery, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return 0;
    }
}
