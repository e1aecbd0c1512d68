using System.Security.Cryptography;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Secrets;
using OathServer.Storage;

namespace OathServer.Backup;

/// <summary>Makes an encrypted backup of the database in use: SQLite by its online backup, PostgreSQL by pg_dump.</summary>
internal sealed class BackupMaking(BackupSettings settings, Sealer sealer, AuditTrail audit, TimeProvider time)
{
    public const string Action = "store.backup";

    /// <summary>Writes the backup to <paramref name="path"/>, whole and flushed or not at all; returns its length.</summary>
    public async Task<long> MakeAsync(
        OathDbContext db, string path, Func<byte[], WrappedKey> wrap, AuditEvent actor, CancellationToken cancel)
    {
        if (File.Exists(path))
        {
            throw new InvalidOperationException($"{path} is there already. Name another file; a backup is never written over.");
        }

        // Before the picture is taken, so that the backup tells of itself.
        await audit.SaveAsync(db, cancel, actor with { Action = Action, Outcome = "done", Detail = Path.GetFileName(path) });
        var key = RandomNumberGenerator.GetBytes(32);
        var header = new BackupHeader(
            time.GetUtcNow(), settings.OneFile ? StorageOptions.Sqlite : StorageOptions.PostgreSql, sealer.KeyId, wrap(key));
        var part = path + ".part";
        try
        {
            await using (var file = PrivateFiles.Create(part))
            {
                await (settings.OneFile ? WriteSqliteAsync(db, file, header, key, cancel) : WritePostgreSqlAsync(file, header, key, cancel));
                file.Flush(flushToDisk: true);
            }

            File.Move(part, path);
            return new FileInfo(path).Length;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
            File.Delete(part);
        }
    }

    private async Task WriteSqliteAsync(OathDbContext db, Stream file, BackupHeader header, byte[] key, CancellationToken cancel)
    {
        var copy = Path.Combine(settings.Folder, $"backup-{Guid.NewGuid():N}.db");
        await using (PrivateFiles.Create(copy))
        {
        }

        try
        {
            await db.Database.OpenConnectionAsync(cancel);
            using (var target = new SqliteConnection($"Data Source={copy};Pooling=False"))
            {
                target.Open();
                ((SqliteConnection)db.Database.GetDbConnection()).BackupDatabase(target);
            }

            await using var plain = File.OpenRead(copy);
            await BackupFile.WriteAsync(plain, file, header, key, cancel);
        }
        finally
        {
            foreach (var rest in Directory.GetFiles(settings.Folder, Path.GetFileName(copy) + "*"))
            {
                File.Delete(rest);
            }
        }
    }

    private Task WritePostgreSqlAsync(Stream file, BackupHeader header, byte[] key, CancellationToken cancel) =>
        PostgreSqlDump.DumpAsync(settings.ConnectionString, plain => BackupFile.WriteAsync(plain, file, header, key, cancel), cancel);
}
