using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace OathServer.Tests.Secrets;

/// <summary>A token of the test's own in SoftHSM 2, whose files can be taken away and put back.</summary>
internal sealed class SoftHsm
{
    public const string Module = "/usr/lib/softhsm/libsofthsm2.so";

    private const int Tokens = 8;
    private static readonly Lazy<(string Configuration, Queue<SoftHsm> Tokens)> Ready = new(MakeAll);
    private readonly string files;

    private SoftHsm(string label, string pin, string files) => (Label, Pin, this.files) = (label, pin, files);

    public string Label { get; }

    public string Pin { get; }

    /// <summary>For a process of its own.</summary>
    public static string Configuration => Ready.Value.Configuration;

    /// <summary>
    /// Makes all tokens of this run. The module reads its configuration once a process, so whoever loads it calls this
    /// first; taking a token does.
    /// </summary>
    public static void MakeReady()
    {
        Assert.SkipUnless(File.Exists(Module), "softhsm2 is not installed; ./test installs it");
        _ = Ready.Value;
    }

    public static SoftHsm Take()
    {
        MakeReady();
        lock (Ready)
        {
            return Ready.Value.Tokens.Dequeue();
        }
    }

    /// <summary>The settings of a server whose sealing key is in this token.</summary>
    public Dictionary<string, string?> Settings(string? pin = null) => new()
    {
        ["Secrets:Pkcs11:Library"] = Module,
        ["Secrets:Pkcs11:Token"] = Label,
        ["Secrets:Pkcs11:Pin"] = pin ?? Pin,
    };

    public void Pull() => Directory.Move(files, files + ".pulled");

    public void PutBack() => Directory.Move(files + ".pulled", files);

    private static (string Configuration, Queue<SoftHsm> Tokens) MakeAll()
    {
        var folder = Directory.CreateTempSubdirectory("oathserver-softhsm-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        var tokens = Directory.CreateDirectory(Path.Combine(folder, "tokens")).FullName;
        var configuration = Path.Combine(folder, "softhsm2.conf");
        File.WriteAllText(configuration, $"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n");
        _ = SetEnvironment("SOFTHSM2_CONF", configuration, 1);
        var made = new Queue<SoftHsm>();
        for (var number = 0; number < Tokens; number++)
        {
            var (label, pin) = ($"oath test {number}", RandomNumberGenerator.GetHexString(12, lowercase: true));
            using var run = Process.Start(new ProcessStartInfo(
                "softhsm2-util", ["--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", RandomNumberGenerator.GetHexString(12)])
            {
                Environment = { ["SOFTHSM2_CONF"] = configuration },
                RedirectStandardOutput = true,
            })!;
            run.WaitForExit();
            Assert.Equal(0, run.ExitCode);
            made.Enqueue(new SoftHsm(label, pin, Directory.GetDirectories(tokens).Single(d => made.All(m => m.files != d))));
        }

        return (configuration, made);
    }

    // .NET keeps its own copy of the environment; the module asks the C library.
    [DllImport("libc", EntryPoint = "setenv", CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetEnvironment([MarshalAs(UnmanagedType.LPUTF8Str)] string name, [MarshalAs(UnmanagedType.LPUTF8Str)] string value, int overwrite);
}
