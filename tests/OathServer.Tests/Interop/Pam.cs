using System.Diagnostics;

namespace OathServer.Tests.Interop;

/// <summary>A PAM service of the test's own, laid over /etc/pam.d in a mount namespace: the machine's stays as it is.</summary>
internal sealed class Pam(string folder) : IDisposable
{
    private const string Tester = "/usr/bin/pamtester";

    public static Pam With(string service, params (string Name, string Text)[] files)
    {
        Assert.SkipUnless(File.Exists(Tester), "pamtester is not installed; ./test installs it.");
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "laying a folder over /etc/pam.d needs root.");
        var folder = Directory.CreateTempSubdirectory("oathserver-pam-").FullName;
        foreach (var (name, text) in files.Append(("login", service.Replace("{0}", folder, StringComparison.Ordinal))))
        {
            File.WriteAllText(Path.Combine(folder, name), text);
        }

        return new Pam(folder);
    }

    /// <summary>A file of its folder, as PAM left it.</summary>
    public string PathOf(string name) => Path.Combine(folder, name);

    public async Task<bool> AcceptsAsync(string user, params string[] codes)
    {
        using var login = Process.Start(new ProcessStartInfo("/usr/bin/unshare",
            ["-m", "sh", "-c", "mount --bind \"$1\" /etc/pam.d && exec pamtester login \"$2\" authenticate", "sh", folder, user])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        foreach (var code in codes)
        {
            await login.StandardInput.WriteLineAsync(code);
        }

        login.StandardInput.Close();
        var said = await login.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken)
            + await login.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await login.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(login.ExitCode == 0 || said.Contains("failure", StringComparison.OrdinalIgnoreCase) || said.Contains("not known", StringComparison.Ordinal), said);
        return login.ExitCode == 0;
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
