using System.Diagnostics;

namespace OathServer.Load;

/// <summary>What it costs to grow: the same load on a thousand, a hundred thousand and a million credentials in turns,
/// the time from starting the process to its first verdict, and what the cache holds of each credential.</summary>
internal static class Growth
{
    private const int Connections = 64;
    private const int Rounds = 21;

    /// <summary>Of fewer credentials, what a table begins with is most of it.</summary>
    private const int BytesFrom = 100_000;
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(350);

    public static async Task<int> RunAsync(int[] sizes)
    {
        Console.WriteLine("case\tpeer\tours\tpeer\tratio");
        var grown = new List<Grown>();
        try
        {
            foreach (var size in sizes)
            {
                grown.Add(await Grown.MakeAsync(size));
            }

            var windows = grown.ConvertAll(_ => new List<Window>());
            for (var round = 0; round < Rounds; round++)
            {
                for (var i = 0; i < grown.Count; i++)
                {
                    var at = (i + round) % grown.Count;
                    windows[at].Add(grown[at].Run(Slice));
                }
            }

            for (var i = 1; i < grown.Count; i++)
            {
                Line("requests-per-s", w => w.PerSecond, "0");
                Line("p99-ms", w => w.P99, "0.000");

                void Line(string what, Func<Window, double> value, string format) => Ratios.Print(
                    $"sqlite-full-c{Connections}-{grown[i].Tokens}-{what}", $"the-same-with-{grown[0].Tokens}",
                    Ratios.Median(windows[i].Select(value)), Ratios.Median(windows[0].Select(value)),
                    Ratios.Median(windows[i].Zip(windows[0], (m, t) => value(m) / value(t))), format);
            }

            return windows.Sum(w => w.Sum(x => x.Refused)) == 0 ? 0 : 1;
        }
        finally
        {
            grown.ForEach(g => g.Dispose());
        }
    }

    /// <summary>One server with so many credentials, all of them seen once.</summary>
    private sealed class Grown : IDisposable
    {
        private readonly LoadedDatabase database;
        private readonly CodeBook codes;
        private readonly ServerProcess server;
        private HttpDriver? driver;

        private Grown(LoadedDatabase database, CodeBook codes, ServerProcess server)
        {
            this.database = database;
            this.codes = codes;
            this.server = server;
        }

        public int Tokens => database.Tokens;

        public static async Task<Grown> MakeAsync(int tokens)
        {
            var database = await LoadedDatabase.MakeAsync(tokens);
            var codes = new CodeBook(tokens);
            var starts = new List<double>();
            ServerProcess? server = null;
            for (var start = 0; start < 5; start++)
            {
                server?.Dispose();
                codes.Prepare(2);
                var clock = Stopwatch.StartNew();
                server = ServerProcess.Oath(database.Settings);
                using var first = new HttpDriver(server.Address, 1, new ValidationRequests(server.Address, database.ApiKey, codes));
                if (first.Run(TimeSpan.Zero).Refused > 0)
                {
                    throw new InvalidOperationException("The first code was refused.");
                }

                starts.Add(clock.Elapsed.TotalSeconds);
            }

            Ratios.Print($"start-to-first-verdict-s-{tokens}", "floor-3-s", Ratios.Median(starts), 3, Ratios.Median(starts) / 3, "0.00");
            var held = server!.HeldBytes();
            Ratios.Warm(server, database, codes);
            if (tokens >= BytesFrom)
            {
                var bytes = (double)(server.HeldBytes() - held) / tokens;
                Ratios.Print($"cache-bytes-a-credential-{tokens}", "floor-130", bytes, 130, bytes / 130, "0");
            }

            return new Grown(database, codes, server);
        }

        public Window Run(TimeSpan duration)
        {
            codes.Prepare((int)(duration.TotalSeconds * 90_000));
            // Not before the first turn: while a million credentials are seen, a connection that only waits is closed.
            driver ??= new HttpDriver(server.Address, Connections, new ValidationRequests(server.Address, database.ApiKey, codes));
            return driver.Run(duration);
        }

        public void Dispose()
        {
            driver?.Dispose();
            server.Dispose();
            database.Dispose();
        }
    }
}
