using System.Diagnostics;
using System.Text;

namespace OathServer.Tests.Desk;

/// <summary>A desk agent: the real binary in another process.</summary>
internal sealed class AgentProcess : IDisposable
{
    private readonly Process process;
    private readonly StringBuilder output = new();

    public AgentProcess(Uri server, string credential, string? pcscd, params string[] more)
    {
        var start = new ProcessStartInfo("dotnet",
            [Path.Combine(AppContext.BaseDirectory, "OathServer.dll"), "agent", "--server", server.AbsoluteUri, "--credential", credential, .. more])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            // Without a socket of its own it would look for this machine's readers.
            Environment = { ["PCSCLITE_CSOCK_NAME"] = pcscd ?? "/nowhere/pcscd.comm" },
        };
        process = Process.Start(start)!;
        process.OutputDataReceived += Take;
        process.ErrorDataReceived += Take;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public string Output
    {
        get
        {
            lock (output)
            {
                return output.ToString();
            }
        }
    }

    public void Kill()
    {
        process.Kill(entireProcessTree: true);
        process.WaitForExit();
    }

    public async Task<int> EndsAsync(CancellationToken cancel)
    {
        await process.WaitForExitAsync(cancel);
        return process.ExitCode;
    }

    public void Dispose()
    {
        if (!process.HasExited)
        {
            Kill();
        }

        process.Dispose();
    }

    private void Take(object sender, DataReceivedEventArgs line)
    {
        lock (output)
        {
            output.AppendLine(line.Data);
        }
    }
}
