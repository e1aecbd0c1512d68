using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using OathServer.Storage;

namespace OathServer.Tests.Databases;

/// <summary>
/// An empty SQLite database with the schema of today, migrated once a run and copied: a hundred tables take as long to make
/// as most tests to run. Tests that start the program itself, or on PostgreSQL, migrate from nothing.
/// </summary>
internal static class MigratedStore
{
    private static readonly Lazy<Task<byte[]>> Migrated = new(MigrateAsync);

    /// <summary>Puts a database into a data folder.</summary>
    public static async Task CopyIntoAsync(string folder) =>
        await File.WriteAllBytesAsync(Path.Combine(folder, "oath.db"), await Migrated.Value);

    private static async Task<byte[]> MigrateAsync()
    {
        var folder = Directory.CreateTempSubdirectory("oathserver-test-").FullName;
        var file = Path.Combine(folder, "oath.db");
        var connection = new SqliteConnectionStringBuilder { DataSource = file, Pooling = false }.ToString();
        await using (var db = new SqliteOathDbContext(new DbContextOptionsBuilder<SqliteOathDbContext>().UseSqlite(connection).Options))
        {
            await db.Database.MigrateAsync();
        }

        var migrated = await File.ReadAllBytesAsync(file);
        Directory.Delete(folder, recursive: true);
        return migrated;
    }
}
