using System.Diagnostics;
using System.Net;
using Npgsql;
using OathServer.Fault.Tests.Disk;
using OathServer.Fault.Tests.History;
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
    private const int Tokens = 16;
    private const int ClientsANode = 8;
    private const int Between = 150;

    private readonly List<TimeSpan> recoveries = [];

    [Fact]
    public async Task A_node_is_killed()
    {
        await using var postgres = await PostgreSqlServer.StartAsync();
        await RunAsync(await postgres.CreateDatabaseAsync(), async (nodes, round, back) =>
        {
            var victim = nodes[round % 2];
            await victim.KillAsync();
            await back.OthersGoOnAsync();
            var since = Stopwatch.GetTimestamp();
            await victim.StartAgainAsync();
            await back.SinceAsync(since);
        });
    }

    [Fact]
    public async Task PostgreSQL_is_killed_and_started_again()
    {
        await using var postgres = await PostgreSqlServer.StartAsync();
        await RunAsync(await postgres.CreateDatabaseAsync(), async (_, _, back) =>
        {
            await postgres.KillAsync();
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
        await RunAsync(direct, nodeDatabase: through, fault: async (nodes, round, back) =>
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
        await RunAsync(database, async (_, _, back) =>
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

    [Fact]
    public async Task A_node_has_no_connection_left_in_its_pool()
    {
        await using var postgres = await PostgreSqlServer.StartAsync();
        var database = await postgres.CreateDatabaseAsync();
        var narrow = new NpgsqlConnectionStringBuilder(database) { MaxPoolSize = 2 }.ConnectionString;
        await RunAsync(database, nodeDatabase: narrow, fault: async (_, _, back) =>
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
        await RunAsync(await postgres.CreateDatabaseAsync(), async (_, _, back) =>
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
        await RunAsync(database, async (nodes, round, back) =>
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
        await using var fleet = await Fleet.CreateAsync(database, Tokens, codes: 20_000 * Math.Max(1, Effort.Rounds / 4));
        for (var round = 0; round < Effort.Rounds; round++)
        {
            var standby = await PostgreSqlServer.StandbyAsync(primary, "standby");
            await primary.ConfigureAsync("synchronous_standby_names", "standby");
            var name = new NpgsqlConnectionStringBuilder(database).Database!;
            var both = $"Host=127.0.0.1:{primary.Port},127.0.0.1:{standby.Port};Username=oath;Database={name};Maximum Pool Size=16";
            await using var one = await NodeProcess.StartAsync(fleet.Environment(both));
            await using var two = await NodeProcess.StartAsync(fleet.Environment(both));
            using var workload = new Workload(fleet, [one.Address, two.Address], seed: round);
            await workload.SynchroniseAsync();
            workload.Start(ClientsANode);
            await workload.UntilAcceptedAsync(Between);

            await primary.KillAsync();
            await standby.ConfigureAsync("synchronous_standby_names", "");
            await standby.PromoteAsync();
            await new Recovery(workload, recoveries).SinceAsync(Stopwatch.GetTimestamp());
            await workload.UntilAcceptedAsync(Between);
            await workload.StopAsync();

            database = standby.ConnectionString(name);
            await JudgeAsync(database, workload);
            await primary.DisposeAsync();
            primary = standby;
        }

        await primary.DisposeAsync();
        Report();
    }

    private async Task RunAsync(string database, Func<NodeProcess[], int, Recovery, Task> fault, string? nodeDatabase = null)
    {
        await using var fleet = await Fleet.CreateAsync(database, Tokens, codes: 20_000 * Math.Max(1, Effort.Rounds / 4));
        await using var one = await NodeProcess.StartAsync(fleet.Environment(nodeDatabase ?? database));
        await using var two = await NodeProcess.StartAsync(fleet.Environment(nodeDatabase ?? database));
        using var workload = new Workload(fleet, [one.Address, two.Address], seed: 7);
        workload.Start(ClientsANode);
        for (var round = 0; round < Effort.Rounds; round++)
        {
            await workload.UntilAcceptedAsync(Between);
            await fault([one, two], round, new Recovery(workload, recoveries));
        }

        await workload.UntilAcceptedAsync(Between);
        await workload.StopAsync();
        await JudgeAsync(database, workload);
        Report();
    }

    private static async Task JudgeAsync(string database, Workload workload)
    {
        var history = await Fleet.HistoryAsync(database, workload);
        var longest = history.Attempts.Max(a => Stopwatch.GetElapsedTime(a.Started, a.Ended));
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{workload.Requests} requests, {workload.Acts.Count} acts of staff; longest reply {longest.TotalSeconds:0.00} s; "
            + string.Join(", ", history.Attempts.GroupBy(a => a.Answer).Select(g => $"{g.Key} {g.Count()}")));
        Assert.Empty(HistoryChecker.Check(history, Effort.LongestReply));
    }

    private void Report() => TestContext.Current.TestOutputHelper!.WriteLine(
        $"both nodes accepted again after {string.Join(", ", recoveries.Select(r => $"{r.TotalSeconds:0.00}"))} s");

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
