using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Oath.Bench;

/// <summary>Ours against each peer on the same work in the same seconds: case, peer, ours_ns, peer_ns, ratio.</summary>
internal static class Ratios
{
    private const int Rounds = 301;
    private const ulong Counter = 1_000_000;

    /// <summary>
    /// The narrower cases run in child processes with the wider instructions switched off, as on a processor without
    /// them: forcing a width in this process would still let the compiler use AVX-512 in it.
    /// </summary>
    public static int PrintAll()
    {
        PrintWhatThisProcessorHas("");
        return RunWithout("EnableAVX512", "avx2 ") | RunWithout("EnableHWIntrinsic", "scalar ");
    }

    public static int PrintWhatThisProcessorHas(string prefix)
    {
        if (prefix.Length > 0)
        {
            Window(prefix + "sha1 window 10", OathAlgorithm.Sha1, codes: 10, Rounds);
            return 0;
        }

        Console.WriteLine("case\tpeer\tours_ns\tpeer_ns\tratio");
        Window("sha1 window 10", OathAlgorithm.Sha1, codes: 10, Rounds);
        Window("sha256 window 10", OathAlgorithm.Sha256, codes: 10, Rounds);
        Window("sha512 window 10", OathAlgorithm.Sha512, codes: 10, Rounds);
        Window("sha1 window 100", OathAlgorithm.Sha1, codes: 100, rounds: 101);
        Resync(rounds: 31);
        InStep();
        Positions();
        return 0;
    }

    /// <summary>No code matches, so that everyone computes the whole window.</summary>
    private static void Window(string name, OathAlgorithm algorithm, int codes, int rounds)
    {
        byte[] secret = RandomNumberGenerator.GetBytes(algorithm == OathAlgorithm.Sha1 ? 20 : 32);
        using OathKey key = OathKey.Create(algorithm, secret);
        var peers = new Peers(algorithm, secret);
        (string text, OtpCode code) = CodeOutside(key, codes);
        uint number = uint.Parse(text, CultureInfo.InvariantCulture);
        byte[] codeWithEnd = Encoding.ASCII.GetBytes(text + "\0");

        List<Action> ways =
        [
            () => LookAheadWindow.TryMatch(key, Counter, codes - 1, code, out _),
            () => peers.OtpNetWindow(Counter, codes, text, stopAtMatch: false),
            () => peers.HashDataWindow(Counter, codes, number),
        ];
        bool withLibOath = LibOath.IsInstalled && algorithm == OathAlgorithm.Sha1;
        if (withLibOath)
            ways.Add(() => peers.LibOathWindow(Counter, codes, codeWithEnd));

        double[] times = Paired.MedianNanoseconds(rounds, [.. ways]);
        Print(name, "Otp.NET", times[0], times[1]);
        Print(name, $"HMAC{algorithm.ToString().ToUpperInvariant()}.HashData", times[0], times[2]);
        if (withLibOath)
            Print(name, "liboath", times[0], times[3]);
        else if (algorithm == OathAlgorithm.Sha1)
            Console.WriteLine($"{name}\tliboath\tabsent");
    }

    /// <summary>Two codes over 1,000 counters; the peers get one code, which is less work than ours.</summary>
    private static void Resync(int rounds)
    {
        const int Codes = 1000;
        byte[] secret = RandomNumberGenerator.GetBytes(20);
        using OathKey key = OathKey.Create(OathAlgorithm.Sha1, secret);
        var peers = new Peers(OathAlgorithm.Sha1, secret);
        (string text, OtpCode code) = CodeOutside(key, Codes + 2);
        byte[] codeWithEnd = Encoding.ASCII.GetBytes(text + "\0");
        OtpCode[] pair =
        [
            Parse(Hotp.Format(Hotp.Compute(key, Counter + Codes - 1, 6), 6)),
            Parse(Hotp.Format(Hotp.Compute(key, Counter + Codes, 6), 6)),
        ];

        List<Action> ways =
        [
            () => Resynchronization.Find(key, Counter, Codes, pair),
            () => peers.OtpNetWindow(Counter, Codes, text, stopAtMatch: false),
        ];
        if (LibOath.IsInstalled)
            ways.Add(() => peers.LibOathWindow(Counter, Codes, codeWithEnd));
        double[] times = Paired.MedianNanoseconds(rounds, [.. ways]);
        Print("sha1 resync 1000", "Otp.NET", times[0], times[1]);
        if (LibOath.IsInstalled)
            Print("sha1 resync 1000", "liboath", times[0], times[2]);
        else
            Console.WriteLine("sha1 resync 1000\tliboath\tabsent");
    }

    /// <summary>The usual case: the first counter matches and the peers stop there; we still compute all ten.</summary>
    private static void InStep()
    {
        byte[] secret = RandomNumberGenerator.GetBytes(20);
        using OathKey key = OathKey.Create(OathAlgorithm.Sha1, secret);
        var peers = new Peers(OathAlgorithm.Sha1, secret);
        string text = Hotp.Format(Hotp.Compute(key, Counter, 6), 6);
        OtpCode code = Parse(text);
        byte[] codeWithEnd = Encoding.ASCII.GetBytes(text + "\0");

        List<Action> ways =
        [
            () => LookAheadWindow.TryMatch(key, Counter, 9, code, out _),
            () => peers.OtpNetWindow(Counter, 10, text, stopAtMatch: true),
        ];
        if (LibOath.IsInstalled)
            ways.Add(() => peers.LibOathWindow(Counter, 10, codeWithEnd));
        double[] times = Paired.MedianNanoseconds(Rounds, [.. ways]);
        Print("sha1 window 10, in step", "Otp.NET", times[0], times[1]);
        if (LibOath.IsInstalled)
            Print("sha1 window 10, in step", "liboath", times[0], times[2]);
        else
            Console.WriteLine("sha1 window 10, in step\tliboath\tabsent");
    }

    /// <summary>The slowest place of the match against the fastest: nothing should tell them apart.</summary>
    private static void Positions()
    {
        using OathKey key = OathKey.Create(OathAlgorithm.Sha1, RandomNumberGenerator.GetBytes(20));
        IEnumerable<OtpCode> codes =
            Enumerable.Range(0, 10).Select(i => Parse(Hotp.Format(Hotp.Compute(key, Counter + (ulong)i, 6), 6)))
                .Append(CodeOutside(key, 10).Code);
        Action[] ways =
            [.. codes.Select<OtpCode, Action>(code => () => LookAheadWindow.TryMatch(key, Counter, 9, code, out _))];
        double[] times = Paired.MedianNanoseconds(Rounds, ways);
        Print("sha1 window 10, slowest against fastest place of the match, or none", "ours", times.Min(), times.Max());
    }

    private static int RunWithout(string instructions, string prefix)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, ["ratios-here", prefix]);
        // Under `dotnet some.dll` the path is that of dotnet itself.
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
            start.ArgumentList.Insert(0, typeof(Ratios).Assembly.Location);
        start.Environment["DOTNET_" + instructions] = "0";
        using Process child = Process.Start(start)!;
        child.WaitForExit();
        return child.ExitCode;
    }

    private static (string Text, OtpCode Code) CodeOutside(OathKey key, int codes)
    {
        for (uint number = 0; ; number++)
        {
            string text = Hotp.Format(number, 6);
            OtpCode code = Parse(text);
            if (!LookAheadWindow.TryMatch(key, Counter, codes, code, out _))
                return (text, code);
        }
    }

    private static OtpCode Parse(string text) =>
        OtpCode.TryParse(text, digits: 6, out OtpCode code) ? code : throw new InvalidOperationException(text);

    private static void Print(string name, string peer, double ours, double theirs) =>
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{name}\t{peer}\t{ours:F0}\t{theirs:F0}\t{theirs / ours:F2}"));
}
