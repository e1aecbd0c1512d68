using System.Globalization;

namespace OathServer.Load;

/// <summary>Holds a warm server under load, for a profiler to look at; the process to look at is printed.</summary>
internal static class Drive
{
    public static async Task<int> RunAsync(int tokens, int connections, int seconds, string? postgreSql)
    {
        using var database = await LoadedDatabase.MakeAsync(tokens, postgreSql);
        var codes = new CodeBook(tokens);
        using var server = ServerProcess.Oath(database.Settings);
        Ratios.Warm(server, database, codes);
        Console.WriteLine($"process\t{server.Process.Id}");
        using var driver = new HttpDriver(server.Address, connections, new ValidationRequests(server.Address, database.ApiKey, codes), server.Process);
        for (var second = 0; second < seconds; second++)
        {
            codes.Prepare(100_000);
            var window = driver.Run(TimeSpan.FromSeconds(1));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{window.PerSecond:0}\tp50 {window.P50:0.000}\tp99 {window.P99:0.000}\tlongest {window.Longest:0.0}\tserver-cpu-us {window.ServerCpuMicroseconds:0.0}\trefused {window.Refused}"));
        }

        return 0;
    }
}
