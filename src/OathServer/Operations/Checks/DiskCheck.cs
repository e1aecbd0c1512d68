using OathServer.Storage;

namespace OathServer.Operations.Checks;

/// <summary>The data folder and the disks things are kept on.</summary>
internal static class DiskCheck
{
    private const long Little = 1L << 30;
    private const long TooLittle = 64L << 20;
    private const UnixFileMode Others =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    public static IEnumerable<Finding> Folder(string folder)
    {
        if (!Directory.Exists(folder))
        {
            yield return Finding.Warning("data folder", $"{folder} is not there", "The first start makes it. If there was one, Data:Folder names the wrong place.");
            yield break;
        }

        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(folder) & Others) != 0)
        {
            yield return Finding.Bad("data folder", $"{folder} is open to others", $"chmod 700 {folder}");
        }

        yield return CanWrite(folder)
            ? Finding.Good("data folder", $"{folder}, for its owner alone")
            : Finding.Bad("data folder", $"{Environment.UserName} may not write in {folder}", "Run the doctor as the server's user (sudo -u oathserver), or give the folder to that user.");
    }

    public static IEnumerable<Finding> Space(IConfiguration configuration)
    {
        var places = new Dictionary<string, string?>
        {
            ["data"] = StorageServices.DataFolder(configuration),
            ["journal"] = Path.GetDirectoryName(StorageServices.JournalPath(configuration)),
            ["anchors"] = configuration["Audit:AnchorFile"] is { Length: > 0 } anchors ? Path.GetDirectoryName(Path.GetFullPath(anchors)) : null,
        };
        foreach (var (what, folder) in places)
        {
            if (folder is null || !Directory.Exists(folder))
            {
                if (folder is not null && what != "data")
                {
                    yield return Finding.Bad("disk space", $"{folder}, the folder of the {what}, is not there", "Make it, for the server's user.");
                }

                continue;
            }

            var free = new DriveInfo(folder).AvailableFreeSpace;
            var said = $"{what}: {free / (double)(1 << 30):0.0} GB free";
            yield return free < TooLittle ? Finding.Bad("disk space", said, "Free some now: a full disk stops validations.")
                : free < Little ? Finding.Warning("disk space", said, "Less than 1 GB.")
                : Finding.Good("disk space", said);
        }

        if (StorageServices.JournalPath(configuration) is null)
        {
            yield return Finding.Warning("journal", "acceptances are not journaled", "Journal:File on another disk makes a restore exact; see docs/backup.md.");
        }
        else
        {
            yield return Finding.Good("journal", "acceptances are journaled");
        }
    }

    private static bool CanWrite(string folder)
    {
        try
        {
            using var probe = new FileStream(
                Path.Combine(folder, $".doctor-{Guid.NewGuid():N}"), FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
            return true;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
