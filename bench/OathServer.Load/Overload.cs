using System.Globalization;
using OathServer.Tests.Databases;

namespace OathServer.Load;

/// <summary>
/// Twice the load the server can carry, for a minute and longer: it turns away what it cannot do at once, serves the rest within a
/// bound, and afterwards is as before. The soak holds it at 60 % instead and looks at what grows.
/// </summary>
internal static class Overload
{
    private const int Connections = 1536;

    public static async Task<int> RunAsync(int tokens, int seconds, bool onPostgreSql)
    {
        await using var stand = await Stand.StartAsync(tokens, onPostgreSql);
        var capacity = stand.Capacity();
        using var loop = new OpenLoop(stand.Server.Address, Connections, stand.Database.ApiKey, stand.Codes);
        _ = loop.Run(0.8 * capacity, TimeSpan.FromSeconds(2));
        var before = Said("80-percent", loop.Run(0.8 * capacity, TimeSpan.FromSeconds(10)));
        var held = stand.Memory("before");
        var over = Said("twice", loop.Run(2 * capacity, TimeSpan.FromSeconds(seconds)));
        var first = Said("first-second-after", loop.Run(0.8 * capacity, TimeSpan.FromSeconds(1)));
        var after = Said("80-percent-after", loop.Run(0.8 * capacity, TimeSpan.FromSeconds(10)));
        var grown = stand.Memory("after") - held;
        List<string> faults = [];
        Hold(over.Shed > 0, "nothing was turned away: it was not twice the load");
        Hold(over.Refused + before.Refused + first.Refused + after.Refused == 0, "a fresh code was refused");
        Hold(over.Other + before.Other + first.Other + after.Other == 0, "an answer was neither 200, 429 nor 503");
        Hold(over.WithoutRetryAfter == 0, "a refusal did not say when to come again");
        Hold(over.AcceptedP99 <= 250, $"p99 of accepted requests was {over.AcceptedP99:0} ms");
        Hold(first.AcceptedP99 <= 250 && first.Shed < 0.05 * first.Offered, "the first second afterwards was not normal");
        Hold(after.Shed == 0 && after.AcceptedP99 <= Math.Max(3 * before.AcceptedP99, 50), "it was not as before afterwards");
        Hold(grown < 32 << 20, $"{grown / 1048576.0:0.0} MB more are held than before");
        foreach (var fault in faults)
        {
            Console.Error.WriteLine(fault);
        }

        return faults.Count == 0 ? 0 : 1;

        void Hold(bool holds, string otherwise)
        {
            if (!holds)
            {
                faults.Add(otherwise);
            }
        }
    }

    /// <summary>T13: 60 % for <paramref name="seconds"/>; one line a minute (or a tenth of the time).</summary>
    public static async Task<int> SoakAsync(int tokens, int seconds, bool onPostgreSql)
    {
        await using var stand = await Stand.StartAsync(tokens, onPostgreSql);
        var capacity = stand.Capacity();
        using var loop = new OpenLoop(stand.Server.Address, Connections, stand.Database.ApiKey, stand.Codes);
        var slice = TimeSpan.FromSeconds(Math.Min(60, Math.Max(1, seconds / 10)));
        _ = Said("warm", loop.Run(0.6 * capacity, slice));
        var (held, threads, handles) = (stand.Memory("warm"), stand.Threads, stand.Handles);
        var bad = 0;
        for (var passed = slice; passed.TotalSeconds < seconds; passed += slice)
        {
            var phase = Said("60-percent", loop.Run(0.6 * capacity, slice));
            bad += phase.Refused + phase.Other;
            _ = stand.Memory("now");
        }

        var grown = (stand.Memory("end") - held) / 1048576.0;
        var hours = seconds / 3600.0;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"soak\tgrown_mb\t{grown:0.0}\tmb_an_hour\t{grown / hours:0.0}\tthreads\t{threads}\t{stand.Threads}\thandles\t{handles}\t{stand.Handles}\trefused_or_failed\t{bad}"));
        return bad == 0 && grown < Math.Max(8, hours) && stand.Handles <= handles + 32 && stand.Threads <= threads + 16 ? 0 : 1;
    }

    private static Phase Said(string name, Phase phase)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{name}\toffered/s {phase.Offered:0}\taccepted/s {phase.Accepted:0}\tshed/s {phase.Shed:0}\taccepted p50 {phase.AcceptedP50:0.0} p99 {phase.AcceptedP99:0.0} ms\tshed p99 {phase.ShedP99:0.0} ms\tclient late p99 {phase.Late:0.0} ms\trefused {phase.Refused}\tother {phase.Other}"));
        return phase;
    }

    /// <summary>A warm server on a database of its own.</summary>
    private sealed class Stand : IAsyncDisposable
    {
        private readonly PostgreSqlServer? cluster;

        private Stand(PostgreSqlServer? cluster, LoadedDatabase database, ServerProcess server, CodeBook codes) =>
            (this.cluster, Database, Server, Codes) = (cluster, database, server, codes);

        public LoadedDatabase Database { get; }

        public ServerProcess Server { get; }

        public CodeBook Codes { get; }

        public int Threads => Refreshed().Threads.Count;

        public int Handles => Directory.GetFileSystemEntries($"/proc/{Server.Process.Id}/fd").Length;

        public static async Task<Stand> StartAsync(int tokens, bool onPostgreSql)
        {
            var cluster = onPostgreSql ? await PostgreSqlServer.StartAsync("shared_buffers=256MB", "max_wal_size=2GB") : null;
            var database = await LoadedDatabase.MakeAsync(tokens, cluster is null ? null : await cluster.CreateDatabaseAsync() + ";Timeout=30;Command Timeout=60");
            var codes = new CodeBook(tokens);
            var server = ServerProcess.Oath(database.Settings);
            Ratios.Warm(server, database, codes);
            return new Stand(cluster, database, server, codes);
        }

        /// <summary>Accepted a second by 64 callers that wait for their answers.</summary>
        public double Capacity()
        {
            using var driver = new HttpDriver(Server.Address, 64, new ValidationRequests(Server.Address, Database.ApiKey, Codes), Server.Process);
            var rates = new List<double>();
            for (var i = 0; i < 6; i++)
            {
                Codes.Prepare(90_000);
                var window = driver.Run(TimeSpan.FromSeconds(1));
                rates.Add(window.PerSecond);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"capacity\taccepted/s {window.PerSecond:0}\tp99 {window.P99:0.0} ms\trefused {window.Refused}"));
            }

            return Ratios.Median(rates);
        }

        /// <summary>Managed bytes held after a collection; the process's resident ones are printed beside it.</summary>
        public long Memory(string when)
        {
            var held = Server.HeldBytes();
            var wal = new FileInfo(Path.Combine(Database.Settings["Data:Folder"]!, "oath.db-wal"));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"memory-{when}\theld {held / 1048576.0:0.0} MB\tresident {Refreshed().WorkingSet64 / 1048576.0:0} MB\tthreads {Threads}\thandles {Handles}\twal {(wal.Exists ? wal.Length / 1048576.0 : 0):0.0} MB"));
            return held;
        }

        public async ValueTask DisposeAsync()
        {
            Server.Dispose();
            Database.Dispose();
            if (cluster is not null)
            {
                await cluster.DisposeAsync();
            }
        }

        private System.Diagnostics.Process Refreshed()
        {
            Server.Process.Refresh();
            return Server.Process;
        }
    }
}
