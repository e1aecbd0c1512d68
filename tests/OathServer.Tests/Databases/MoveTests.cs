using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Operations;
using OathServer.Storage;

namespace OathServer.Tests.Databases;

/// <summary>From SQLite to PostgreSQL in one command.</summary>
public class MoveTests
{
    [Fact]
    public async Task What_was_used_stays_used_and_everything_else_goes_on()
    {
        var folder = Directory.CreateTempSubdirectory("oathserver-test-").FullName;
        string key;
        await using (var before = await ServerUnderTest.StartAsync(folder: folder))
        {
            await before.AddTokenAsync("M1", Codes.Secret, user: "ada");
            await before.AddTokenAsync("M2", Codes.Secret, counter: 40);
            Assert.True(await before.AcceptsAsync("M1", Codes.Hotp(Codes.Secret, 3)));
            var staff = await before.Client();
            using var pin = await staff.PutAsJsonAsync("/v1/tokens/M2/pin", new { pin = "4711", reason = "move test" }, Cancel);
            using var policy = await staff.PutAsJsonAsync("/v1/realms/default/policy", new { pin = "before-code" }, Cancel);
            Assert.True(pin.IsSuccessStatusCode && policy.IsSuccessStatusCode);
            key = await before.CreateKeyAsync("moved", Roles.RelyingParty);
        }

        var database = await (await SharedPostgreSql.Server()).CreateDatabaseAsync();
        var said = new StringWriter();
        await MoveCommand.RunAsync(In(folder), database, said, Cancel);

        Assert.Contains("tokens", said.ToString(), StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(folder, "oath.db")));
        Assert.True(File.Exists(Path.Combine(folder, "oath.db" + MoveCommand.Retired)));
        await using var after = await ServerUnderTest.StartAsync(On(database), folder);
        Assert.False(await after.AcceptsAsync("M1", Codes.Hotp(Codes.Secret, 3)));
        Assert.True(await after.AcceptsAsync("M1", Codes.Hotp(Codes.Secret, 4)));
        Assert.False(await after.AcceptsAsync("M2", Codes.Hotp(Codes.Secret, 40)));
        Assert.True(await after.AcceptsAsync("M2", "4711" + Codes.Hotp(Codes.Secret, 40)));
        Assert.Equal(1, await after.WithDatabase(db => db.ValidationBatches.CountAsync(b => b.Node == 0, Cancel)));
        Assert.NotNull(await after.Services.GetRequiredService<ApiKeys>().RecogniseAsync(key, Cancel));
        Assert.Null(await after.WithDatabase(db => after.Services.GetRequiredService<AuditTrail>().VerifyAsync(db, Cancel)));
        // New rows are numbered after the old ones.
        Assert.True(await after.AddTokenAsync("M3", Codes.Secret) > 2);
        await after.StopAsync();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_database_that_is_not_empty_takes_nothing()
    {
        var database = await (await SharedPostgreSql.Server()).CreateDatabaseAsync();
        await using (await ServerUnderTest.StartAsync(On(database)))
        {
            // Makes the schema and the server's secrets.
        }

        await using var source = await ServerUnderTest.StartAsync();
        await source.StopAsync();

        var refusal = await RefusalAsync(source.Folder, database);

        Assert.Contains("is not empty", refusal, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(source.Folder, "oath.db")));
    }

    [Fact]
    public async Task A_running_server_is_not_moved_from()
    {
        await using var running = await ServerUnderTest.StartAsync();
        var database = await (await SharedPostgreSql.Server()).CreateDatabaseAsync();

        Assert.Contains("Another OathServer process", await RefusalAsync(running.Folder, database), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_target_or_a_source_it_says_what_is_missing()
    {
        var folder = Directory.CreateTempSubdirectory("oathserver-test-").FullName;

        Assert.Contains("Move__To", await RefusalAsync(folder, target: null), StringComparison.Ordinal);
        Assert.Contains("no SQLite database", await RefusalAsync(folder, "Host=nowhere"), StringComparison.Ordinal);
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void A_digest_sees_a_changed_value_and_no_order()
    {
        Assert.Equal(Digest([1L, "a"], [2L, "b"]), Digest([2, "b"], [1, "a"]));
        Assert.NotEqual(Digest([1L, "a"], [2L, "b"]), Digest([1L, "b"], [2L, "a"]));
        Assert.NotEqual(Digest([1L, null], [2L, "b"]), Digest([1L, ""], [2L, "b"]));
        Assert.NotEqual(Digest([1L, "a"]), Digest([1L, "a"], [1L, "a"]));
        Assert.NotEqual(Digest(["ab", "c"]), Digest(["a", "bc"]));
    }

    private static string Digest(params object?[][] rows)
    {
        using var digest = new TableDigest();
        foreach (var row in rows)
        {
            Array.ForEach(row, digest.Add);
            digest.EndRow();
        }

        return digest.ToString();
    }

    private static async Task<string> RefusalAsync(string folder, string? target) =>
        (await Assert.ThrowsAnyAsync<InvalidOperationException>(() => MoveCommand.RunAsync(In(folder), target, TextWriter.Null, Cancel))).Message;

    private static Dictionary<string, string?> In(string folder) =>
        new() { ["Data:Folder"] = folder, ["Logging:LogLevel:Default"] = "Critical" };

    private static Dictionary<string, string?> On(string database) =>
        new() { ["Storage:Provider"] = "PostgreSql", ["ConnectionStrings:Oath"] = database };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
