using System.Runtime.InteropServices;

namespace OathServer.Operations.Checks;

/// <summary>Whether this machine's clock can be believed: TOTP codes, throttles and the trail go by it.</summary>
internal static class ClockCheck
{
    private const int Unsynchronised = 5;

    /// <summary>Longer than the kernel's <c>struct timex</c> on any machine.</summary>
    private const int TimexSize = 512;

    public static IEnumerable<Finding> Run()
    {
        var now = TimeProvider.System.GetUtcNow();
        if (!OperatingSystem.IsLinux())
        {
            yield return Finding.Good("clock", $"{now:u}; whether it is synchronised is not asked on this system");
            yield break;
        }

        // All zero: nothing is set, the state is read (adjtimex(2)).
        var state = ReadState(new byte[TimexSize]);
        yield return state == Unsynchronised
            ? Finding.Warning("clock", $"{now:u}, not synchronised", "Run chrony or systemd-timesyncd: TOTP codes are refused when the clock is off by more than a step.")
            : Finding.Good("clock", $"{now:u}, synchronised");
    }

    /// <summary>How far this clock is from another's, as a finding.</summary>
    public static Finding Against(string whose, TimeSpan off) => Math.Abs(off.TotalSeconds) > 5
        ? Finding.Bad("clock", $"this machine's clock and that of {whose} are {Math.Abs(off.TotalSeconds):0} s apart", "Synchronise both.")
        : Finding.Good("clock", $"agrees with {whose} to {Math.Abs(off.TotalSeconds):0.0} s");

    [DllImport("libc", EntryPoint = "adjtimex")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern int ReadState([In, Out] byte[] timex);
}
