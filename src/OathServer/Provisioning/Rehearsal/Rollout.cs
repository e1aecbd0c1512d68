using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Operations;
using OathServer.Provisioning.Steps;
using OathServer.Secrets;
using OathServer.Storage;
using OathServer.Validation;
using SecurityKeys.Cards;
using SecurityKeys.OathApplet;
using SecurityKeys.Virtual;

namespace OathServer.Provisioning.Rehearsal;

/// <summary>
/// A rollout from the shipment to the holder's first code, on the real workflow, database and validator; only the keys are
/// virtual. In the middle the node is stopped with jobs in flight, and the next one on the same data goes on.
/// </summary>
internal sealed class Rollout(string folder, int keys, int seed, PukStrategy strategy)
{
    private const int Desks = 8;
    private const int ApdusOfAJob = 34;
    private const string Batch = "rehearsal";
    private const string TakenSerial = "";
    private const string ProfileName = "rehearsal";
    private static readonly AuditEvent Actor = new("rehearsal", "", "");

    private readonly Random faults = new(seed);
    private readonly ConcurrentDictionary<int, VirtualKey> inserted = new();
    private readonly RehearsalResult result = new() { Keys = keys };
    private readonly Lock counting = new();
    private string? taken;
    private VirtualKey[] made = [];
    private Line[] list = [];

    /// <summary>A line of the user list with what goes wrong at its key.</summary>
    private sealed record Line(int Number, string User, string Serial, string? WrongSerial, int PullAt, bool AnswerLost, int Presses);

    public async Task<RehearsalResult> RunAsync(CancellationToken cancel)
    {
        made = [.. Enumerable.Range(0, keys).Select(i => new VirtualKey(new VirtualKeyOptions { Serial = (uint)(20_000_000 + i) }))];
        list = [.. Enumerable.Range(0, keys).Select(Draw)];
        var waiting = new ConcurrentQueue<Line>(list);
        var took = TimeSpan.Zero;
        await using (var first = await StartNodeAsync(cancel))
        {
            await PrepareAsync(first, cancel);
            took += await WorkAsync(first, waiting, until: keys / 2, cancel);
            await first.StopAsync(CancellationToken.None);
        }

        await using var second = await StartNodeAsync(cancel);
        took += await WorkAsync(second, waiting, until: 0, cancel);
        result.Provisioning = took;
        await HandOutAsync(second, cancel);
        return result;
    }

    private Line Draw(int i)
    {
        // Of a hundred: ten keys pulled, three lines wrong, twenty pressed in the box (within the window of 10).
        var wrong = faults.Next(100) < 3;
        var pull = faults.Next(100) < 10;
        return new Line(i, $"user{i:D6}", Serial(i), wrong ? faults.Next(2) == 0 ? $"TYPO{i:D6}" : TakenSerial : null,
            pull ? faults.Next(1, ApdusOfAJob) : 0, pull && faults.Next(2) == 0, faults.Next(100) < 20 ? faults.Next(1, 10) : 0);
    }

    private static string Serial(int i) => $"RH{i:D6}";

    private async Task<WebApplication> StartNodeAsync(CancellationToken cancel)
    {
        var app = OathHost.Build(new Dictionary<string, string?>
        {
            ["Urls"] = "http://127.0.0.1:0",
            ["Data:Folder"] = folder,
            ["Storage:Provider"] = StorageOptions.Sqlite,
            ["ConnectionStrings:Oath"] = "",
            ["Logging:LogLevel:Default"] = "None",
            ["Logging:LogLevel:Microsoft"] = "None",
            ["Logging:LogLevel:Microsoft.EntityFrameworkCore"] = "None",
        });
        await OathHost.StartAsync(app, cancel);
        for (var desk = 0; desk < Desks; desk++)
        {
            var number = desk;
            app.Services.GetRequiredService<KeyReaders>().Plug($"desk {desk}", KeyReaders.VirtualKind, () => inserted[number].Connect());
        }

        return app;
    }

    /// <summary>The profile, and a token with a start counter for every key.</summary>
    private async Task PrepareAsync(WebApplication node, CancellationToken cancel)
    {
        var sealer = node.Services.GetRequiredService<Sealer>();
        await using (var scope = node.Services.CreateAsyncScope())
        {
            var db = scope.ServiceProvider.GetRequiredService<OathDbContext>();
            await node.Services.GetRequiredService<RolloutProfiles>().AddAsync(
                db, ProfileName, 0, new RolloutProfile { Puk = new PukDecision(strategy) }, Actor, cancel);
        }

        foreach (var chunk in Enumerable.Range(0, keys).Chunk(1000))
        {
            await using var scope = node.Services.CreateAsyncScope();
            var db = scope.ServiceProvider.GetRequiredService<OathDbContext>();
            foreach (var i in chunk)
            {
                var counter = faults.Next(0, 1_000_000);
                db.Tokens.Add(new Token
                {
                    Serial = Serial(i),
                    Realm = "default",
                    Type = TokenType.Hotp,
                    Algorithm = Oath.OathAlgorithm.Sha1,
                    Digits = 6,
                    Batch = Batch,
                    SealedSecret = sealer.Seal(RandomNumberGenerator.GetBytes(20), SealedPlace.TokenSecret(Serial(i), generation: 1)),
                    StartCounter = counter,
                    CreatedAt = TimeProvider.System.GetUtcNow(),
                    Counter = new TokenCounter { Counter = counter, Generation = 1, State = TokenState.Imported },
                });
            }

            await db.SaveChangesAsync(cancel);
        }
    }

    /// <summary>Desks work until so many lines are left; then, if any are, the node is stopped under their hands.</summary>
    private async Task<TimeSpan> WorkAsync(WebApplication node, ConcurrentQueue<Line> waiting, int until, CancellationToken cancel)
    {
        var started = TimeProvider.System.GetTimestamp();
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var stopped = false;
        var desks = Enumerable.Range(0, Desks).Select(desk => Task.Run(async () =>
        {
            while (!Volatile.Read(ref stopped) && waiting.TryDequeue(out var line))
            {
                if (waiting.Count < until && !Interlocked.Exchange(ref stopped, true))
                {
                    node.Lifetime.StopApplication();
                }

                if (!await ServeAsync(node, desk, line, cancel))
                {
                    lock (counting)
                    {
                        result.InFlight++;
                    }

                    waiting.Enqueue(line);
                }
            }
        }, cancel)).ToList();
        await Task.WhenAll(desks);
        return TimeProvider.System.GetElapsedTime(started);
    }

    /// <summary>What an operator does with one line of the list; false when the node went away in the middle.</summary>
    private async Task<bool> ServeAsync(WebApplication node, int desk, Line line, CancellationToken cancel)
    {
        var key = made[line.Number];
        inserted[desk] = key;
        if (line.WrongSerial is { } wrong && !await JobExistsAsync(node, key, cancel)
            && (wrong != TakenSerial || (wrong = Volatile.Read(ref taken)) is not null))
        {
            var outcome = await AttemptAsync(node, desk, key, line.User, wrong!, cancel);
            lock (counting)
            {
                result.WrongLines++;
            }

            if (outcome is StartOutcome.Started mistaken)
            {
                await mistaken.Running;
                lock (counting)
                {
                    result.WrongLinesTaken++;
                    result.Examples.Add($"{line.User}: token {wrong} was not refused");
                }
            }
        }

        if (line.PullAt > 0)
        {
            if (line.AnswerLost)
            {
                key.PullAfter(line.PullAt);
            }
            else
            {
                key.PullBefore(line.PullAt);
            }
        }

        for (var round = 0; round < 5; round++)
        {
            try
            {
                var outcome = await AttemptAsync(node, desk, key, line.User, line.Serial, cancel);
                if (outcome is StartOutcome.Started started)
                {
                    await started.Running;
                }
            }
            catch (Exception fault) when (node.Lifetime.ApplicationStopping.IsCancellationRequested && fault is not OutOfMemoryException)
            {
                return false;
            }

            if (!key.IsInserted)
            {
                lock (counting)
                {
                    result.Pulled++;
                    result.AnswersLost += line.AnswerLost ? 1 : 0;
                }

                _ = key.Connect();
                continue;
            }

            if (await IsConfirmedAsync(node, key, cancel))
            {
                Volatile.Write(ref taken, line.Serial);

                // A fault that lay behind the last command must not come later.
                key.Pull();
                return true;
            }

            if (node.Lifetime.ApplicationStopping.IsCancellationRequested)
            {
                return false;
            }
        }

        return true;
    }

    private static async Task<StartOutcome> AttemptAsync(
        WebApplication node, int desk, VirtualKey key, string user, string serial, CancellationToken cancel)
    {
        await using var scope = node.Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<OathDbContext>();
        var workflow = node.Services.GetRequiredService<Workflow>();
        var cuid = CuidOf(key);
        var job = await db.Jobs.AsNoTracking().SingleOrDefaultAsync(j => j.OpenCuid == cuid, cancel);
        return job is null
            ? await workflow.StartAsync(
                db, $"desk {desk}", new Wanted(ProfileName, serial, null, user, null, Force: false), dryRun: false, Actor, cancel)
            : await workflow.ResumeAsync(db, job, $"desk {desk}", Actor, cancel);
    }

    private static async Task<bool> JobExistsAsync(WebApplication node, VirtualKey key, CancellationToken cancel)
    {
        await using var scope = node.Services.CreateAsyncScope();
        var cuid = CuidOf(key);
        return await scope.ServiceProvider.GetRequiredService<OathDbContext>().Jobs.AnyAsync(j => j.Cuid == cuid, cancel);
    }

    private static async Task<bool> IsConfirmedAsync(WebApplication node, VirtualKey key, CancellationToken cancel)
    {
        await using var scope = node.Services.CreateAsyncScope();
        var cuid = CuidOf(key);
        return await scope.ServiceProvider.GetRequiredService<OathDbContext>().Jobs
            .AnyAsync(j => j.Cuid == cuid && j.State == JobState.Confirmed, cancel);
    }

    /// <summary>Every holder's first moment: the key's secrets are those on record, and its next code is accepted once.</summary>
    private async Task HandOutAsync(WebApplication node, CancellationToken cancel)
    {
        var validator = node.Services.GetRequiredService<Validator>();
        foreach (var chunk in list.Chunk(500))
        {
            await using var scope = node.Services.CreateAsyncScope();
            var db = scope.ServiceProvider.GetRequiredService<OathDbContext>();
            foreach (var line in chunk)
            {
                var key = made[line.Number];
                var cuid = CuidOf(key);
                var record = await db.Records.AsNoTracking().Include(r => r.Tokens).SingleOrDefaultAsync(r => r.Cuid == cuid, cancel);
                if (record is not { Status: KeyStatus.ReadyForHandout, Tokens: [var token] })
                {
                    result.NotReady++;
                    result.Examples.Add($"{line.User}: key {cuid} is {record?.Status.ToString() ?? "not recorded"}");
                    continue;
                }

                if (!await IsKnownAsync(node, db, key, record, token.Serial, cancel))
                {
                    result.UnknownSecrets++;
                    result.Examples.Add($"{line.User}: key {cuid} holds a secret that is not on record");
                }

                await UseAsync(validator, key, token.Serial, line, cancel);
            }
        }
    }

    private async Task UseAsync(Validator validator, VirtualKey key, string serial, Line line, CancellationToken cancel)
    {
        for (var i = 0; i < line.Presses; i++)
        {
            _ = Press(key);
        }

        result.Drifted += line.Presses > 0 ? 1 : 0;
        var code = Press(key);
        if ((await validator.ValidateSerialAsync(serial, code, apiKeyId: 0, realms: null, cancel)).Outcome != Outcome.Accepted)
        {
            result.FirstCodesRefused++;
            result.Examples.Add($"{line.User}: the first code of token {serial} was refused");
        }

        if ((await validator.ValidateSerialAsync(serial, code, apiKeyId: 0, realms: null, cancel)).Outcome == Outcome.Accepted)
        {
            result.Replays++;
        }
    }

    private static string Press(VirtualKey key)
    {
        var oath = OathApplication.Select(key.Connect());
        return oath.CalculateHotp(oath.List().Single().Name) ?? "";
    }

    private static async Task<bool> IsKnownAsync(
        WebApplication node, OathDbContext db, VirtualKey key, KeyRecord record, string serial, CancellationToken cancel)
    {
        var secrets = node.Services.GetRequiredService<KeySecrets>();
        var sealer = node.Services.GetRequiredService<Sealer>();
        var on = key.Peek();
        var token = await db.Tokens.AsNoTracking().Include(t => t.Counter).SingleAsync(t => t.Serial == serial, cancel);
        var puk = await secrets.PukOfAsync(db, record, cancel);
        return on.Piv.Puk.AsSpan().SequenceEqual(puk)
            && record.SealedPin is { } pin && on.Piv.Pin.AsSpan().SequenceEqual(sealer.Open(pin, SealedPlace.RecordPin(record.Cuid)))
            && on.Piv.ManagementKey.AsSpan().SequenceEqual(secrets.ManagementKeyOf(record))
            && on.Oath.Single().Secret.AsSpan().SequenceEqual(secrets.OathSecretOf(token));
    }

    private static string CuidOf(VirtualKey key) => Cuid.FromSerial(key.Options.Serial).Text;
}
