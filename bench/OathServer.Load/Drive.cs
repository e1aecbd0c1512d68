using System.Globalization;

namespace OathServer.Load;

/// <summary>Holds a warm server under load, for a profiler to look at; the process to look at is printed. Asked for
/// allocations, it ends with what a request allocates, by type.</summary>
internal static class Drive
{
    public static async Task<int> RunAsync(int tokens, int connections, int seconds, string? postgreSql, bool allocations)
    {
        using var database = await LoadedDatabase.MakeAsync(tokens, postgreSql);
        var codes = new CodeBook(tokens);
        using var server = ServerProcess.Oath(allocations ? [.. database.Settings, new(StartupHook.TypesVariable, "1")] : database.Settings);
        Ratios.Warm(server, database, codes);
        Console.WriteLine($"process\t{server.Process.Id}");
        using var driver = new HttpDriver(server.Address, connections, new ValidationRequests(server.Address, database.ApiKey, codes), server.Process);
        if (allocations)
        {
            server.AllocatedTypes();
        }

        var (requests, before) = (0, server.AllocatedBytes());
        for (var second = 0; second < seconds; second++)
        {
            codes.Prepare(100_000);
            var window = driver.Run(TimeSpan.FromSeconds(1));
            requests += window.Requests;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{window.PerSecond:0}\tp50 {window.P50:0.000}\tp99 {window.P99:0.000}\tlongest {window.Longest:0.0}\tserver-cpu-us {window.ServerCpuMicroseconds:0.0}\trefused {window.Refused}"));
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"allocated a request\t{(double)(server.AllocatedBytes() - before) / requests:0}"));
        if (allocations)
        {
            Print(server.AllocatedTypes(), (double)(server.AllocatedBytes() - before) / requests);
        }

        return 0;
    }

    private static void Print(string types, double bytes)
    {
        var samples = types.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('\t')).ToList();
        var all = samples.Sum(sample => int.Parse(sample[0], CultureInfo.InvariantCulture));
        foreach (var sample in samples)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{bytes * int.Parse(sample[0], CultureInfo.InvariantCulture) / all:0.0}\t{sample[1]}"));
        }
    }
}
