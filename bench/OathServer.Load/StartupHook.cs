using System.Globalization;
using System.Runtime.InteropServices;

// The runtime looks for exactly this name (DOTNET_STARTUP_HOOKS). It lives in this program, so nothing of it is in the
// server that is shipped.
#pragma warning disable CA1050

/// <summary>Tells how much a server under measurement has allocated (on SIGUSR1) or holds (on SIGUSR2), in a file.</summary>
internal static class StartupHook
{
    public const string FileVariable = "LOAD_MEMORY_FILE";
    public const int Allocated = 10;
    public const int Held = 12;

    private static readonly List<PosixSignalRegistration> signals = [];

    public static void Initialize()
    {
        if (Environment.GetEnvironmentVariable(FileVariable) is not { } file)
        {
            return;
        }

        On(Allocated, () => GC.GetTotalAllocatedBytes(precise: true));
        On(Held, () =>
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return GC.GetTotalMemory(forceFullCollection: true);
        });

        void On(int signal, Func<long> bytes) => signals.Add(PosixSignalRegistration.Create((PosixSignal)signal, context =>
        {
            context.Cancel = true;
            File.WriteAllText(file + ".new", bytes().ToString(CultureInfo.InvariantCulture));
            File.Move(file + ".new", file, overwrite: true);
        }));
    }
}
