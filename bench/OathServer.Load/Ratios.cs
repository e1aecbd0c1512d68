using System.Diagnostics;
using System.Globalization;

namespace OathServer.Load;

/// <summary>
/// The running server against its peers on the same cores: windows of peer and ours alternate, the ratio is taken
/// inside each round, and medians are printed. Every code is used once and must be accepted.
/// </summary>
internal static class Ratios
{
    private static readonly TimeSpan Length = TimeSpan.FromMilliseconds(700);

    public static async Task<int> RunAsync(int tokens, string? postgreSql)
    {
        var store = postgreSql is null ? "sqlite-full" : "postgresql-on";
        using var database = await LoadedDatabase.MakeAsync(tokens, postgreSql);
        var codes = new CodeBook(tokens);
        using var bare = ServerProcess.Peer("peer-bare", []);
        using var ours = ServerProcess.Oath(database.Settings);
        Warm(ours, database, codes, bare);

        Console.WriteLine("case\tpeer\tours\tpeer\tratio");
        var refused = 0;
        foreach (var (connections, rounds) in new[] { (64, 7), (16, 5), (1, 5) })
        {
            refused += Compare($"{store}-c{connections}", "bare-kestrel", connections, rounds,
                bare, new ConstantRequests(bare.Address, database.ApiKey), ours, database, codes);
        }

        if (postgreSql is null)
        {
            var file = Path.Combine(database.Settings["Data:Folder"]!, "usual.db");
            Peers.FillUsual(file, Math.Min(tokens, 20_000));
            using var usual = ServerProcess.Peer("peer-usual", [new("Load:Usual", file)]);
            var usualCodes = new CodeBook(Math.Min(tokens, 20_000));
            usualCodes.Prepare(30_000);
            refused += Compare($"{store}-c64", "ef-otpnet-savechanges", 64, 3,
                usual, new ValidationRequests(usual.Address, null, usualCodes), ours, database, codes);
        }

        if (refused > 0)
        {
            Console.Error.WriteLine($"{refused} fresh codes were refused: these figures count for nothing.");
        }

        return refused == 0 ? 0 : 1;
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
            codes.Prepare((int)(Length.TotalSeconds * 90_000));
            if (round % 2 == 0)
            {
                theirs.Add(peerDriver.Run(Length));
                mine.Add(oursDriver.Run(Length));
            }
            else
            {
                mine.Add(oursDriver.Run(Length));
                theirs.Add(peerDriver.Run(Length));
            }
        }

        Line($"{name}-requests-per-s", peerName, w => w.PerSecond, "0");
        Line($"{name}-p50-ms", peerName, w => w.P50, "0.000");
        Line($"{name}-p99-ms", peerName, w => w.P99, "0.000");
        Line($"{name}-p99.9-ms", peerName, w => w.P999, "0.000");
        Line($"{name}-longest-ms", peerName, w => w.Longest, "0.000");
        Line($"{name}-server-cpu-us", peerName, w => w.ServerCpuMicroseconds, "0.0");
        return mine.Sum(w => w.Refused);

        void Line(string what, string against, Func<Window, double> value, string format)
        {
            var ratio = Median(mine.Zip(theirs, (m, t) => value(m) / value(t)));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{what}\t{against}\t{Median(mine.Select(value)).ToString(format, CultureInfo.InvariantCulture)}\t{Median(theirs.Select(value)).ToString(format, CultureInfo.InvariantCulture)}\t{ratio:0.000}"));
        }
    }

    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }
}
