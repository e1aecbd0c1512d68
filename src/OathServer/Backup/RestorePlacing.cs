using Microsoft.Data.Sqlite;
using Npgsql;
using OathServer.Storage;

namespace OathServer.Backup;

/// <summary>Opens a backup and puts its database into place, the one before it aside. From the first move until the store
/// is accepted a marker keeps it from being served.</summary>
internal static class RestorePlacing
{
    /// <exception cref="InvalidOperationException">The backup cannot be opened, or there is a database already.</exception>
    public static async Task<BackupHeader> PlaceAsync(
        BackupSettings settings, string path, Func<WrappedKey, byte[]> open, bool replace, DateTimeOffset now, CancellationToken cancel)
    {
        await using var file = File.OpenRead(path);
        var (header, head) = await BackupFile.ReadHeaderAsync(file, cancel);
        var mine = settings.OneFile ? StorageOptions.Sqlite : StorageOptions.PostgreSql;
        if (header.Provider != mine)
        {
            throw new InvalidOperationException($"The backup is of {header.Provider}, but Storage:Provider is {mine}.");
        }

        if (settings.OneFile && File.Exists(settings.Database) && !replace)
        {
            throw new InvalidOperationException($"{settings.Database} is there. With --replace it is put aside, not deleted.");
        }

        var opened = Path.Combine(settings.Folder, $"restoring-{Guid.NewGuid():N}");
        try
        {
            await using (var plain = PrivateFiles.Create(opened))
            {
                await BackupFile.ReadAsync(file, plain, head, open(header.Wrap), cancel);
                plain.Flush(flushToDisk: true);
            }

            await (settings.OneFile ? PlaceFileAsync(settings, opened, now) : PlacePostgreSqlAsync(settings, opened, cancel));
            return header;
        }
        finally
        {
            foreach (var rest in Directory.GetFiles(settings.Folder, Path.GetFileName(opened) + "*"))
            {
                File.Delete(rest);
            }
        }
    }

    private static async Task PlaceFileAsync(BackupSettings settings, string opened, DateTimeOffset now)
    {
        await using (var look = new SqliteConnection($"Data Source={opened};Mode=ReadWrite;Pooling=False"))
        {
            await look.OpenAsync();
            await using var command = look.CreateCommand();
            command.CommandText = "PRAGMA integrity_check";
            if (await command.ExecuteScalarAsync() is not "ok")
            {
                throw new InvalidOperationException("The database in the backup is damaged (PRAGMA integrity_check). Take another backup.");
            }
        }

        Mark(settings);
        SqliteConnection.ClearAllPools();
        var before = Directory.GetFiles(settings.Folder, Path.GetFileName(settings.Database) + "*");
        if (before.Length > 0)
        {
            var aside = Directory.CreateDirectory(Path.Combine(settings.Folder, $"before-restore-{now:yyyyMMddTHHmmssfff}"));
            foreach (var part in before)
            {
                File.Move(part, Path.Combine(aside.FullName, Path.GetFileName(part)));
            }
        }

        File.Move(opened, settings.Database);
    }

    private static async Task PlacePostgreSqlAsync(BackupSettings settings, string opened, CancellationToken cancel)
    {
        await using (var source = NpgsqlDataSource.Create(settings.ConnectionString))
        await using (var look = source.CreateCommand("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"))
        {
            if (await look.ExecuteScalarAsync(cancel) is not 0L)
            {
                throw new InvalidOperationException("The PostgreSQL database is not empty. Create an empty one, name it in ConnectionStrings:Oath, and restore into that.");
            }
        }

        Mark(settings);
        await PostgreSqlDump.RestoreAsync(settings.ConnectionString, opened, cancel);
    }

    private static void Mark(BackupSettings settings)
    {
        using var marker = new FileStream(settings.Marker, FileMode.Create);
        marker.Flush(flushToDisk: true);
    }
}
