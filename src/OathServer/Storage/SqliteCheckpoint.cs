using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace OathServer.Storage;

/// <summary>
/// Carries the write-ahead log into the database file beside the writer instead of inside one of its commits, which
/// would hold everybody up for its length. A thread copies what is there (<c>PASSIVE</c>, blocking nobody); the
/// writer then copies the few pages that came meanwhile, so that the log starts again from its beginning.
/// </summary>
internal sealed class SqliteCheckpoint : IDisposable
{
    /// <summary>Pages in the log that start a checkpoint of a small database (16 MB). A larger one's log may become four
    /// times as long as itself: a page is then copied once for many commits, however many pages the counters are on.
    /// Started every 4,096 pages, checkpoints wrote nearly each change of a million counters a second time.</summary>
    public const int PagesMin = 4096;

    /// <summary>Pages in the log that start a checkpoint whatever the size (256 MB): a start after a crash reads them in a
    /// quarter of a second.</summary>
    public const int PagesMax = 16 * PagesMin;

    /// <summary>Pages that the writer may copy itself: about a millisecond of its time.</summary>
    private const int PagesFew = 512;

    /// <summary>Times that the copier follows a writer that is as fast as it.</summary>
    private const int RoundsMax = 8;

    private readonly SqliteConnection writer;
    private readonly SqliteConnection copier;
    private readonly SemaphoreSlim wake = new(0);
    private readonly sqlite3_stmt size;
    private readonly Thread thread;
    private int writtenAtCheckpoint;
    private int pages = PagesMin;
    private bool copying;
    private volatile bool copied;
    private volatile bool closed;

    public SqliteCheckpoint(SqliteConnection writer, SqliteConnections connections)
    {
        this.writer = writer;
        copier = connections.Open();
        // SQLite's own rule is a checkpoint inside the commit that passes 1,000 pages.
        _ = raw.sqlite3_exec(writer.Handle, "PRAGMA wal_autocheckpoint = 0");
        SqliteException.ThrowExceptionForRC(raw.sqlite3_prepare_v2(writer.Handle, "PRAGMA page_count", out size), writer.Handle);
        FollowSize();
        thread = new Thread(Copy) { IsBackground = true, Name = "checkpoint" };
        thread.Start();
    }

    /// <summary>Called by the writer after each commit, outside any transaction.</summary>
    public void AfterCommit()
    {
        if (copied)
        {
            copied = copying = false;
            writtenAtCheckpoint = PagesWritten();
            _ = raw.sqlite3_wal_checkpoint_v2(writer.Handle, "main", raw.SQLITE_CHECKPOINT_PASSIVE, out _, out _);
            FollowSize();
        }
        else if (!copying && PagesWritten() - writtenAtCheckpoint >= pages)
        {
            copying = true;
            wake.Release();
        }
    }

    public void Dispose()
    {
        closed = true;
        wake.Release();
        thread.Join();
        size.Dispose();
        copier.Dispose();
        wake.Dispose();
    }

    /// <summary>Pages in the log that start a checkpoint of a database of so many.</summary>
    internal static int PagesBefore(long databasePages) => (int)Math.Clamp(4 * databasePages, PagesMin, PagesMax);

    /// <summary>Never throws, as the batch before it is committed: a size that cannot be read is that of the last time.</summary>
    private void FollowSize()
    {
        if (raw.sqlite3_step(size) == raw.SQLITE_ROW)
        {
            pages = PagesBefore(raw.sqlite3_column_int64(size, 0));
        }

        _ = raw.sqlite3_reset(size);
    }

    /// <summary>Pages this connection wrote to the log since it was opened.</summary>
    private int PagesWritten()
    {
        const int CacheWrite = 9;
        _ = raw.sqlite3_db_status(writer.Handle, CacheWrite, out var written, out _, 0);
        return written;
    }

    /// <summary>Copies until little is left for the writer, also where a reader held the log back for long.</summary>
    private void CopyAll()
    {
        var before = 0;
        for (var round = 0; round < RoundsMax && !closed; round++)
        {
            // A checkpoint that could not be made is made the next time; nothing depends on it but the log's length.
            _ = raw.sqlite3_wal_checkpoint_v2(copier.Handle, "main", raw.SQLITE_CHECKPOINT_PASSIVE, out _, out var done);
            if (done - before < PagesFew)
            {
                return;
            }

            before = done;
        }
    }

    private void Copy()
    {
        while (true)
        {
            wake.Wait();
            if (closed)
            {
                return;
            }

            CopyAll();
            copied = true;
        }
    }
}
