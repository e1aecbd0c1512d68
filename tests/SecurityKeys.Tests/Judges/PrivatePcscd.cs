using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using SecurityKeys.Cards.PcSc;
using SecurityKeys.Tests.Judges;
using SecurityKeys.Virtual;

[assembly: AssemblyFixture(typeof(PrivatePcscd))]

namespace SecurityKeys.Tests.Judges;

public sealed record ToolRun(int ExitCode, string Output);

/// <summary>
/// A pcscd of our own with virtual readers, in a mount namespace where /run/pcscd is a folder of ours: nothing of the
/// machine's own smart cards is seen or disturbed. One per test run.
/// </summary>
public sealed partial class PrivatePcscd : IAsyncDisposable
{
    public const string YubicoReader = "Yubico YubiKey OTP+FIDO+CCID";
    public const string PlainReader = "Virtual PCD";
    private const string Driver = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so";

    private readonly string folder = Directory.CreateTempSubdirectory("keys-pcscd-").FullName;
    private readonly Process? daemon;
    private readonly Dictionary<string, int> ports = [];

    public PrivatePcscd()
    {
        Missing = new[] { "/usr/sbin/pcscd", Driver, "/usr/bin/unshare" }.FirstOrDefault(f => !File.Exists(f)) is { } file
            ? $"{file} is not installed"
            : Environment.UserName != "root" ? "a private pcscd needs root" : null;
        if (Missing is not null) return;

        Directory.CreateDirectory(Path.Combine(folder, "run"));
        Directory.CreateDirectory(Path.Combine(folder, "readers"));
        AddReader(YubicoReader, "a");
        AddReader(PlainReader, "b");
        daemon = Process.Start(new ProcessStartInfo("/usr/bin/unshare")
        {
            ArgumentList =
            {
                "-m", "sh", "-c",
                $"mkdir -p /run/pcscd && mount --bind {folder}/run /run/pcscd && exec /usr/sbin/pcscd -f -i -c {folder}/readers",
            },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        daemon.OutputDataReceived += (_, _) => { };
        daemon.ErrorDataReceived += (_, _) => { };
        daemon.BeginOutputReadLine();
        daemon.BeginErrorReadLine();
        // The library reads the environment of the process, which .NET's own setter does not touch on Unix.
        _ = SetEnvironment("PCSCLITE_CSOCK_NAME", Socket, 1);
        WaitUntil(() => File.Exists(Socket) && TryListReaders() >= 4, "pcscd did not start");
    }

    /// <summary>Why nothing can be judged here; null when it can.</summary>
    public string? Missing { get; }

    private string Socket => Path.Combine(folder, "run", "pcscd.comm");

    /// <summary>Inserts a key into a reader; disposing pulls it.</summary>
    public InsertedKey Insert(VirtualKey key, string reader = YubicoReader)
    {
        var inserted = new InsertedKey(key, ports[reader], reader + " 00 00");
        WaitUntil(() => IsPresent(inserted.Reader), "the key was not seen");
        return inserted;
    }

    public ToolRun Run(string tool, params string[] arguments) => RunWithInput(null, tool, arguments);

    public ToolRun RunFor(TimeSpan limit, string tool, params string[] arguments) => Run(null, limit, tool, arguments);

    public ToolRun RunWithInput(string? input, string tool, params string[] arguments) =>
        Run(input, TimeSpan.FromSeconds(40), tool, arguments);

    private ToolRun Run(string? input, TimeSpan limit, string tool, string[] arguments)
    {
        var start = new ProcessStartInfo(tool)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["PCSCLITE_CSOCK_NAME"] = Socket, ["LC_ALL"] = "C.UTF-8", ["HOME"] = folder },
        };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var output = new StringBuilder();
        void Take(object _, DataReceivedEventArgs line)
        {
            lock (output) output.AppendLine(line.Data);
        }
        process.OutputDataReceived += Take;
        process.ErrorDataReceived += Take;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        if (input is not null) process.StandardInput.Write(input);
        process.StandardInput.Close();
        if (!process.WaitForExit(limit))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{tool} {string.Join(' ', arguments)} does not end: {output}");
        }
        process.WaitForExit();
        lock (output) return new ToolRun(process.ExitCode, output.ToString());
    }

    public async ValueTask DisposeAsync()
    {
        if (daemon is not null)
        {
            daemon.Kill(entireProcessTree: true);
            await daemon.WaitForExitAsync();
            daemon.Dispose();
        }
        Directory.Delete(folder, recursive: true);
    }

    public static void WaitUntil(Func<bool> holds, string otherwise)
    {
        var limit = Stopwatch.StartNew();
        while (!holds())
        {
            if (limit.Elapsed > TimeSpan.FromSeconds(15)) throw new TimeoutException(otherwise);
            Thread.Sleep(25);
        }
    }

    public static bool IsPresent(string reader)
    {
        using var context = new PcscContext();
        return context.ListStatuses().Any(s => s.Reader == reader && s.HasCard);
    }

    private static int TryListReaders()
    {
        try
        {
            using var context = new PcscContext();
            return context.ListReaders().Count;
        }
        catch (SecurityKeys.Cards.SmartCardException)
        {
            return 0;
        }
    }

    private void AddReader(string name, string file)
    {
        var port = FreePorts.Pair();
        ports[name] = port;
        // Readers that share one driver file mix their frames.
        var driver = Path.Combine(folder, $"driver-{file}.so");
        File.Copy(Driver, driver);
        File.WriteAllText(Path.Combine(folder, "readers", file), $"""
            FRIENDLYNAME "{name}"
            DEVICENAME /dev/null:0x{port:X4}
            LIBPATH {driver}
            CHANNELID 0x{port:X4}

            """);
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);
}

/// <summary>A virtual key in a virtual reader.</summary>
public sealed class InsertedKey : IAsyncDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly Task serving;

    public InsertedKey(VirtualKey key, int port, string reader)
    {
        Reader = reader;
        serving = VpcdCard.RunAsync("127.0.0.1", port, key, stop.Token);
    }

    public string Reader { get; }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        try
        {
            await serving;
        }
        catch (OperationCanceledException)
        {
            // pulled
        }
        PrivatePcscd.WaitUntil(() => !PrivatePcscd.IsPresent(Reader), "the key was not pulled");
        stop.Dispose();
    }
}
