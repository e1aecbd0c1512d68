using System.Diagnostics;
using Npgsql;
using OathServer.Fault.Tests.Nodes;
using OathServer.Tests.Databases;

namespace OathServer.Fault.Tests;

/// <summary>
/// Two server processes and eight clients each, while their database goes away and comes back, round after round; judged as in
/// <see cref="FaultTests"/>.
/// </summary>
public class DatabaseLossTests
{
    /// <summary>Rounds that each change runs of what happens to every database some day.</summary>
    private const int Gate = 5;

    private readonly FaultRounds rounds = new();

    [Fact]
    public async Task PostgreSQL_is_killed_and_started_again()
    {
        await using var postgres = await PostgreSqlServer.StartAsync();
        await rounds.RunAsync(await postgres.CreateDatabaseAsync(), Gate, async (_, round, back) =>
        {
            await postgres.KillAsync();
            if (round == 0)
            {
                // Longer than anybody waits for an answer.
                await back.BothRefuseAsync();
                await Task.Delay(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
            }

            await postgres.StartAgainAsync();
            await back.SinceAsync(Stopwatch.GetTimestamp());
        });
    }

    [Fact]
    public async Task The_network_to_the_database_is_cut()
    {
        await using var postgres = await PostgreSqlServer.StartAsync();
        await using var network = new TcpProxy(postgres.Port);
        var direct = await postgres.CreateDatabaseAsync();
        var through = new NpgsqlConnectionStringBuilder(direct) { Port = network.Port }.ConnectionString;
        await rounds.RunAsync(direct, Gate, nodeDatabase: through, fault: async (nodes, round, back) =>
        {
            if (round % 2 == 0)
            {
                network.FallSilent();
            }
            else
            {
                network.Refuse();
            }

            await back.BothRefuseAsync();
            network.Heal();
            await back.SinceAsync(Stopwatch.GetTimestamp());
        });
    }

    [Fact]
    public async Task The_database_has_no_connection_left()
    {
        await using var postgres = await PostgreSqlServer.StartAsync("max_connections=40");
        var database = await postgres.CreateDatabaseAsync();
        await rounds.RunAsync(database, rounds: 1, async (_, _, back) =>
        {
            var hogs = new List<NpgsqlConnection>();
            // The nodes lose their connections, and others take every place before they are back.
            while (await ClosedOutAsync(database, hogs))
            {
                await TerminateNodesAsync(hogs[0]);
            }

            await back.BothRefuseAsync();
            foreach (var hog in hogs)
            {
                await hog.DisposeAsync();
            }

            await back.SinceAsync(Stopwatch.GetTimestamp());
        });
    }

    private static async Task TerminateNodesAsync(NpgsqlConnection hog)
    {
        await using var end = new NpgsqlCommand(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'OathServer'", hog);
        await end.ExecuteNonQueryAsync();
    }

    /// <summary>Takes every free place; true while a node still has one.</summary>
    private static async Task<bool> ClosedOutAsync(string database, List<NpgsqlConnection> hogs)
    {
        while (true)
        {
            var hog = new NpgsqlConnection(database + ";Pooling=false;Application Name=hog");
            try
            {
                await hog.OpenAsync();
                hogs.Add(hog);
            }
            catch (PostgresException full) when (full.SqlState == PostgresErrorCodes.TooManyConnections)
            {
                await hog.DisposeAsync();
                await using var left = new NpgsqlCommand(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'OathServer'", hogs[0]);
                return await left.ExecuteScalarAsync() is long and > 0;
            }
        }
    }
}
