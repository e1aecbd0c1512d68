namespace OathServer.Storage;

/// <summary>
/// Space kept back on the disk of the database: a file that is given up when a commit finds the disk full, so that
/// validations go on while an alarm is raised, and taken again when there is space. A full SQLite disk refuses every
/// write, even the one integer of a counter.
/// </summary>
internal sealed class DiskReserve
{
    public const string SizeSetting = "Storage:ReserveMegabytes";
    public const int DefaultMegabytes = 64;

    /// <summary>How often the disk is asked whether the reserve can be taken again.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly string folder;
    private readonly long size;
    private readonly TimeProvider time;
    private readonly ILogger<DiskReserve> log;
    private readonly Lock turn = new();
    private long askedAt;
    private volatile bool missing;

    public DiskReserve(string folder, long size, TimeProvider time, ILogger<DiskReserve> log)
    {
        this.folder = folder;
        this.size = size;
        this.time = time;
        this.log = log;
        if (size > 0 && !TryTake())
        {
            missing = true;
            askedAt = time.GetTimestamp();
            log.LogCritical(
                "There is no space for the reserve of {Size} MB in {Folder}: free some, or validations stop when the disk is full.",
                size >> 20, folder);
        }
    }

    /// <summary>The alarm: the reserve was given up, or never could be taken. Asks the disk again, now and then.</summary>
    public bool IsMissing
    {
        get
        {
            if (missing && time.GetElapsedTime(Volatile.Read(ref askedAt)) >= Pause)
            {
                TakeAgain();
            }

            return missing;
        }
    }

    private string FilePath => Path.Combine(folder, "reserve");

    /// <summary>The disk is full: gives the reserve up. False when there is none left to give.</summary>
    public bool GiveUp()
    {
        lock (turn)
        {
            if (!File.Exists(FilePath))
            {
                return false;
            }

            File.Delete(FilePath);
            askedAt = time.GetTimestamp();
            missing = true;
        }

        log.LogCritical(
            "The disk of {Folder} is full. The reserve of {Size} MB was given up so that validations go on; free space now, when it is used up they stop.",
            folder, size >> 20);
        return true;
    }

    /// <summary>Whether so little is free that a write may fail for it.</summary>
    public bool DiskIsFull() => Free() < 1 << 20;

    private void TakeAgain()
    {
        lock (turn)
        {
            askedAt = time.GetTimestamp();
            // Twice its size: taking it must not fill the disk again.
            if (!missing || Free() < 2 * size || !TryTake())
            {
                return;
            }

            missing = false;
        }

        log.LogWarning("There is space again in {Folder}; the reserve of {Size} MB is back.", folder, size >> 20);
    }

    private long Free() => new DriveInfo(folder).AvailableFreeSpace;

    private bool TryTake()
    {
        if (File.Exists(FilePath))
        {
            return true;
        }

        try
        {
            // Blocks are really set aside (fallocate): a file of holes would reserve nothing.
            using var file = new FileStream(FilePath, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                PreallocationSize = size,
            });
            file.SetLength(size);
            return true;
        }
        catch (IOException)
        {
            File.Delete(FilePath);
            return false;
        }
    }
}
