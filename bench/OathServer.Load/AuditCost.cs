using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection.Extensions;
using OathServer.Operations;
using OathServer.Storage;
using OathServer.Tests.Databases;

namespace OathServer.Load;

/// <summary>
/// What it costs the hot path that every validation is in the trail: the whole server against the same server whose writer hands
/// its changes an empty log, so that no entry is stored, chained or put into the row of the batch. Both run through the same
/// wrapping, in turns; only here can entries be left out. What packing an entry takes is measured apart and added.
/// </summary>
internal static class AuditCost
{
    public const string Logged = "self-logged", Unlogged = "self-unlogged";

    private const int Connections = 64;
    private const double CostMax = 0.10;

    public static async Task<int> RunAsync(int tokens, bool onPostgreSql)
    {
        await using var cluster = onPostgreSql ? await PostgreSqlServer.StartAsync("shared_buffers=256MB", "max_wal_size=2GB") : null;
        using var withDatabase = await LoadedDatabase.MakeAsync(tokens, cluster is null ? null : await cluster.CreateDatabaseAsync() + ";Timeout=30;Command Timeout=60");
        using var withoutDatabase = await LoadedDatabase.MakeAsync(tokens, cluster is null ? null : await cluster.CreateDatabaseAsync() + ";Timeout=30;Command Timeout=60");
        var (withCodes, withoutCodes) = (new CodeBook(tokens), new CodeBook(tokens));
        using var with = ServerProcess.Peer(Logged, withDatabase.Settings);
        using var without = ServerProcess.Peer(Unlogged, withoutDatabase.Settings);
        Ratios.Warm(with, withDatabase, withCodes);
        Ratios.Warm(without, withoutDatabase, withoutCodes);
        using var withDriver = new HttpDriver(with.Address, Connections, new ValidationRequests(with.Address, withDatabase.ApiKey, withCodes), with.Process);
        using var withoutDriver = new HttpDriver(without.Address, Connections, new ValidationRequests(without.Address, withoutDatabase.ApiKey, withoutCodes), without.Process);
        var (logged, unlogged) = (new List<Window>(), new List<Window>());
        var slice = TimeSpan.FromMilliseconds(350);
        for (var round = 0; round < 41; round++)
        {
            withCodes.Prepare(32_000);
            withoutCodes.Prepare(32_000);
            if (round % 2 == 0)
            {
                logged.Add(withDriver.Run(slice));
                unlogged.Add(withoutDriver.Run(slice));
            }
            else
            {
                unlogged.Add(withoutDriver.Run(slice));
                logged.Add(withDriver.Run(slice));
            }
        }

        Console.WriteLine("case\tpeer\tours\tpeer\tratio");
        var name = $"audit-{(onPostgreSql ? "postgresql" : "sqlite")}-c{Connections}";
        var rate = Line("requests-per-s", w => w.PerSecond, "0");
        Line("server-cpu-us", w => w.ServerCpuMicroseconds, "0.0");
        Line("p99-ms", w => w.P99, "0.000");
        var packing = Packing();
        var microseconds = 1e6 / Ratios.Median(unlogged.Select(w => w.PerSecond));
        var cost = (1 / rate) - 1 + (packing / microseconds);
        Ratios.Print($"{name}-packing-us", "nothing", packing, 0, packing, "0.000");
        Ratios.Print($"{name}-cost-of-all", "floor-10-percent", cost, CostMax, cost / CostMax, "0.000");
        var refused = logged.Concat(unlogged).Sum(w => w.Refused);
        if (refused > 0)
        {
            Console.Error.WriteLine($"{refused} fresh codes were refused: these figures count for nothing.");
        }

        return refused == 0 && cost <= CostMax ? 0 : 1;

        double Line(string what, Func<Window, double> value, string format)
        {
            var ratio = Ratios.Median(logged.Zip(unlogged, (l, u) => value(l) / value(u)));
            Ratios.Print($"{name}-{what}", "no-entries", Ratios.Median(logged.Select(value)), Ratios.Median(unlogged.Select(value)), ratio, format);
            return ratio;
        }
    }

    /// <summary>The whole server, told by its environment what it is; its counter store wrapped.</summary>
    public static async Task ServeAsync(bool logged)
    {
        await using var app = OathHost.Build(settings: null, services =>
        {
            var real = services.Last(s => s.ServiceType == typeof(ICounterStore));
            services.RemoveAll<ICounterStore>();
            services.AddSingleton<ICounterStore>(provider => new Wrapped((ICounterStore)real.ImplementationFactory!(provider), logged));
        });
        await OathHost.StartAsync(app, default);
        await app.WaitForShutdownAsync();
    }

    private static double Packing()
    {
        const int Entries = 1024;
        const int Rounds = 2000;
        var log = new ValidationLog();
        var times = new List<double>();
        var now = DateTimeOffset.UnixEpoch;
        for (var round = 0; round < Rounds; round++)
        {
            log.Clear();
            var start = Stopwatch.GetTimestamp();
            for (var i = 0; i < Entries; i++)
            {
                log.Add(now, i, 1, Outcome.Accepted, i, generation: 1);
            }

            times.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds / Entries);
        }

        return Ratios.Median(times);
    }

    /// <summary>Puts each change into one that is used again, which decides on a log of its own or on the real one.</summary>
    private sealed class Wrapped(ICounterStore store, bool logged) : ICounterStore
    {
        private readonly Change[] changes = [.. Enumerable.Range(0, CounterCommit.BatchMax).Select(_ => new Change(logged))];
        private readonly List<CounterChange> batch = new(CounterCommit.BatchMax);

        public int Commit(IReadOnlyList<CounterChange> asked, DateTimeOffset now)
        {
            batch.Clear();
            for (var i = 0; i < asked.Count; i++)
            {
                changes[i].Inner = asked[i];
                batch.Add(changes[i]);
            }

            return store.Commit(batch, now);
        }

        public void Dispose() => store.Dispose();

        private sealed class Change(bool logged) : CounterChange
        {
            private readonly ValidationLog dropped = new();

            public CounterChange Inner { get; set; } = null!;

            public override ReadOnlySpan<long> TokenIds => Inner.TokenIds;

            public override bool NeedsHolder => Inner.NeedsHolder;

            public override void Decide(CounterRows rows, DateTimeOffset now, ValidationLog log)
            {
                dropped.Clear();
                Inner.Decide(rows, now, logged ? log : dropped);
            }
        }
    }
}
