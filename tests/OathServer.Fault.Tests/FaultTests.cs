using System.Diagnostics;
using System.Net;
using Npgsql;
using OathServer.Fault.Tests.Disk;
using OathServer.Fault.Tests.Nodes;
using OathServer.Storage;
using OathServer.Tests.Databases;

namespace OathServer.Fault.Tests;

/// <summary>
/// Two server processes and eight clients each, while something breaks, round after round. Afterwards, from what the
/// clients saw: every counter accepted at most once, every acknowledged change present, no fault but 503, no hang.
/// </summary>
public class FaultTests
{
    private readonly FaultRounds rounds = new();

    [Fact]
    public async Task A_node_has_no_connection_left_in_its_pool()
    {
        await using var postgres = await PostgreSqlServer.StartAsync();
        var database = await postgres.CreateDatabaseAsync();
        var narrow = new NpgsqlConnectionStringBuilder(database) { MaxPoolSize = 2 }.ConnectionString;
        await rounds.RunAsync(database, rounds: 1, nodeDatabase: narrow, fault: async (_, _, back) =>
        {
            // Acts of staff wait for the trail with a connection in hand, and then there is none for the others.
            await using (var hog = new NpgsqlConnection(database + ";Pooling=false"))
            {
                await hog.OpenAsync();
                await using var transaction = await hog.BeginTransactionAsync();
                await using (var take = new NpgsqlCommand("LOCK TABLE audit IN EXCLUSIVE MODE", hog))
                {
                    await take.ExecuteNonQueryAsync();
                }

                var answers = await back.StaffAtOnceAsync(8);
                Assert.All(answers, answer => Assert.Equal(HttpStatusCode.ServiceUnavailable, answer));
                await back.OthersGoOnAsync();
            }

            await back.SinceAsync(Stopwatch.GetTimestamp());
        });
    }

    [Fact]
    public async Task The_disk_of_the_database_is_slow()
    {
        using var disk = FaultyDisk.UnderPostgreSql();
        await using var postgres = await PostgreSqlServer.StartOnAsync(disk.Environment);
        await rounds.RunAsync(await postgres.CreateDatabaseAsync(), rounds: 1, async (_, _, back) =>
        {
            // Slow, and all is answered, many in one flush; then slower than anybody waits.
            disk.SlowDown(TimeSpan.FromMilliseconds(300));
            await back.OthersGoOnAsync();
            disk.SlowDown(TimeSpan.FromMinutes(10));
            await back.BothRefuseAsync();
            disk.SlowDown(TimeSpan.Zero);
            await back.SinceAsync(Stopwatch.GetTimestamp());
        });
    }

    /// <summary>What a newer version does to the schema when its first node starts: old nodes go on under it, each leaves in
    /// peace, and the program of today serves a schema it does not know yet.</summary>
    [Fact]
    public async Task The_schema_grows_under_the_nodes_and_each_is_replaced()
    {
        await using var postgres = await PostgreSqlServer.StartAsync();
        var database = await postgres.CreateDatabaseAsync();
        await rounds.RunAsync(database, rounds: 1, async (nodes, round, back) =>
        {
            await MigrateAsync(database, round);
            foreach (var node in nodes)
            {
                await node.LeaveAsync();
                await back.OthersGoOnAsync();
                var since = Stopwatch.GetTimestamp();
                await node.StartAgainAsync();
                await back.SinceAsync(since);
            }
        });
    }

    [Fact]
    public async Task A_synchronous_standby_is_promoted()
    {
        var primary = await PostgreSqlServer.StartAsync();
        var database = await primary.CreateDatabaseAsync();
        await using var fleet = await FaultRounds.FleetAsync(database, Effort.Rounds());
        for (var round = 0; round < Effort.Rounds(); round++)
        {
            var standby = await PostgreSqlServer.StandbyAsync(primary, "standby");
            await primary.ConfigureAsync("synchronous_standby_names", "standby");
            var name = new NpgsqlConnectionStringBuilder(database).Database!;
            var both = $"Host=127.0.0.1:{primary.Port},127.0.0.1:{standby.Port};Username=oath;Database={name};Maximum Pool Size=16";
            await using var one = await NodeProcess.StartAsync(fleet.Environment(both));
            await using var two = await NodeProcess.StartAsync(fleet.Environment(both));
            using var workload = new Workload(fleet, [one.Address, two.Address], seed: round);
            await workload.SynchroniseAsync();
            workload.Start(FaultRounds.ClientsANode);
            await workload.UntilAcceptedAsync(FaultRounds.Between);

            await primary.KillAsync();
            await standby.ConfigureAsync("synchronous_standby_names", "");
            await standby.PromoteAsync();
            await rounds.RecoveryOf(workload).SinceAsync(Stopwatch.GetTimestamp());
            await workload.UntilAcceptedAsync(FaultRounds.Between);
            await workload.StopAsync();

            database = standby.ConnectionString(name);
            await FaultRounds.JudgeAsync(database, workload);
            await primary.DisposeAsync();
            primary = standby;
        }

        await primary.DisposeAsync();
        rounds.Report();
    }

    /// <summary>Columns, an index and a table more, under the lock that a starting node takes.</summary>
    private static async Task MigrateAsync(string database, int round)
    {
        await using var connection = new NpgsqlConnection(database + ";Pooling=false");
        await connection.OpenAsync();
        await using var migrate = new NpgsqlCommand(
            $"""
            SELECT pg_advisory_lock({PostgreSqlChain.LockClass}, 0);
            ALTER TABLE token_counters ADD COLUMN next_{round} integer NOT NULL DEFAULT 0;
            ALTER TABLE tokens ADD COLUMN next_{round} text;
            CREATE INDEX next_{round} ON tokens (next_{round});
            CREATE TABLE next_table_{round} (id bigint PRIMARY KEY);
            INSERT INTO "__EFMigrationsHistory" VALUES ('2999010100{round:D4}_Next', '99.0.0');
            """, connection);
        // The nodes hold locks meanwhile, in another order: as a starting node does, it is tried again.
        while (true)
        {
            try
            {
                await migrate.ExecuteNonQueryAsync();
                return;
            }
            catch (PostgresException held) when (StorageFault.IsPassing(held))
            {
            }
        }
    }
}
