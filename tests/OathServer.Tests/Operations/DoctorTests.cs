using System.Text.Json;
using OathServer.Access;
using OathServer.Operations.Checks;
using OathServer.Tests.Databases;

namespace OathServer.Tests.Operations;

/// <summary>The doctor, as an operator runs it, on deployments that are well and that are not.</summary>
public class DoctorTests
{
    [Fact]
    public async Task A_deployment_that_is_well_is_called_well()
    {
        var folder = Directory.CreateTempSubdirectory("oathserver-doctor-").FullName;
        await using (var server = await ServerUnderTest.StartAsync(folder: folder))
        {
            await server.CreateKeyAsync("somebody", Roles.Auditor);
            var (exit, findings) = await DoctorAsync(folder, new() { ["Urls"] = server.Address.ToString() });
            Assert.Equal(0, exit);
            Assert.DoesNotContain(findings, f => f.Health == Health.Bad);
            Assert.All(
                (string[])["settings", "data folder", "disk space", "sealing key", "server", "readers", "database", "schema", "audit trail", "keys"],
                part => Assert.Contains(findings, f => f.Part == part && f.Health == Health.Good));
            Assert.Contains(findings, f => f is { Part: "backup", Health: Health.Warning });
        }

        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task It_changes_nothing_where_nothing_is()
    {
        var parent = Directory.CreateTempSubdirectory("oathserver-doctor-").FullName;
        var (exit, findings) = await DoctorAsync(Path.Combine(parent, "data"), []);
        Assert.Equal(0, exit);
        Assert.Contains(findings, f => f is { Part: "database", Health: Health.Warning });
        Assert.Empty(Directory.EnumerateFileSystemEntries(parent));
        Directory.Delete(parent);
    }

    [Fact]
    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    public async Task What_is_broken_is_named_all_at_once()
    {
        var folder = Directory.CreateTempSubdirectory("oathserver-doctor-").FullName;
        await using (var server = await ServerUnderTest.StartAsync(folder: folder))
        {
            await server.CreateKeyAsync("one", Roles.Auditor);
            await server.CreateKeyAsync("two", Roles.Auditor);
        }

        using (var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={folder}/oath.db;Pooling=False"))
        {
            await connection.OpenAsync(Cancel);
            using var edit = connection.CreateCommand();
            edit.CommandText = "DELETE FROM audit WHERE \"Sequence\" = 1";
            await edit.ExecuteNonQueryAsync(Cancel);
        }

        File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherRead);
        var (exit, findings) = await DoctorAsync(folder, new()
        {
            ["Urls"] = "http://0.0.0.0:1",
            ["Audit__AnchorFile"] = Path.Combine(folder, "not-there", "anchors.jsonl"),
        });
        Assert.Equal(1, exit);
        Assert.All(
            (string[])["data folder", "disk space", "listening", "audit trail"],
            part => Assert.Contains(findings, f => f.Part == part && f.Health == Health.Bad));

        // Another store's key, and one that others can read.
        await File.WriteAllTextAsync(Path.Combine(folder, "sealing.key"), new string('A', 64), Cancel);
        (exit, findings) = await DoctorAsync(folder, []);
        Assert.Equal(1, exit);
        Assert.Contains(findings, f => f is { Part: "sealing key", Health: Health.Bad } && f.What.Contains("not the one", StringComparison.Ordinal));
        File.SetUnixFileMode(Path.Combine(folder, "sealing.key"), (UnixFileMode)0b110_100_100);
        (_, findings) = await DoctorAsync(folder, []);
        Assert.Contains(findings, f => f is { Part: "sealing key", Health: Health.Bad } && f.What.Contains("chmod 600", StringComparison.Ordinal));
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_PostgreSQL_that_is_well_and_one_that_is_away_are_told_apart()
    {
        var postgres = await SharedPostgreSql.Server();
        var folder = Directory.CreateTempSubdirectory("oathserver-doctor-").FullName;
        var database = await postgres.CreateDatabaseAsync();
        var settings = new Dictionary<string, string?> { ["Storage:Provider"] = "PostgreSql", ["ConnectionStrings:Oath"] = database };
        await using (await ServerUnderTest.StartAsync(settings, folder))
        {
            var (exit, findings) = await DoctorAsync(folder, new() { ["Storage__Provider"] = "PostgreSql", ["ConnectionStrings__Oath"] = database });
            Assert.Equal(0, exit);
            Assert.Contains(findings, f => f is { Part: "database", Health: Health.Good } && f.What.StartsWith("PostgreSQL 1", StringComparison.Ordinal));
            Assert.Contains(findings, f => f is { Part: "clock", Health: Health.Good } && f.What.Contains("the database", StringComparison.Ordinal));

            (exit, findings) = await DoctorAsync(
                folder, new() { ["Storage__Provider"] = "PostgreSql", ["ConnectionStrings__Oath"] = "Host=127.0.0.1;Port=1;Database=oath;Username=oath;Password=s3cret" });
            Assert.Equal(1, exit);
            Assert.Contains(findings, f => f is { Part: "database", Health: Health.Bad });
            Assert.DoesNotContain(findings, f => f.What.Contains("s3cret", StringComparison.Ordinal));
        }

        Directory.Delete(folder, recursive: true);
    }

    private static async Task<(int Exit, List<Finding> Findings)> DoctorAsync(string folder, Dictionary<string, string> environment)
    {
        environment.TryAdd("Urls", "http://127.0.0.1:1");
        var (exit, output, errors) = await Import.CommandLine.OathServerWithAsync(folder, environment, "doctor", "--json");
        Assert.True(errors.Length == 0, errors);
        return (exit, [.. JsonDocument.Parse(output).RootElement.GetProperty("findings").EnumerateArray().Select(f => new Finding(
            f.GetProperty("part").GetString()!,
            Enum.Parse<Health>(f.GetProperty("health").GetString()!, ignoreCase: true),
            f.GetProperty("what").GetString()!,
            f.GetProperty("advice").GetString()))]);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
