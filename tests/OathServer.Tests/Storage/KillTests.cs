using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using OathServer.Access;

namespace OathServer.Tests.Storage;

/// <summary>A real server process killed in the middle of its work.</summary>
public class KillTests
{
    private const int Rounds = 3;
    private const int Tokens = 8;
    private const int AcceptedInARound = 200;

    [Fact]
    public async Task No_code_accepted_before_a_kill_is_accepted_after_the_restart()
    {
        var folder = Directory.CreateTempSubdirectory("oathserver-kill-").FullName;
        await using (var server = await ServerUnderTest.StartAsync(folder: folder))
        {
            for (var token = 0; token < Tokens; token++)
            {
                await server.AddTokenAsync($"K{token}", Codes.Secret);
            }
        }

        var accepted = new List<(string Serial, string Code)>();
        for (var round = 0; round < Rounds; round++)
        {
            var key = await ApiKeyAsync(folder, $"round {round}");
            var (process, address) = await StartAsync(folder);
            using (process)
            using (var client = Client(address, key))
            {
                var streams = Enumerable.Range(0, Tokens).Select(token => StreamAsync(client, $"K{token}", accepted)).ToArray();
                await UntilAsync(() => Count(accepted) >= (round + 1) * AcceptedInARound);
                process.Kill();
                await process.WaitForExitAsync(Cancel);
                await Task.WhenAll(streams);
            }
        }

        Assert.True(accepted.Count >= Rounds * AcceptedInARound, $"only {accepted.Count} codes were accepted");
        Assert.Equal(accepted.Count, accepted.Distinct().Count());
        await using var after = await ServerUnderTest.StartAsync(folder: folder);
        foreach (var (serial, code) in accepted.TakeLast(Tokens * 20))
        {
            var staff = await after.Client(Roles.HelpDesk);
            (await staff.PostAsync($"/v1/tokens/{serial}/unlock", content: null, Cancel)).Dispose();
            Assert.False(await after.AcceptsAsync(serial, code), $"{serial} accepted a used code");
        }

        await after.StopAsync();
        Directory.Delete(folder, recursive: true);
    }

    private static int Count(List<(string, string)> accepted)
    {
        lock (accepted)
        {
            return accepted.Count;
        }
    }

    private static async Task UntilAsync(Func<bool> holds)
    {
        for (var looks = 0; !holds(); looks++)
        {
            Assert.True(looks < 3000, "nothing was accepted for half a minute");
            await Task.Delay(10, Cancel);
        }
    }

    /// <summary>One caller a token: the codes in order, each until the server is gone; what was acknowledged is kept.</summary>
    private static async Task StreamAsync(HttpClient client, string serial, List<(string, string)> accepted)
    {
        try
        {
            var token = await client.GetFromJsonAsync<JsonElement>($"/v1/tokens/{serial}", Cancel);
            for (var counter = token.GetProperty("counter").GetInt64(); ; counter++)
            {
                var code = Codes.Hotp(Codes.Secret, counter);
                using var reply = await client.PostAsJsonAsync("/v1/validate", new { serial, code }, Cancel);
                if ((await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("accepted").GetBoolean())
                {
                    lock (accepted)
                    {
                        accepted.Add((serial, code));
                    }
                }
            }
        }
        catch (Exception fault) when (fault is HttpRequestException or IOException or JsonException)
        {
            // The server was killed: what was not acknowledged may or may not have been accepted.
        }
    }

    private static async Task<(Process Process, Uri Address)> StartAsync(string folder)
    {
        var process = Process.Start(Server(folder, "serve"))!;
        while (await process.StandardOutput.ReadLineAsync(Cancel) is { } line)
        {
            if (line.StartsWith("OathServer is ready at ", StringComparison.Ordinal))
            {
                return (process, new Uri(line.Split(' ')[4]));
            }
        }

        throw new InvalidOperationException("The server did not start.");
    }

    private static async Task<string> ApiKeyAsync(string folder, string name)
    {
        using var process = Process.Start(Server(folder, "apikey", "create", "--name", name, "--role", Roles.Administrator))!;
        var said = await process.StandardOutput.ReadToEndAsync(Cancel);
        return said.TrimEnd().Split('\n')[^1];
    }

    private static ProcessStartInfo Server(string folder, params string[] arguments) =>
        new("dotnet", [Path.Combine(AppContext.BaseDirectory, "OathServer.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            Environment = { ["Data__Folder"] = folder, ["Urls"] = "http://127.0.0.1:0", ["Logging__LogLevel__Default"] = "Critical" },
        };

    private static HttpClient Client(Uri address, string key)
    {
        var client = new HttpClient { BaseAddress = address };
        client.DefaultRequestHeaders.Add(ApiKeyAuthentication.Header, key);
        return client;
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
