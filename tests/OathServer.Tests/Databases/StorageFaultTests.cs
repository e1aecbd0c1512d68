using Npgsql;
using OathServer.Storage;

namespace OathServer.Tests.Databases;

public sealed class StorageFaultTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_connection_lost_in_a_transaction_passes_for_the_statement_it_hit_and_for_the_next()
    {
        var database = await (await SharedPostgreSql.Server()).CreateDatabaseAsync();
        await using var source = NpgsqlDataSource.Create(database);
        await using var connection = await source.OpenConnectionAsync(Cancel);
        await using var transaction = await connection.BeginTransactionAsync(Cancel);
        await using var other = await source.OpenConnectionAsync(Cancel);
        await using var kill = new NpgsqlCommand("select pg_terminate_backend($1)", other) { Parameters = { new() { Value = connection.ProcessID } } };
        await kill.ExecuteScalarAsync(Cancel);

        var hit = await Assert.ThrowsAnyAsync<Exception>(() => AskAsync(connection, transaction));
        var next = await Assert.ThrowsAnyAsync<Exception>(() => AskAsync(connection, transaction));

        Assert.True(StorageFault.IsPassing(hit), hit.ToString());
        Assert.IsType<InvalidOperationException>(next);
        Assert.True(StorageFault.IsPassing(next), next.ToString());
    }

    [Fact]
    public async Task A_statement_that_is_wrong_does_not_pass()
    {
        var database = await (await SharedPostgreSql.Server()).CreateDatabaseAsync();
        await using var source = NpgsqlDataSource.Create(database);
        await using var wrong = source.CreateCommand("select nothing from nowhere");

        var fault = await Assert.ThrowsAsync<PostgresException>(() => wrong.ExecuteScalarAsync(Cancel));

        Assert.False(StorageFault.IsPassing(fault));
        Assert.False(StorageFault.IsPassing(new InvalidOperationException("ours")));
    }

    private static async Task AskAsync(NpgsqlConnection connection, NpgsqlTransaction transaction)
    {
        await using var command = new NpgsqlCommand("select 1", connection);
        command.Transaction = transaction;
        await command.ExecuteScalarAsync(Cancel);
    }
}
