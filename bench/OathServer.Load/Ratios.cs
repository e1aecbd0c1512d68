using System.Diagnostics;
using System.Globalization;
using OathServer.Tests.Databases;

namespace OathServer.Load;

/// <summary>
/// The running server against its peers on the same cores, on both stores: short slices of peer and ours alternate, the
/// ratio is taken inside each pair, and medians are printed. Every code is used once and must be accepted.
/// </summary>
internal static class Ratios
{
    /// <summary>Added to a connection string: a machine that is busy otherwise still starts.</summary>
    private const string Patient = ";Timeout=30;Command Timeout=60";

    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(350);

    public static async Task<int> RunAsync(int tokens, string? only)
    {
        Console.WriteLine("case\tpeer\tours\tpeer\tratio");
        var refused = 0;
        if (only is null or "sqlite")
        {
            using var database = await LoadedDatabase.MakeAsync(tokens);
            refused += Compare("sqlite-full", database, Path.Combine(database.Settings["Data:Folder"]!, "usual.db"));
        }

        if (only is null or "postgresql")
        {
            // Its own settings for durability (all on), memory as one would give it.
            await using var cluster = await PostgreSqlServer.StartAsync("shared_buffers=256MB", "max_wal_size=2GB");
            using var database = await LoadedDatabase.MakeAsync(tokens, await cluster.CreateDatabaseAsync() + Patient);
            refused += Compare("postgresql-on", database, (await cluster.CreateDatabaseAsync()).Replace("Size=16", "Size=64", StringComparison.Ordinal));
        }

        if (only is null)
        {
            await DurableAdvances.RunAsync(tokens, rounds: 5);
        }

        if (refused > 0)
        {
            Console.Error.WriteLine($"{refused} fresh codes were refused: these figures count for nothing.");
        }

        return refused == 0 ? 0 : 1;
    }

    /// <summary>Two published servers, on databases of their own: what a change to the server is worth.</summary>
    public static async Task<int> VersusAsync(int tokens, string other, int connections, bool onPostgreSql)
    {
        await using var cluster = onPostgreSql ? await PostgreSqlServer.StartAsync("shared_buffers=256MB", "max_wal_size=2GB") : null;
        using var database = await LoadedDatabase.MakeAsync(tokens, cluster is null ? null : await cluster.CreateDatabaseAsync() + Patient);
        using var otherDatabase = await LoadedDatabase.MakeAsync(tokens, cluster is null ? null : await cluster.CreateDatabaseAsync() + Patient);
        var (codes, otherCodes) = (new CodeBook(tokens), new CodeBook(tokens));
        using var ours = ServerProcess.Oath(database.Settings);
        using var theirs = ServerProcess.Oath(otherDatabase.Settings, Path.Combine(other, "OathServer.dll"));
        Warm(ours, database, codes);
        Warm(theirs, otherDatabase, otherCodes);
        otherCodes.Prepare(90_000 * 15);
        return Compare($"c{connections}", other, connections, 21, theirs, new ValidationRequests(theirs.Address, otherDatabase.ApiKey, otherCodes), ours, database, codes);
    }

    private static int Compare(string store, LoadedDatabase database, string usualDatabase)
    {
        var codes = new CodeBook(database.Tokens);
        using var bare = ServerProcess.Peer("peer-bare", []);
        using var ours = ServerProcess.Oath(database.Settings);
        Warm(ours, database, codes, bare);
        var refused = 0;
        foreach (var (connections, rounds) in new[] { (64, 21), (16, 15), (1, 9) })
        {
            refused += Compare($"{store}-c{connections}", "bare-kestrel", connections, rounds,
                bare, new ConstantRequests(bare.Address, database.ApiKey), ours, database, codes);
        }

        Allocations($"{store}-c64", bare, ours, database, codes);
        var fewer = Math.Min(database.Tokens, 20_000);
        Peers.FillUsual(usualDatabase, fewer);
        using var usual = ServerProcess.Peer("peer-usual", [new("Load:Usual", usualDatabase)]);
        var usualCodes = new CodeBook(fewer);
        usualCodes.Prepare(60_000);
        var requests = new ValidationRequests(usual.Address, null, usualCodes);
        using (var driver = new HttpDriver(usual.Address, 64, requests))
        {
            driver.Run(TimeSpan.FromSeconds(2));
        }

        return refused + Compare($"{store}-c64", "ef-otpnet-savechanges", 64, 7, usual, requests, ours, database, codes);
    }

    /// <summary>The compiler has done its work and every credential was seen once.</summary>
    public static void Warm(ServerProcess ours, LoadedDatabase database, CodeBook codes, ServerProcess? bare = null)
    {
        codes.Prepare(database.Tokens);
        using var driver = new HttpDriver(ours.Address, 64, new ValidationRequests(ours.Address, database.ApiKey, codes));
        var since = Stopwatch.GetTimestamp();
        while (codes.Ready > 0)
        {
            driver.Run(TimeSpan.FromSeconds(5));
        }

        Console.Error.WriteLine($"warm after {Stopwatch.GetElapsedTime(since).TotalSeconds:0.0} s, {database.Tokens} credentials");
        if (bare is not null)
        {
            using var other = new HttpDriver(bare.Address, 64, new ConstantRequests(bare.Address, null));
            other.Run(TimeSpan.FromSeconds(1.5));
        }
    }

    private static int Compare(
        string name, string peerName, int connections, int rounds,
        ServerProcess peer, Requests peerRequests, ServerProcess ours, LoadedDatabase database, CodeBook codes)
    {
        using var peerDriver = new HttpDriver(peer.Address, connections, peerRequests, peer.Process);
        using var oursDriver = new HttpDriver(
            ours.Address, connections, new ValidationRequests(ours.Address, database.ApiKey, codes), ours.Process);
        var theirs = new List<Window>();
        var mine = new List<Window>();
        for (var round = 0; round < rounds; round++)
        {
            codes.Prepare((int)(Slice.TotalSeconds * 90_000));
            if (round % 2 == 0)
            {
                theirs.Add(peerDriver.Run(Slice));
                mine.Add(oursDriver.Run(Slice));
            }
            else
            {
                mine.Add(oursDriver.Run(Slice));
                theirs.Add(peerDriver.Run(Slice));
            }
        }

        Line($"{name}-requests-per-s", w => w.PerSecond, "0");
        Line($"{name}-p50-ms", w => w.P50, "0.000");
        Line($"{name}-p99-ms", w => w.P99, "0.000");
        Line($"{name}-p99.9-ms", w => w.P999, "0.000");
        Line($"{name}-longest-of-a-slice-ms", w => w.Longest, "0.000");
        Line($"{name}-server-cpu-us", w => w.ServerCpuMicroseconds, "0.0");
        var (ourLongest, theirLongest) = (mine.Max(w => w.Longest), theirs.Max(w => w.Longest));
        Print($"{name}-longest-of-all-ms", peerName, ourLongest, theirLongest, ourLongest / theirLongest, "0.0");
        return mine.Sum(w => w.Refused);

        void Line(string what, Func<Window, double> value, string format) => Print(
            what, peerName, Median(mine.Select(value)), Median(theirs.Select(value)), Median(mine.Zip(theirs, (m, t) => value(m) / value(t))), format);
    }

    /// <summary>What a request leaves for the collector.</summary>
    private static void Allocations(string name, ServerProcess bare, ServerProcess ours, LoadedDatabase database, CodeBook codes)
    {
        codes.Prepare(90_000);
        var own = EachOf(ours, new ValidationRequests(ours.Address, database.ApiKey, codes));
        var peer = EachOf(bare, new ConstantRequests(bare.Address, database.ApiKey));
        Print($"{name}-allocated-bytes-a-request", "bare-kestrel", own, peer, own - peer, "0", "0 more");

        static double EachOf(ServerProcess server, Requests requests)
        {
            using var driver = new HttpDriver(server.Address, 64, requests);
            driver.Run(TimeSpan.FromMilliseconds(100));
            var before = server.AllocatedBytes();
            var window = driver.Run(TimeSpan.FromSeconds(0.7));
            return (double)(server.AllocatedBytes() - before) / window.Requests;
        }
    }

    public static void Print(string what, string peer, double ours, double theirs, double ratio, string format, string ratioFormat = "0.000") =>
        Console.WriteLine(string.Join('\t', what, peer, Text(ours, format), Text(theirs, format), Text(ratio, ratioFormat)));

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }
}
