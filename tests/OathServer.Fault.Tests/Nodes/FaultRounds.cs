using System.Diagnostics;
using OathServer.Fault.Tests.History;

namespace OathServer.Fault.Tests.Nodes;

/// <summary>Two server processes and eight clients each, while something breaks, round after round.</summary>
internal sealed class FaultRounds
{
    public const int ClientsANode = 8;

    /// <summary>Codes accepted before a fault, and after the last.</summary>
    public const int Between = 150;

    private const int Tokens = 16;

    private readonly List<TimeSpan> recoveries = [];

    public static Task<Fleet> FleetAsync(string database, int rounds) =>
        Fleet.CreateAsync(database, Tokens, codes: 20_000 * Math.Max(1, rounds / 4));

    public Recovery RecoveryOf(Workload workload) => new(workload, recoveries);

    /// <summary>Runs <paramref name="fault"/> so many times, or as many as were asked for, and judges.</summary>
    public async Task RunAsync(string database, int rounds, Func<NodeProcess[], int, Recovery, Task> fault, string? nodeDatabase = null)
    {
        rounds = Effort.Rounds(rounds);
        await using var fleet = await FleetAsync(database, rounds);
        await using var one = await NodeProcess.StartAsync(fleet.Environment(nodeDatabase ?? database));
        await using var two = await NodeProcess.StartAsync(fleet.Environment(nodeDatabase ?? database));
        using var workload = new Workload(fleet, [one.Address, two.Address], seed: 7);
        workload.Start(ClientsANode);
        for (var round = 0; round < rounds; round++)
        {
            await workload.UntilAcceptedAsync(Between);
            await fault([one, two], round, RecoveryOf(workload));
        }

        await workload.UntilAcceptedAsync(Between);
        await workload.StopAsync();
        await JudgeAsync(database, workload);
        Report();
    }

    /// <summary>What the clients saw of it was right.</summary>
    public static async Task JudgeAsync(string database, Workload workload)
    {
        var history = await Fleet.HistoryAsync(database, workload);
        var longest = history.Attempts.Max(a => Stopwatch.GetElapsedTime(a.Started, a.Ended));
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{workload.Requests} requests, {workload.Acts.Count} acts of staff; longest reply {longest.TotalSeconds:0.00} s; "
            + string.Join(", ", history.Attempts.GroupBy(a => a.Answer).Select(g => $"{g.Key} {g.Count()}")));
        Assert.Empty(HistoryChecker.Check(history, Effort.LongestReply));
    }

    public void Report() => TestContext.Current.TestOutputHelper!.WriteLine(
        $"both nodes accepted again after {string.Join(", ", recoveries.Select(r => $"{r.TotalSeconds:0.00}"))} s");
}
