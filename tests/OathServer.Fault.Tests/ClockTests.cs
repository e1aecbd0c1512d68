using System.Net.Http.Json;
using System.Text.Json;
using OathServer.Access;
using OathServer.Fault.Tests.Nodes;
using OathServer.Tests;
using OathServer.Tests.Databases;

namespace OathServer.Fault.Tests;

/// <summary>Two real nodes whose clocks jump, each by itself, hours ahead and back. A time step is accepted
/// once, whatever the clocks say.</summary>
public class ClockTests
{
    private const string Serial = "CLOCK1";
    private const int AtOnce = 4;
    private const long StepSeconds = 30;

    /// <summary>Seconds; the nodes take the next one in turn. Small ones stay inside the tolerance of one step.</summary>
    private static readonly int[] Jumps = [0, 90, 3600, -3600, 3630, 86_400, 0, 86_460, -86_400, 86_520];

    [Fact]
    public async Task No_jump_of_a_clock_makes_a_time_step_count_twice()
    {
        await using var postgres = await PostgreSqlServer.StartAsync();
        var folder = Directory.CreateTempSubdirectory("oathserver-clock-").FullName;
        var database = await postgres.CreateDatabaseAsync();
        var settings = new Dictionary<string, string?> { ["Storage:Provider"] = "PostgreSql", ["ConnectionStrings:Oath"] = database };
        string key;
        await using (var prepare = await ServerUnderTest.StartAsync(settings, folder))
        {
            await prepare.AddTokenAsync(Serial, Codes.Secret, timeStep: (int)StepSeconds);
            key = await prepare.CreateKeyAsync("clock", Roles.Administrator);
        }

        await using (var one = await StartAsync(folder, database, "one"))
        await using (var two = await StartAsync(folder, database, "two"))
        using (var http = new HttpClient())
        {
            http.DefaultRequestHeaders.Add(ApiKeyAuthentication.Header, key);
            Uri[] nodes = [one.Address, two.Address];
            var accepted = new List<long>();
            for (var round = 0; round < Jumps.Length * Math.Max(1, Effort.Rounds() / 2); round++)
            {
                // Later turns go a day further each, so that there is something new to accept.
                var offset = Jumps[round % Jumps.Length] + (86_400L * (round / Jumps.Length));
                Jump(folder, round % 2 == 0 ? "one" : "two", offset);
                // A lock set by a clock that was ahead would last until the others catch up.
                (await http.PostAsync(new Uri(nodes[0], $"/v1/tokens/{Serial}/unlock"), content: null, TestContext.Current.CancellationToken)).EnsureSuccessStatusCode().Dispose();
                var step = (DateTimeOffset.UtcNow.ToUnixTimeSeconds() + offset) / StepSeconds;
                var answers = await AskAllAsync(http, nodes, step);
                Assert.True(answers.Count(yes => yes) <= 1, $"step {step} was accepted {answers.Count(yes => yes)} times (round {round})");
                if (answers.Contains(true))
                {
                    Assert.DoesNotContain(step, accepted);
                    accepted.Add(step);
                }

                // Whatever the clocks say now, what was accepted before stays spent.
                foreach (var spent in accepted.TakeLast(3))
                {
                    Assert.DoesNotContain(true, await AskAllAsync(http, nodes, spent));
                }
            }

            Assert.True(accepted.Count >= 5, $"only the steps {string.Join(", ", accepted)} were accepted: the clocks did not jump");
            Assert.Equal(accepted.Order(), accepted);
        }

        Directory.Delete(folder, recursive: true);
    }

    /// <summary>The code of a step at both nodes, several times at once.</summary>
    private static Task<bool[]> AskAllAsync(HttpClient http, Uri[] nodes, long step)
    {
        var code = Codes.Totp(Codes.Secret, DateTimeOffset.FromUnixTimeSeconds(step * StepSeconds));
        return Task.WhenAll(nodes.SelectMany(node => Enumerable.Range(0, AtOnce).Select(async _ =>
        {
            using var reply = await http.PostAsJsonAsync(new Uri(node, "/v1/validate"), new { serial = Serial, code });
            reply.EnsureSuccessStatusCode();
            return (await reply.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("accepted").GetBoolean();
        })));
    }

    private static Task<NodeProcess> StartAsync(string folder, string database, string name)
    {
        Jump(folder, name, 0);
        return NodeProcess.StartAsync(new Dictionary<string, string>
        {
            ["DOTNET_STARTUP_HOOKS"] = typeof(StartupHook).Assembly.Location,
            [StartupHook.ClockFile] = Path.Combine(folder, name),
            ["Storage__Provider"] = "PostgreSql",
            ["ConnectionStrings__Oath"] = database,
            ["Data__Folder"] = folder,
            ["Validation__FastFailures"] = "100",
            ["Validation__FirstDelay"] = "00:00:00.001",
            ["Validation__LongestDelay"] = "00:00:00.001",
        });
    }

    /// <summary>From the next look on, the clock of that node is so many seconds off.</summary>
    private static void Jump(string folder, string node, long seconds)
    {
        var path = Path.Combine(folder, node);
        File.WriteAllText(path + ".next", seconds.ToString(System.Globalization.CultureInfo.InvariantCulture));
        File.Move(path + ".next", path, overwrite: true);
    }
}
