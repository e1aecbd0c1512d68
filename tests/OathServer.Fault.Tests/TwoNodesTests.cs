using System.Diagnostics;
using OathServer.Fault.Tests.History;
using OathServer.Fault.Tests.Nodes;
using OathServer.Tests.Databases;

namespace OathServer.Fault.Tests;

/// <summary>Two server processes on one PostgreSQL, and clients that do their worst.</summary>
public class TwoNodesTests
{
    private const int Tokens = 16;
    private const int ClientsANode = 16;

    [Fact]
    public async Task Every_counter_is_accepted_at_most_once_by_two_nodes_under_fire()
    {
        await using var postgres = await PostgreSqlServer.StartAsync();
        var database = await postgres.CreateDatabaseAsync();
        await using var fleet = await Fleet.CreateAsync(database, Tokens, codes: Math.Max(10_000, Effort.Requests / Tokens));
        await using var one = await NodeProcess.StartAsync(fleet.Environment(database));
        await using var two = await NodeProcess.StartAsync(fleet.Environment(database));
        using var workload = new Workload(fleet, [one.Address, two.Address], seed: 1);

        var started = Stopwatch.GetTimestamp();
        workload.Start(ClientsANode);
        await workload.UntilRequestsAsync(Effort.Requests);
        await workload.StopAsync();
        var took = Stopwatch.GetElapsedTime(started);

        var history = await Fleet.HistoryAsync(database, workload);
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{workload.Requests} requests, {workload.Accepted} accepted, {took.TotalSeconds:0.0} s, {workload.Acts.Count} acts of staff; "
            + string.Join(", ", history.Attempts.GroupBy(a => a.Answer).Select(g => $"{g.Key} {g.Count()}")));
        Assert.Empty(HistoryChecker.Check(history, Effort.LongestReply));
        Assert.True(workload.Requests >= Effort.Requests, "the clients stopped early");
        // A machine that is busy elsewhere may time a statement out, which is a 503; a broken connection never is right here.
        Assert.DoesNotContain(history.Attempts, a => a.Answer == Answer.Lost);
    }

    [Fact]
    public async Task A_node_is_killed()
    {
        await using var postgres = await PostgreSqlServer.StartAsync();
        await new FaultRounds().RunAsync(await postgres.CreateDatabaseAsync(), rounds: 40, async (nodes, round, back) =>
        {
            var victim = nodes[round % 2];
            await victim.KillAsync();
            await back.OthersGoOnAsync();
            var since = Stopwatch.GetTimestamp();
            if (round % 5 == 0)
            {
                await victim.StartAgainAsync();
            }
            else
            {
                // Forty starts on cores that sixteen clients keep busy take minutes.
                await back.InQuietAsync(victim.StartAgainAsync);
            }

            await back.SinceAsync(since);
        });
    }
}
