using System.Diagnostics;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Secrets;
using OathServer.Tests.Import;

namespace OathServer.Tests.Secrets;

/// <summary>The real command beside a running server under load, killed in the middle of its work: no validation fails for it.</summary>
public class RotationKillTests
{
    // Pages of 500: there is always one left when the first is reported.
    private const int Tokens = 1200;
    private static readonly int Kills = int.TryParse(Environment.GetEnvironmentVariable("OATHSERVER_ROTATION_KILLS"), out var kills) ? kills : 10;
    private const int Callers = 4;

    [Fact]
    public async Task A_rotation_killed_in_the_middle_goes_on_where_it_was_and_keys_are_retired_only_once_nothing_needs_them()
    {
        // All tokens have one secret, and used codes are sent again: no alarm about guessing shall slow that.
        var calm = new Dictionary<string, string?> { ["Validation:SameCodeSubjects"] = "1000000", ["Validation:FailingSubjectsPerMinute"] = "1000000" };
        await using var server = await ServerUnderTest.StartAsync(calm);
        await AddTokensAsync(server);
        var all = Assert.Single(await CountAsync(server));
        var interrupted = 0;
        using var stop = new CancellationTokenSource();
        // Its API key is there before many ask for it at once.
        _ = await server.Client(OathServer.Access.Roles.RelyingParty);
        var load = Task.WhenAll(Enumerable.Range(0, Callers).Select(caller => Task.Run(() => ValidateUntilAsync(server, caller, stop.Token))));
        for (var kill = 0; kill < Kills; kill++)
        {
            await RotateAndKillAsync(server.Folder, afterPages: kill % 2);
            interrupted += (await CountAsync(server)).Count > 1 ? 1 : 0;
            Assert.True(await server.AcceptsAsync($"A{kill}", Codes.Hotp(Codes.Secret, 0)));
        }

        Assert.True(interrupted > 0, "no kill came in the middle");
        var early = await CommandLine.OathServerInAsync(server.Folder, "secrets", "retire", all.Key);
        var needed = (await CountAsync(server)).ContainsKey(all.Key);
        Assert.Equal(needed ? 2 : 0, early.Exit);
        var resumed = await CommandLine.OathServerInAsync(server.Folder, "secrets", "rotate", "--rewrap-only");
        Assert.True(resumed.Exit == 0, resumed.Errors);

        await stop.CancelAsync();
        var validated = (await load).Sum();
        Assert.True(validated > 50, $"only {validated} codes were validated beside the rotations");

        var (current, count) = Assert.Single(await CountAsync(server));
        Assert.Equal(all.Value, count);
        var seals = await CommandLine.OathServerInAsync(server.Folder, "secrets", "retire", current);
        Assert.Equal(2, seals.Exit);
        Assert.Contains("Rotate first", seals.Errors, StringComparison.Ordinal);
        foreach (var file in Directory.GetFiles(server.Folder, "sealing.key.*").Where(f => Path.GetExtension(f).Length == 9))
        {
            var retired = await CommandLine.OathServerInAsync(server.Folder, "secrets", "retire", Path.GetExtension(file)[1..]);
            Assert.True(retired.Exit == 0, retired.Errors);
            Assert.False(File.Exists(file));
        }

        var trail = await server.WithDatabase(db => db.Audit.Where(a => a.Action == "secrets.retire").OrderBy(a => a.Sequence)
            .Select(a => a.Outcome + " " + a.Detail).ToListAsync(Cancel));
        Assert.True(trail.Count >= 2 && trail.Count % 2 == 0, string.Join('\n', trail));
        Assert.All(trail.Chunk(2), pair => Assert.Equal(pair[0].Replace("started", "done", StringComparison.Ordinal), pair[1]));

        Assert.True(await server.AcceptsAsync($"A{Tokens - 1}", Codes.Hotp(Codes.Secret, 0)));
        await server.WithDatabase(db =>
        {
            var sealer = server.Services.GetRequiredService<Sealer>();
            foreach (var token in db.Tokens.ToList())
            {
                Assert.Equal(Codes.Secret, sealer.Open(token.SealedSecret, SealedPlace.TokenSecret(token.Serial, 1)));
            }

            return Task.FromResult(0);
        });
    }

    private static async Task RotateAndKillAsync(string folder, int afterPages)
    {
        using var process = Process.Start(new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "OathServer.dll"), "secrets", "rotate"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["Data__Folder"] = folder, ["Logging__LogLevel__Default"] = "Critical" },
        })!;
        // Progress is written over itself: a carriage return begins each report.
        var reports = 0;
        var one = new char[1];
        while (reports <= afterPages && await process.StandardError.ReadAsync(one, Cancel) == 1)
        {
            reports += one[0] == '\r' ? 1 : 0;
        }

        process.Kill();
        await process.WaitForExitAsync(Cancel);
    }

    /// <summary>Right codes let in, and used ones do not: for those the secret is read and opened anew each time.</summary>
    private static async Task<int> ValidateUntilAsync(ServerUnderTest server, int caller, CancellationToken stop)
    {
        var count = 0;
        for (; !stop.IsCancellationRequested; count++)
        {
            var (serial, code) = ($"A{(100 * (caller + 1)) + (count % 50)}", Codes.Hotp(Codes.Secret, count / 50));
            Assert.True(await server.AcceptsAsync(serial, code), $"{serial} was refused beside a rotation");
            Assert.False(await server.AcceptsAsync(serial, code));
        }

        return count;
    }

    private static Task<int> AddTokensAsync(ServerUnderTest server) => server.WithDatabase(async db =>
    {
        db.Tokens.AddRange(Enumerable.Range(0, Tokens).Select(n => server.NewToken($"A{n}", Codes.Secret)));
        return await db.SaveChangesAsync();
    });

    private static Task<Dictionary<string, long>> CountAsync(ServerUnderTest server) => server.WithDatabase(db => Rewrapping.CountAsync(db, Cancel));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
