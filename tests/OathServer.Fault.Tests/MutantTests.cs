using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Fault.Tests.History;
using OathServer.Fault.Tests.Nodes;
using OathServer.Operations;
using OathServer.Storage;
using OathServer.Tests.Databases;

namespace OathServer.Fault.Tests;

/// <summary>Whether the checker can see: two nodes with a defence taken away, under the same fire.</summary>
public class MutantTests
{
    private const int Tokens = 4;
    private const int ClientsANode = 8;

    private static readonly string Unlocked = CounterSql.Lock.Replace("FOR UPDATE OF c", "", StringComparison.Ordinal);
    private static readonly string Blind = CounterSql.CompareAndSet.Replace(
        "AND c.counter = n.seen AND c.generation = n.generation", "AND n.seen IS NOT NULL AND n.generation IS NOT NULL", StringComparison.Ordinal);

    [Fact]
    public async Task Without_lock_and_compare_and_set_the_checker_finds_codes_accepted_twice()
    {
        var faults = await RunAsync(new CounterSql(Unlocked, Blind), until: 40_000);

        Assert.Contains(faults, f => f.Contains("was accepted 2 times", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_compare_and_set_alone_keeps_the_promise() =>
        Assert.Empty(await RunAsync(new CounterSql(Unlocked, CounterSql.CompareAndSet), until: 3_000));

    [Fact]
    public async Task The_lock_alone_keeps_the_promise() =>
        Assert.Empty(await RunAsync(new CounterSql(CounterSql.Lock, Blind), until: 3_000));

    /// <summary>Runs until something is wrong, or so many requests were sent.</summary>
    private static async Task<List<string>> RunAsync(CounterSql sql, int until)
    {
        await using var postgres = await PostgreSqlServer.StartAsync();
        var database = await postgres.CreateDatabaseAsync();
        await using var fleet = await Fleet.CreateAsync(database, Tokens, codes: 20_000);
        await using var one = await StartAsync(fleet, database, sql);
        await using var two = await StartAsync(fleet, database, sql);
        using var workload = new Workload(fleet, [new(one.Urls.First()), new(two.Urls.First())], seed: 3);
        workload.Start(ClientsANode, staff: false);
        List<string> faults;
        var goal = 0L;
        do
        {
            goal += 1000;
            await workload.UntilRequestsAsync(goal);
            faults = workload.FaultsSoFar();
        }
        while (faults.Count == 0 && goal < until);

        await workload.StopAsync();
        return faults.Count > 0 ? faults : HistoryChecker.Check(await Fleet.HistoryAsync(database, workload), Effort.LongestReply);
    }

    private static async Task<WebApplication> StartAsync(Fleet fleet, string database, CounterSql sql)
    {
        var app = OathHost.Build(fleet.InProcess(database), services => services.AddSingleton<ICounterStore>(provider =>
            new PostgreSqlCounterStore(
                provider.GetRequiredService<PostgreSqlConnections>(), provider.GetRequiredService<StorageStart>().ChainKey, sql)));
        await OathHost.StartAsync(app, CancellationToken.None);
        return app;
    }
}
