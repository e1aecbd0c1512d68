using System.Runtime.InteropServices;

namespace OathServer.Operations;

/// <summary>Closes this process's memory to other processes of its user (Linux): no core file, no debugger, no
/// <c>/proc/PID/mem</c> or <c>environ</c>. Root still reads everything.</summary>
internal static class ProcessMemory
{
    /// <summary>Set it to true to let a profiler or a debugger in.</summary>
    public const string DumpableSetting = "Memory:Dumpable";

    // prctl(2).
    private const int SetDumpable = 4;

    public static void Close(IConfiguration configuration, ILogger log)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        if (configuration.GetValue(DumpableSetting, false))
        {
            log.LogWarning("{Setting} is true: processes of the same user can read the secrets in this one's memory.", DumpableSetting);
        }
        else if (Prctl(SetDumpable, 0, 0, 0, 0) != 0)
        {
            log.LogWarning("The memory of this process could not be closed to its user's other processes (prctl PR_SET_DUMPABLE, error {Error}).", Marshal.GetLastPInvokeError());
        }
    }

    [DllImport("libc", EntryPoint = "prctl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Prctl(int option, nuint value, nuint third, nuint fourth, nuint fifth);
}
