using Microsoft.Data.Sqlite;
using OathServer.Storage;

namespace OathServer.Tests.Storage;

/// <summary>A database file that cannot be used is refused at start, in a line that says what to do.</summary>
public class SqliteStartTests
{
    [Theory]
    [InlineData("no database at all, but text of some length that stands where the database should be", "is damaged or no SQLite database")]
    [InlineData("SQLite format 3\0 and then nothing that fits", "is damaged or no SQLite database")]
    public async Task A_file_that_is_no_database_is_refused_and_left_as_it_is(string content, string says)
    {
        using var folder = await UsedAsync();
        await File.WriteAllTextAsync(folder.Database, content, Cancel);

        Assert.Contains(says, await RefusalAsync(folder), StringComparison.Ordinal);
        Assert.Equal(content, await File.ReadAllTextAsync(folder.Database, Cancel));
    }

    [Fact]
    public async Task A_database_whose_pages_were_overwritten_is_refused()
    {
        using var folder = await UsedAsync();
        await using (var file = new FileStream(folder.Database, FileMode.Open, FileAccess.Write))
        {
            file.Position = 100;
            await file.WriteAsync(Enumerable.Repeat((byte)0xA5, 8 * 1024).ToArray(), Cancel);
        }

        Assert.Contains("is damaged or no SQLite database", await RefusalAsync(folder), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_in_the_place_of_the_database_is_refused()
    {
        using var folder = new Folder();
        Directory.CreateDirectory(folder.Database);

        Assert.Contains("is a folder", await RefusalAsync(folder), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_that_another_program_holds_is_refused()
    {
        using var folder = await UsedAsync();
        using var other = new SqliteConnection($"Data Source={folder.Database};Pooling=false");
        other.Open();
        using var hold = other.CreateCommand();
        hold.CommandText = "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;";
        hold.ExecuteNonQuery();

        Assert.Contains("Another program holds", await RefusalAsync(folder), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("PRAGMA synchronous = NORMAL")]
    [InlineData("PRAGMA synchronous = OFF")]
    [InlineData("PRAGMA journal_mode = DELETE")]
    public void A_connection_that_would_not_flush_is_refused(string pragma)
    {
        using var folder = new Folder();
        using var connection = new SqliteConnections($"Data Source={folder.Database};Pooling=false").Open();
        using (var weaken = connection.CreateCommand())
        {
            weaken.CommandText = pragma;
            weaken.ExecuteNonQuery();
        }

        var refusal = Assert.Throws<InvalidOperationException>(() => SqliteConnections.AssertDurable(connection));
        Assert.Contains("not durable", refusal.Message, StringComparison.Ordinal);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>A folder that a server has used, and stopped.</summary>
    private static async Task<Folder> UsedAsync()
    {
        var folder = new Folder();
        await using (await ServerUnderTest.StartAsync(folder: folder.Path))
        {
        }

        SqliteConnection.ClearAllPools();
        foreach (var log in Directory.GetFiles(folder.Path, "oath.db-*"))
        {
            File.Delete(log);
        }

        return folder;
    }

    private static async Task<string> RefusalAsync(Folder folder)
    {
        var settings = new Dictionary<string, string?>
        {
            // How long a lock is waited for.
            ["ConnectionStrings:Oath"] = $"Data Source={folder.Database};Default Timeout=1",
        };
        return (await Assert.ThrowsAsync<InvalidOperationException>(() => ServerUnderTest.StartAsync(settings, folder.Path))).Message;
    }

    private sealed class Folder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("oathserver-start-").FullName;

        public string Database => System.IO.Path.Combine(Path, "oath.db");

        public void Dispose()
        {
            SqliteConnection.ClearAllPools();
            Directory.Delete(Path, recursive: true);
        }
    }
}
