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
    /// <summary>Pages in the log that start a checkpoint (16 MB): rarely enough that a busy page is copied once for
    /// many commits, often enough that a start after a crash reads the log in a blink.</summary>
    public const int PagesMin = 4096;

    /// <summary>Pages that the writer may copy itself: about a millisecond of its time.</summary>
    private const int PagesFew = 512;

    /// <summary>Times that the copier follows a writer that is as fast as it.</summary>
    private const int RoundsMax = 8;

    private readonly SqliteConnection writer;
    private readonly SqliteConnection copier;
    private readonly SemaphoreSlim wake = new(0);
    private readonly Thread thread;
    private int writtenAtCheckpoint;
    private bool copying;
    private volatile bool copied;
    private volatile bool closed;

    public SqliteCheckpoint(SqliteConnection writer, SqliteConnections connections)
    {
        this.writer = writer;
        copier = connections.Open();
        // SQLite's own rule is a checkpoint inside the commit that passes 1,000 pages.
        _ = raw.sqlite3_exec(writer.Handle, "PRAGMA wal_autocheckpoint = 0");
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
        }
        else if (!copying && PagesWritten() - writtenAtCheckpoint >= PagesMin)
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
        copier.Dispose();
        wake.Dispose();
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
