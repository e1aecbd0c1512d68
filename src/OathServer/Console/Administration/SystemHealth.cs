using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Monitoring;
using OathServer.Storage;

namespace OathServer.Pages.Administration;

/// <summary>One part of the server and how it is.</summary>
/// <param name="Name">Which part.</param>
/// <param name="Kind">good, warn or bad.</param>
/// <param name="State">In a word or two.</param>
/// <param name="Seen">What was seen.</param>
internal sealed record HealthPart(Phrase Name, string Kind, Phrase State, Phrase Seen)
{
    /// <summary>When.</summary>
    public DateTimeOffset? At { get; init; }

    /// <summary>A path or an address.</summary>
    public string? Place { get; init; }

    /// <summary>What to do.</summary>
    public Phrase? Mend { get; init; }
}

/// <summary>Looks at what the server stands on: database, disk, journal, anchors, backups, webhooks, agents.</summary>
internal sealed class SystemHealth(
    CounterCommit counters, Anchors anchors, IConfiguration configuration, TimeProvider time, DiskReserve? reserve = null)
{
    /// <summary>Anchors are written every few minutes while there is something to anchor.</summary>
    private static readonly TimeSpan AnchorOld = TimeSpan.FromHours(1);
    private static readonly TimeSpan BackupOld = TimeSpan.FromDays(2);
    private static readonly TimeSpan WebhookSlow = TimeSpan.FromMinutes(5);

    public static string Version => typeof(SystemHealth).Assembly.GetName().Version!.ToString(3);

    public DateTimeOffset StartedAt { get; } = time.GetUtcNow();

    public async Task<IReadOnlyList<HealthPart>> ReadAsync(OathDbContext db, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        var standing = await Standing.ReadAsync(db, now, cancel);
        var agents = await db.Agents.AsNoTracking().Where(a => a.RevokedAt == null && a.CredentialHash != null)
            .Select(a => a.LastSeenAt).ToListAsync(cancel);
        return
        [
            Database(db), Writer(), Disk(), Reserve(), Journal(), await AnchorsAsync(db, now, cancel), Backup(standing, now), .. Webhooks(standing),
            Agents(agents, now), Keys(standing), Tokens(standing),
        ];
    }

    private static HealthPart Database(OathDbContext db) => db.Database.IsNpgsql()
        ? new(new Phrase("Database"), "good", new Phrase("answers"), new Phrase("PostgreSQL, shared by any number of nodes"))
        : new(new Phrase("Database"), "good", new Phrase("answers"), new Phrase("SQLite, one node"));

    private HealthPart Writer() => counters.IsRefusing
        ? new(new Phrase("Writer of counters"), "bad", new Phrase("takes no changes"), new Phrase("Every code is refused, as none could be recorded as used."))
        { Mend = new Phrase("The server's log has the cause: disk, rights, or the database.") }
        : new(new Phrase("Writer of counters"), "good", new Phrase("writes"), new Phrase("{0:N0} changes waiting", counters.Waiting));

    private HealthPart Disk()
    {
        const long Little = 1L << 30;
        var folder = StorageServices.DataFolder(configuration);
        var drive = new DriveInfo(folder);
        var free = new Phrase("{0:N1} of {1:N1} GB free", drive.AvailableFreeSpace / 1e9, drive.TotalSize / 1e9);
        return drive.AvailableFreeSpace < Little
            ? new(new Phrase("Disk"), "warn", new Phrase("nearly full"), free) { Place = folder, Mend = new Phrase("Free some space before validations stop.") }
            : new(new Phrase("Disk"), "good", new Phrase("has space"), free) { Place = folder };
    }

    private HealthPart Reserve() => reserve switch
    {
        null => new(new Phrase("Disk reserve"), "good", new Phrase("not needed"), new Phrase("The database is not on this machine's disk.")),
        { IsMissing: true } => new(new Phrase("Disk reserve"), "bad", new Phrase("given up"), new Phrase("The disk was full; validations go on from what the reserve left."))
        { Mend = new Phrase("Free some space now: the reserve is taken again by itself.") },
        _ => new(new Phrase("Disk reserve"), "good", new Phrase("in place"), new Phrase("Kept back, so that a full disk does not stop validations.")),
    };

    private HealthPart Journal() => StorageServices.JournalPath(configuration) is { } path
        ? new(new Phrase("Acceptance journal"), "good", new Phrase("is written"), new Phrase("A restored backup is brought to the last code accepted.")) { Place = path }
        : new(new Phrase("Acceptance journal"), "warn", new Phrase("not set up"), new Phrase("After a restore every HOTP token needs two codes once."))
        { Mend = new Phrase("Name a file on another disk in the setting Journal:File.") };

    private async Task<HealthPart> AnchorsAsync(OathDbContext db, DateTimeOffset now, CancellationToken cancel)
    {
        var last = anchors.File.LastLine() is { } line ? Anchor.Parse(line) : null;
        if (await anchors.FaultAsync(db, cancel) is not null)
        {
            return new(new Phrase("Anchors of the trail"), "bad", new Phrase("do not hold"), new Phrase("The database is not the one that was anchored, or the anchors were changed."))
            { At = last?.At, Place = anchors.File.Path, Mend = new Phrase("Verify the trail; then see the guide to backups and restores.") };
        }

        return last is null
            ? new(new Phrase("Anchors of the trail"), "warn", new Phrase("none yet"), new Phrase("The first is written within minutes of the first act.")) { Place = anchors.File.Path }
            : new(new Phrase("Anchors of the trail"), now - last.At > AnchorOld && await db.Audit.AnyAsync(e => e.At > last.At && e.At < now - AnchorOld, cancel) ? "warn" : "good",
                new Phrase("hold"), new Phrase("The last one was written"))
            { At = last.At, Place = anchors.File.Path };
    }

    private static HealthPart Backup(Standing standing, DateTimeOffset now) => standing.LastBackup is { } at
        ? new(new Phrase("Backup"), now - at > BackupOld ? "warn" : "good", now - at > BackupOld ? new Phrase("old") : new Phrase("made"), new Phrase("The last one was made")) { At = at }
        : new(new Phrase("Backup"), "warn", new Phrase("none"), new Phrase("No backup was made with this server's own command."))
        { Mend = new Phrase("On the server: backup FILE. Keep the sealing key elsewhere.") };

    private static IEnumerable<HealthPart> Webhooks(Standing standing) => standing.WebhookLag > 0 && standing.WebhookWait > WebhookSlow
        ? [new(new Phrase("Webhooks"), "warn", new Phrase("lag behind"), new Phrase("{0:N0} acts were not told yet.", standing.WebhookLag)) { Mend = new Phrase("See which one fails under Webhooks.") }]
        : [new(new Phrase("Webhooks"), "good", new Phrase("keep up"), new Phrase("{0:N0} acts waiting", standing.WebhookLag))];

    private static HealthPart Agents(List<DateTimeOffset?> seen, DateTimeOffset now)
    {
        var there = seen.Count(at => at > now - TimeSpan.FromMinutes(2));
        return new(new Phrase("Desk agents"), "good", seen.Count == 0 ? new Phrase("none") : new Phrase("enrolled"), new Phrase("{0:N0} of {1:N0} seen within two minutes", there, seen.Count));
    }

    private static HealthPart Keys(Standing standing) => standing is { InDoubt: 0, StuckJobs: 0 }
        ? new(new Phrase("Keys"), "good", new Phrase("all known"), new Phrase("keys: {0:N0}; open jobs: {1:N0}", standing.Keys, standing.OpenJobs))
        : new(new Phrase("Keys"), "warn", new Phrase("some in doubt"), new Phrase("{0:N0} keys in doubt, {1:N0} jobs stopped", standing.InDoubt, standing.StuckJobs))
        { Mend = new Phrase("Resume their jobs with the key inserted.") };

    private static HealthPart Tokens(Standing standing) => new(
        new Phrase("Tokens"), standing.NeedResync > 0 ? "warn" : "good", standing.NeedResync > 0 ? new Phrase("some need two codes") : new Phrase("usable"),
        new Phrase("{0:N0} active, {1:N0} locked, {2:N0} need two codes after a restore", standing.Tokens.GetValueOrDefault(TokenState.Active), standing.Locked, standing.NeedResync));
}
