using Npgsql;
using OathServer.Access;
using OathServer.Storage;

namespace OathServer.Tests.Databases;

/// <summary>What the server says when it cannot or must not use a PostgreSQL.</summary>
public class PostgreSqlStartTests
{
    [Theory]
    [InlineData("synchronous_commit", "off")]
    [InlineData("synchronous_commit", "local")]
    [InlineData("synchronous_commit", "remote_write")]
    public async Task A_database_that_does_not_flush_is_refused(string setting, string value)
    {
        var database = await (await SharedPostgreSql.Server()).CreateDatabaseAsync();

        var refusal = await RefusalAsync(database + $";Options=-c {setting}={value}");

        Assert.Contains($"{setting}={value}", refusal, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("fsync")]
    [InlineData("full_page_writes")]
    public async Task A_server_that_may_lose_pages_is_refused_at_start_and_later(string setting)
    {
        await using var postgres = await PostgreSqlServer.StartAsync();
        var database = await postgres.CreateDatabaseAsync();
        await using (var connections = new NpgsqlConnection(database))
        {
            await connections.OpenAsync(Cancel);
            await postgres.ConfigureAsync(setting, "off");
            // The postmaster hands the new setting to its children in its own time.
            while (await SettingAsync(connections, setting) != "off")
            {
                await Task.Delay(10, Cancel);
            }

            Assert.Contains(setting, Assert.Throws<DurabilityException>(() => PostgreSqlDurability.Assert(connections)).Message, StringComparison.Ordinal);
        }

        Assert.Contains($"{setting}=off", await RefusalAsync(database), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_that_is_not_there_is_named_with_the_way_to_make_it()
    {
        var refusal = await RefusalAsync((await SharedPostgreSql.Server()).ConnectionString("nowhere"));

        Assert.Contains("createdb --owner=oath nowhere", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_does_not_answer_is_named_without_the_password()
    {
        var refusal = await RefusalAsync("Host=127.0.0.1;Port=1;Database=oath;Username=oath;Password=marker-7731");

        Assert.Contains("127.0.0.1:1", refusal, StringComparison.Ordinal);
        Assert.DoesNotContain("marker-7731", refusal, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "ConnectionStrings:Oath is empty")]
    [InlineData("Data Source=oath.db", "not a PostgreSQL connection string")]
    public async Task A_connection_string_that_is_none_is_refused(string? text, string expected) =>
        Assert.Contains(expected, await RefusalAsync(text), StringComparison.Ordinal);

    [Fact]
    public async Task A_node_without_the_sealing_key_of_the_database_is_refused()
    {
        var database = await (await SharedPostgreSql.Server()).CreateDatabaseAsync();
        await using (await ServerUnderTest.StartAsync(On(database)))
        {
            Assert.Contains("sealing key", await RefusalAsync(database), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_commit_that_the_standby_may_not_have_is_not_acknowledged()
    {
        await using var postgres = await PostgreSqlServer.StartAsync();
        var database = await postgres.CreateDatabaseAsync();
        await using var server = await ServerUnderTest.StartAsync(On(database));
        await server.AddTokenAsync("W1", Codes.Secret);
        _ = await server.Client(Roles.RelyingParty);
        // A standby that never comes: a commit waits for it until the wait is cancelled, and then reports success.
        await postgres.ConfigureAsync("synchronous_standby_names", "nobody");

        await Assert.ThrowsAsync<HttpRequestException>(() => server.AcceptsAsync("W1", Codes.Hotp(Codes.Secret, 0)));
    }

    private static async Task<string> RefusalAsync(string? connectionString)
    {
        var refusal = await Assert.ThrowsAnyAsync<InvalidOperationException>(() => ServerUnderTest.StartAsync(On(connectionString)));
        return refusal.Message;
    }

    private static Dictionary<string, string?> On(string? connectionString) =>
        new() { ["Storage:Provider"] = "PostgreSql", ["ConnectionStrings:Oath"] = connectionString };

    private static async Task<string?> SettingAsync(NpgsqlConnection connection, string name)
    {
        await using var show = new NpgsqlCommand($"SHOW {name}", connection);
        return (string?)await show.ExecuteScalarAsync(Cancel);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
