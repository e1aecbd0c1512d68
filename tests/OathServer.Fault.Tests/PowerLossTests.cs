using System.Net.Http.Json;
using System.Text.Json;
using OathServer.Access;
using OathServer.Fault.Tests.Disk;
using OathServer.Tests;

namespace OathServer.Fault.Tests;

/// <summary>A real server on a disk that loses, at a kill, every byte that was not synced. <c>kill -9</c> alone proves
/// nothing here: the system's cache survives it.</summary>
public class PowerLossTests
{
    private const int AcceptedInARound = 200;

    private static readonly string[] serials = [.. Enumerable.Range(0, 8).Select(i => $"P{i}")];

    private static readonly int Rounds =
        int.TryParse(Environment.GetEnvironmentVariable("OATHSERVER_POWER_ROUNDS"), out var rounds) ? rounds : 20;

    [Fact]
    public async Task No_code_accepted_before_a_power_cut_is_accepted_after_it()
    {
        var cut = await CutAsync(Rounds);

        Assert.Empty(cut.AcceptedTwice);
        Assert.Empty(cut.Behind);
    }

    [Fact]
    public async Task The_same_test_sees_a_server_that_does_not_sync_its_commits()
    {
        var cut = await CutAsync(rounds: 1, ("DOTNET_STARTUP_HOOKS", typeof(StartupHook).Assembly.Location));

        Assert.NotEmpty(cut.AcceptedTwice);
        Assert.NotEmpty(cut.Behind);
    }

    /// <summary>Rounds of: serve, kill, lose what was not synced, serve, offer every acknowledged code again. The server that
    /// came up after one cut serves until the next.</summary>
    private static async Task<(List<string> AcceptedTwice, List<string> Behind)> CutAsync(
        int rounds, params (string Name, string Value)[] weakened)
    {
        var folder = Directory.CreateTempSubdirectory("oathserver-power-").FullName;
        await using (var store = await ServerUnderTest.StartAsync(folder: folder))
        {
            foreach (var serial in serials)
            {
                await store.AddTokenAsync(serial, Codes.Secret);
            }
        }

        var key = await ServerProcess.CreateApiKeyAsync(folder, Roles.Administrator);
        // Offering used codes again must be refused for being used, not for being many.
        KeyValuePair<string, string?>[] patient = [new("Validation__FastFailures", "100")];
        var ledger = new AcceptanceLedger();
        List<string> twice = [], behind = [];
        using var disk = new FaultyDisk(folder, mirrors: true);
        Task<ServerProcess> StartAsync() => ServerProcess.StartAsync(
            folder, [.. patient, .. disk.Environment, .. weakened.Select(w => new KeyValuePair<string, string?>(w.Name, w.Value))]);
        var server = await StartAsync();
        try
        {
            for (var round = 0; round < rounds; round++)
            {
                using (var client = server.Client(key))
                {
                    var streams = serials.Select(serial => StreamAsync(client, serial, ledger)).ToArray();
                    var until = (round + 1) * AcceptedInARound;
                    while (ledger.Total < until)
                    {
                        Assert.False(Task.WhenAll(streams).IsCompleted, server.Log);
                        await Task.Delay(5, Cancel);
                    }

                    Assert.Equal(weakened.Length > 0, server.Log.Contains(StartupHook.Marker, StringComparison.Ordinal));
                    await server.KillAsync();
                    await Task.WhenAll(streams);
                }

                await server.DisposeAsync();
                disk.LosePower();
                server = await StartAsync();
                using var again = server.Client(key);
                var counters = new Dictionary<string, long>();
                foreach (var serial in serials)
                {
                    counters[serial] = await CounterAsync(again, serial);
                }

                behind.AddRange(ledger.Behind(serial => counters[serial]));
                foreach (var accepted in await Task.WhenAll(serials.Select(serial => ReplayAsync(again, serial, ledger))))
                {
                    twice.AddRange(accepted);
                }
            }
        }
        finally
        {
            await server.DisposeAsync();
        }

        twice.AddRange(ledger.AcceptedTwice);
        Directory.Delete(folder, recursive: true);
        return (twice, behind);
    }

    /// <summary>One caller a token: the codes in order, each until the server is gone; what was acknowledged is kept.</summary>
    private static async Task StreamAsync(HttpClient client, string serial, AcceptanceLedger ledger)
    {
        try
        {
            for (var counter = await CounterAsync(client, serial); ; counter++)
            {
                if (await AcceptsAsync(client, serial, counter))
                {
                    ledger.Accepted(serial, counter);
                }
            }
        }
        catch (Exception fault) when (fault is HttpRequestException or IOException or JsonException)
        {
            // The server was killed: what was not acknowledged may or may not have been accepted.
        }
    }

    /// <summary>The last codes acknowledged, in their order; those that are accepted again.</summary>
    private static async Task<List<string>> ReplayAsync(HttpClient client, string serial, AcceptanceLedger ledger)
    {
        const int Last = 90; // below the hard cap of consecutive failures
        List<string> accepted = [];
        foreach (var counter in ledger.Of(serial).TakeLast(Last))
        {
            if (await AcceptsAsync(client, serial, counter))
            {
                accepted.Add($"{serial} counter {counter}");
            }
        }

        using var unlocked = await client.PostAsync($"/v1/tokens/{serial}/unlock", content: null, Cancel);
        unlocked.EnsureSuccessStatusCode();
        return accepted;
    }

    private static async Task<bool> AcceptsAsync(HttpClient client, string serial, long counter)
    {
        using var reply = await client.PostAsJsonAsync(
            "/v1/validate", new { serial, code = Codes.Hotp(Codes.Secret, counter) }, Cancel);
        return (await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("accepted").GetBoolean();
    }

    private static async Task<long> CounterAsync(HttpClient client, string serial) =>
        (await client.GetFromJsonAsync<JsonElement>($"/v1/tokens/{serial}", Cancel)).GetProperty("counter").GetInt64();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
