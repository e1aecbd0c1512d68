using System.Diagnostics;
using System.IO.MemoryMappedFiles;

namespace OathServer.Fault.Tests.Disk;

/// <summary>The disk of <c>faulty_disk.c</c> under the database of one data folder: keeps a mirror of what was synced,
/// and fails when told to.</summary>
internal sealed class FaultyDisk : IDisposable
{
    public const int NoSpace = 28;
    public const int InputOutput = 5;

    private const int Calls = 0, FailFrom = 8, FailTo = 16, FailEach = 24, Error = 32, Half = 40, FailedCalls = 48, Slow = 56, Size = 64;

    private static readonly Lazy<string> Library = new(Compile);

    private readonly string folder;
    private readonly string side = Directory.CreateTempSubdirectory("faulty-disk-").FullName;
    private readonly MemoryMappedFile shared;
    private readonly MemoryMappedViewAccessor control;
    private readonly bool mirrors;
    private readonly string files;

    /// <summary>Takes the database as it lies in <paramref name="folder"/> for what the disk holds.</summary>
    public FaultyDisk(string folder, bool mirrors)
        : this(folder, mirrors, Path.Combine(folder, "oath.db")) => Copy(folder, Mirror);

    private FaultyDisk(string folder, bool mirrors, string files)
    {
        this.folder = folder;
        this.mirrors = mirrors;
        this.files = files;
        Directory.CreateDirectory(Mirror);
        shared = MemoryMappedFile.CreateFromFile(ControlFile, FileMode.Create, null, Size);
        control = shared.CreateViewAccessor();
    }

    /// <summary>Under the write-ahead log of a PostgreSQL, which another user runs.</summary>
    public static FaultyDisk UnderPostgreSql()
    {
        var disk = new FaultyDisk("", mirrors: false, "pg_wal/");
        foreach (var (path, mode) in ((string, UnixFileMode)[])[
            (disk.side, (UnixFileMode)0b111_101_101), (disk.ControlFile, (UnixFileMode)0b110_110_110), (Path.GetDirectoryName(Library.Value)!, (UnixFileMode)0b111_101_101)])
        {
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(path, mode);
            }
        }

        return disk;
    }

    /// <summary>Every sync takes so much longer from now on.</summary>
    public void SlowDown(TimeSpan by) => control.Write(Slow, (long)by.TotalMilliseconds);

    /// <summary>How a process comes to stand on this disk.</summary>
    public IEnumerable<KeyValuePair<string, string?>> Environment =>
    [
        new("LD_PRELOAD", Library.Value),
        new("FAULTY_DISK_FILES", files),
        new("FAULTY_DISK_CONTROL", ControlFile),
        .. mirrors ? [new KeyValuePair<string, string?>("FAULTY_DISK_MIRROR", Mirror)] : Array.Empty<KeyValuePair<string, string?>>(),
    ];

    /// <summary>Writes, syncs and truncations so far, failed ones included.</summary>
    public long CallsSoFar => control.ReadInt64(Calls);

    public long Failed => control.ReadInt64(FailedCalls);

    private string Mirror => Path.Combine(side, "mirror");

    private string ControlFile => Path.Combine(side, "control");

    /// <summary>The <paramref name="nth"/> call from now fails, and those after it up to <paramref name="howMany"/>.</summary>
    public void FailAt(long nth, int error, bool half = false, long howMany = 1)
    {
        Heal();
        control.Write(Error, (long)error);
        control.Write(Half, half ? 1L : 0L);
        var first = CallsSoFar + nth;
        control.Write(FailTo, first + howMany - 1);
        Thread.MemoryBarrier();
        control.Write(FailFrom, first);
    }

    /// <summary>Each so many calls one fails.</summary>
    public void FailEachOf(long calls, int error, bool half = false)
    {
        Heal();
        control.Write(Error, (long)error);
        control.Write(Half, half ? 1L : 0L);
        Thread.MemoryBarrier();
        control.Write(FailEach, calls);
    }

    public void Heal()
    {
        control.Write(FailFrom, 0L);
        control.Write(FailEach, 0L);
    }

    /// <summary>After the process was killed: the folder as a disk would hold it, without a byte that was not synced.</summary>
    public void LosePower()
    {
        foreach (var file in Directory.EnumerateFiles(folder, "oath.db*"))
        {
            File.Delete(file);
        }

        Copy(Mirror, folder);
    }

    public void Dispose()
    {
        control.Dispose();
        shared.Dispose();
        Directory.Delete(side, recursive: true);
    }

    private static void Copy(string from, string into)
    {
        foreach (var file in Directory.EnumerateFiles(from, "oath.db*").Where(f => !f.EndsWith("-shm", StringComparison.Ordinal)))
        {
            File.Copy(file, Path.Combine(into, Path.GetFileName(file)));
        }
    }

    private static string Compile()
    {
        var library = Path.Combine(Directory.CreateTempSubdirectory("faulty-disk-so-").FullName, "faulty_disk.so");
        using var compiler = Process.Start(
            "gcc",
            [
                "-O2", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-o", library,
                Path.Combine(AppContext.BaseDirectory, "Disk", "faulty_disk.c"), "-ldl", "-lpthread",
            ]);
        compiler.WaitForExit();
        Assert.True(compiler.ExitCode == 0, "faulty_disk.c does not compile");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(Path.GetDirectoryName(library)!, recursive: true);
        return library;
    }
}
