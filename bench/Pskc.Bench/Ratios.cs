using System.Diagnostics;
using System.Globalization;

namespace Pskc.Bench;

/// <summary>
/// Time and peak memory of us and of peers over one file, each as a process of its own . Every
/// reader reads all keys; only python-pskc and we also decrypt and check them.
/// </summary>
internal static class Ratios
{
    private const string Key = "12345678901234567890123456789012";

    private const string Python = """
        import sys, pskc
        p = pskc.PSKC(sys.argv[1])
        if len(sys.argv) > 2: p.encryption.key = bytes.fromhex(sys.argv[2])
        n = sum(1 for k in p.keys if k.secret and k.counter is not None)
        print(n)
        """;

    public static int Print(int keys)
    {
        var folder = Directory.CreateTempSubdirectory("pskc-bench").FullName;
        try
        {
            var encrypted = Path.Combine(folder, "encrypted.pskcxml");
            var plain = Path.Combine(folder, "plain.pskcxml");
            var script = Path.Combine(folder, "read.py");
            File.WriteAllText(script, Python);
            Make.Run(encrypted, keys, Key);
            Make.Run(plain, keys, keyHex: null);
            Console.WriteLine("case\tpeer\tours\tpeer\tratio");
            var ours = Measure(Environment.ProcessPath!, "read", encrypted, Key);
            Compare($"{keys} encrypted keys", "python-pskc", ours, Measure("/usr/bin/python3", script, encrypted, Key));
            Compare($"{keys} encrypted keys", "pskctool (does not decrypt)", ours,
                Measure("/usr/bin/pskctool", "--info", "--quiet", encrypted));
            ours = Measure(Environment.ProcessPath!, "read", plain);
            Compare($"{keys} plain keys", "python-pskc", ours, Measure("/usr/bin/python3", script, plain));
            Compare($"{keys} plain keys", "pskctool", ours, Measure("/usr/bin/pskctool", "--info", "--quiet", plain));
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Compare(string what, string peer, Run? ours, Run? theirs)
    {
        if (ours is null || theirs is null)
        {
            Console.WriteLine($"{what}\t{peer}\tnot here or failed");
            return;
        }
        Line("seconds", ours.Seconds, theirs.Seconds);
        Line("CPU seconds", ours.CpuSeconds, theirs.CpuSeconds);
        Line("peak MB", ours.Megabytes, theirs.Megabytes);

        void Line(string unit, double a, double b) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{what}, {unit}\t{peer}\t{a:0.00}\t{b:0.00}\t{b / a:0.0}"));
    }

    /// <summary>The best of three runs, one of python-pskc.</summary>
    private static Run? Measure(string program, params string[] arguments)
    {
        if (!File.Exists(program))
        {
            return null;
        }
        var runs = program.EndsWith("python3", StringComparison.Ordinal) ? 1 : 3;
        Run? best = null;
        for (var i = 0; i < runs; i++)
        {
            var run = Once(program, arguments);
            best = run is not null && (best is null || run.Seconds < best.Seconds) ? run : best;
        }
        return best;
    }

    private static Run? Once(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var clock = Stopwatch.StartNew();
        using var process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        var (peak, cpu) = (0L, 0.0);
        while (!process.WaitForExit(5))
        {
            peak = Math.Max(peak, PeakKilobytes(process.Id));
            cpu = Math.Max(cpu, CpuSeconds(process.Id));
        }
        clock.Stop();
        return process.ExitCode == 0 ? new Run(clock.Elapsed.TotalSeconds, cpu, peak / 1024.0) : null;
    }

    /// <summary>The kernel's high-water mark of a process.</summary>
    private static long PeakKilobytes(int process)
    {
        try
        {
            foreach (var line in File.ReadLines($"/proc/{process}/status"))
            {
                if (line.StartsWith("VmHWM:", StringComparison.Ordinal))
                {
                    return long.Parse(line.AsSpan(6).Trim(" \tkB"), NumberStyles.None, CultureInfo.InvariantCulture);
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It ended between two looks.
        }
        return 0;
    }

    /// <summary>User and system time, which a busy machine does not stretch; in ticks of 10 ms.</summary>
    private static double CpuSeconds(int process)
    {
        try
        {
            var fields = File.ReadAllText($"/proc/{process}/stat").Split(") ")[^1].Split(' ');
            return (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture))
                / 100.0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    private sealed record Run(double Seconds, double CpuSeconds, double Megabytes);
}
