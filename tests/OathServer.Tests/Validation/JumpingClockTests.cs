using System.Net.Http.Json;
using System.Text.Json;
using OathServer.Access;

namespace OathServer.Tests.Validation;

/// <summary>Time-based tokens under a clock that jumps at random, by a second or by years, forth and back: whatever it says, a step
/// counts once and none before an accepted one counts. Two real nodes whose clocks differ: <c>OathServer.Fault.Tests/ClockTests.cs</c>.
/// OATHSERVER_CLOCK_LIVES makes it long, OATHSERVER_CLOCK_SEED repeats a run.</summary>
public class JumpingClockTests
{
    private const int JumpsInALife = 20;
    private const int AtOnce = 100;
    private const int Step = 30;

    // So many that no code is that of another step by chance.
    private const int Digits = 8;

    private static readonly double[] Jumps =
    [
        0, 1, -1, 29, 30, -30, 31, 61, -90, 3600, -3600, 86_400, -86_400, 86_400 * 60, -86_400 * 60, 86_400 * 365.0 * 10, -86_400 * 365.0 * 10,
    ];

    [Fact]
    public async Task However_the_clock_jumps_no_step_at_or_below_an_accepted_one_is_accepted()
    {
        var lives = Number("OATHSERVER_CLOCK_LIVES") ?? 500;
        var seed = Number("OATHSERVER_CLOCK_SEED") ?? 20261125;
        var start = new DateTimeOffset(2026, 11, 25, 12, 0, 0, TimeSpan.Zero);
        var clock = new Clock(start);
        await using var server = await ServerUnderTest.StartAsync(
            new Dictionary<string, string?> { ["Validation:SameCodeSubjects"] = "1000000", ["Validation:FailingSubjectsPerMinute"] = "1000000", ["Validation:FastFailures"] = "100" }, time: clock);
        var client = await server.Client(Roles.RelyingParty);
        var accepted = 0;
        for (var first = 0; first < lives; first += AtOnce)
        {
            var random = new Random(unchecked(seed + first));
            clock.Now = start;
            var serials = Enumerable.Range(first, Math.Min(AtOnce, lives - first)).Select(n => $"J{n}").ToArray();
            await AddAsync(server, serials);
            var marks = serials.ToDictionary(s => s, _ => long.MinValue);
            for (var jump = 0; jump < JumpsInALife; jump++)
            {
                clock.Now = Within(clock.Now.AddSeconds(Jumps[random.Next(Jumps.Length)]), start);
                var now = clock.Now.ToUnixTimeSeconds() / Step;
                // Around now, or around what was accepted last; twice at once, as a race would.
                var asked = serials.Select(s => (Serial: s, At: random.Next(3) == 0 && marks[s] > 0 ? marks[s] - random.Next(2) : now + random.Next(-2, 3))).ToList();
                var answers = await Task.WhenAll(asked.SelectMany(a => new[] { a, a }).Select(async a => (a.Serial, a.At, Yes: await AcceptsAsync(client, a.Serial, a.At))));
                foreach (var answer in answers.Where(a => a.Yes))
                {
                    Assert.True(answer.At > marks[answer.Serial], $"OATHSERVER_CLOCK_SEED={seed}: {answer.Serial} accepted step {answer.At} after {marks[answer.Serial]}");
                    marks[answer.Serial] = answer.At;
                    accepted++;
                }
            }
        }

        Assert.True(accepted > lives, $"only {accepted} codes were accepted in {lives} lives: the clock never let anybody in");
    }

    /// <summary>Ten years around the start, where steps have codes.</summary>
    private static DateTimeOffset Within(DateTimeOffset time, DateTimeOffset start) =>
        time < start.AddYears(-11) || time > start.AddYears(11) ? start : time;

    private static Task<int> AddAsync(ServerUnderTest server, string[] serials) => server.WithDatabase(async db =>
    {
        db.Tokens.AddRange(serials.Select(serial => server.NewToken(serial, Codes.Secret, digits: Digits, timeStep: Step)));
        return await db.SaveChangesAsync(TestContext.Current.CancellationToken);
    });

    private static async Task<bool> AcceptsAsync(HttpClient client, string serial, long step)
    {
        var code = Codes.Totp(Codes.Secret, DateTimeOffset.FromUnixTimeSeconds(step * Step), Digits);
        using var reply = await client.PostAsJsonAsync("/v1/validate", new { serial, code }, TestContext.Current.CancellationToken);
        reply.EnsureSuccessStatusCode();
        return (await reply.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("accepted").GetBoolean();
    }

    private static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), System.Globalization.CultureInfo.InvariantCulture, out var number) ? number : null;
}
