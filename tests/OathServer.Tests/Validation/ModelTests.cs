using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using OathServer.Storage;

namespace OathServer.Tests.Validation;

/// <summary>Random lives of tokens over the API, each answer compared with a model of a page. OATHSERVER_MODEL_SEQUENCES makes it
/// long, OATHSERVER_MODEL_SEED repeats a failure.</summary>
public class ModelTests
{
    private const int StepsInASequence = 30;

    /// <summary>Lives led side by side, a step of each at the same time: what is written together is flushed once.</summary>
    private const int AtOnce = 100;

    private static readonly int Sequences = Number("OATHSERVER_MODEL_SEQUENCES") ?? 2000;
    private static readonly int Seed = Number("OATHSERVER_MODEL_SEED") ?? Random.Shared.Next();

    // So many lives on one clock look like guessing; what that does is proven elsewhere.
    private static readonly Dictionary<string, string?> Settings = new()
    {
        ["Validation:ResyncTriesPerHour"] = "60",
        ["Validation:SameCodeSubjects"] = "1000000",
        ["Validation:FailingSubjectsPerMinute"] = "1000000",
    };

    [Fact]
    public async Task Every_answer_of_a_random_life_is_the_one_of_the_model()
    {
        var clock = new Clock(new DateTimeOffset(2026, 11, 25, 12, 0, 0, TimeSpan.Zero));
        await using var server = await ServerUnderTest.StartAsync(Settings, time: clock);
        var client = await server.Client();
        for (var first = 0; first < Sequences; first += AtOnce)
        {
            var pauses = new Random(unchecked(Seed + first));
            var lives = Enumerable.Range(first, Math.Min(AtOnce, Sequences - first)).Select(n => new Life($"M{n}", unchecked(Seed + n))).ToList();
            await AddAsync(server, lives);
            for (var step = 0; step < StepsInASequence; step++)
            {
                clock.Now += TimeSpan.FromSeconds(pauses.Next(12) > 0 ? 0 : pauses.Next(3) == 0 ? 1000 : 20);
                await Task.WhenAll(lives.Select(async life =>
                {
                    var (what, expected, answered) = await StepAsync(client, life.Serial, life.Model, life.Random, clock);
                    life.Steps.Add($"{clock.Now:HH:mm:ss} {what} -> {answered}");
                    Assert.True(expected == answered, $"OATHSERVER_MODEL_SEED={Seed}, {life.Serial}, the model says {expected}:\n{string.Join('\n', life.Steps)}");
                }));
            }

            await CompareAsync(server, lives);
        }
    }

    private static Task<int> AddAsync(ServerUnderTest server, List<Life> lives) => server.WithDatabase(async db =>
    {
        db.Tokens.AddRange(lives.Select(life => server.NewToken(life.Serial, life.Secret, life.Model.Counter, state: life.State)));
        return await db.SaveChangesAsync(Cancel);
    });

    private static async Task CompareAsync(ServerUnderTest server, List<Life> lives)
    {
        var serials = lives.ConvertAll(life => life.Serial);
        var rows = await server.WithDatabase(db => db.Tokens.AsNoTracking().Include(t => t.Counter).Where(t => serials.Contains(t.Serial)).ToDictionaryAsync(t => t.Serial, t => t.Counter!, Cancel));
        foreach (var life in lives)
        {
            var row = rows[life.Serial];
            Assert.True(
                life.Model.IsAt(row),
                $"OATHSERVER_MODEL_SEED={Seed}, {life.Serial}: {row.Counter} {row.State} {row.Failures} {row.LockedUntil}, the model {life.Model}\n{string.Join('\n', life.Steps)}");
        }
    }

    /// <summary>One random step: what was done, what the model says, what the server answered.</summary>
    private static async Task<(string What, string Expected, string Answered)> StepAsync(
        HttpClient client, string serial, Model model, Random random, Clock clock)
    {
        switch (random.Next(11))
        {
            case < 5:
                // A press of the key, after some that nobody saw; sometimes beyond what is looked at.
                model.Pressed += random.Next(4) == 0 ? random.Next(14) : 0;
                return await ValidateAsync(model.Code(model.Pressed++));
            case 5:
                return await ValidateAsync(model.Code(Math.Max(0, model.Counter - 1 - random.Next(12))));
            case 6 or 7:
                return await ValidateAsync(random.Next(1_000_000).ToString("D6", CultureInfo.InvariantCulture));
            case 8:
                model.Pressed += random.Next(3) == 0 ? random.Next(120) : 0;
                string[] codes = [model.Code(model.Pressed++), model.Code(random.Next(5) == 0 ? model.Pressed + 1 : model.Pressed)];
                model.Pressed++;
                return ($"resync {string.Join(' ', codes)}", model.Resync(codes[0], codes[1], Now()) ? "OK" : "UnprocessableEntity",
                    await PostAsync("resync", new { codes }));
            case 9:
                model.Unlock();
                return ("unlock", "OK", await PostAsync("unlock", null));
            default:
                return random.Next(2) == 0
                    ? ("suspend", model.Suspend() ? "OK" : "Conflict", await PostAsync("suspend", null))
                    : ("resume", model.Resume() ? "OK" : "Conflict", await PostAsync("resume", null));
        }

        long Now() => clock.Now.ToUnixTimeMilliseconds();

        async Task<(string, string, string)> ValidateAsync(string code)
        {
            var expected = model.Validate(code, Now()).ToString();
            using var reply = await client.PostAsJsonAsync("/v1/validate", new { serial, code }, Cancel);
            var body = await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel);
            return ($"validate {code}", expected, reply.StatusCode == HttpStatusCode.OK ? body.GetProperty("accepted").GetBoolean().ToString() : $"{reply.StatusCode}");
        }

        async Task<string> PostAsync(string act, object? body)
        {
            using var reply = await client.PostAsync($"/v1/tokens/{serial}/{act}", body is null ? null : JsonContent.Create(body), Cancel);
            return reply.StatusCode.ToString();
        }
    }

    private static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var number) ? number : null;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>One token from its first step to its last, and what it went through.</summary>
    private sealed class Life
    {
        public Life(string serial, int seed)
        {
            Serial = serial;
            Random = new Random(seed);
            Random.NextBytes(Secret);
            State = Random.Next(3) == 0 ? TokenState.Imported : TokenState.Active;
            Model = new Model(Secret, counter: Random.Next(50), State);
        }

        public string Serial { get; }

        public Random Random { get; }

        public byte[] Secret { get; } = new byte[20];

        public TokenState State { get; }

        public Model Model { get; }

        public List<string> Steps { get; } = [];
    }

    /// <summary>What a token is, in as few words as possible, with the default policy. Its codes are Otp.NET's.</summary>
    private sealed class Model(byte[] secret, long counter, TokenState state)
    {
        private const int LookAhead = 10, ResyncWindow = 100, FirstUseWindow = 1000, FastFailures = 5, HardCap = 100;
        private const long FirstDelay = 30_000, LongestDelay = 900_000;

        private readonly Dictionary<long, string> codes = [];
        private int failures;
        private long lockedUntil;
        private bool locked, oneCodeSeen;
        private long? ahead;

        public long Counter { get; private set; } = counter;

        /// <summary>Where the key stands: its next code.</summary>
        public long Pressed { get; set; } = counter;

        public string Code(long at) => codes.TryGetValue(at, out var code) ? code : codes[at] = Codes.Hotp(secret, at);

        public bool Validate(string code, long now)
        {
            if (locked || lockedUntil > now)
            {
                return false;
            }

            CountFailure(now);
            if (!InUse)
            {
                return false;
            }

            for (var at = Counter; at <= Counter + LookAhead; at++)
            {
                if (Code(at) == code)
                {
                    state = at == Counter && oneCodeSeen ? TokenState.Active : state;
                    Accept(at + 1);
                    return true;
                }
            }

            // Never used: a code far ahead is remembered, the very next one after it counts.
            if (state == TokenState.Imported && !oneCodeSeen)
            {
                if (ahead is { } first && Code(first + 1) == code)
                {
                    state = TokenState.Active;
                    Accept(first + 2);
                    return true;
                }

                ahead = Enumerable.Range(0, FirstUseWindow + 1).Select(i => (long?)(Counter + i)).FirstOrDefault(at => Code(at!.Value) == code);
            }

            return false;
        }

        public bool Resync(string first, string second, long now)
        {
            if (!InUse || locked)
            {
                return false;
            }

            CountFailure(now);
            var window = state == TokenState.Imported && !oneCodeSeen ? FirstUseWindow : ResyncWindow;
            var places = Enumerable.Range(0, window).Select(i => Counter + i).Where(at => Code(at) == first && Code(at + 1) == second).ToList();
            if (places.Count != 1)
            {
                return false;
            }

            state = TokenState.Active;
            Accept(places[0] + 2);
            return true;
        }

        public void Unlock()
        {
            failures = 0;
            lockedUntil = 0;
            locked = false;
        }

        public bool Suspend() => Move(from: InUse, TokenState.Suspended);

        public bool Resume() => Move(from: state == TokenState.Suspended, TokenState.Active);

        public bool IsAt(TokenCounter row) =>
            (row.Counter, row.State, row.Failures, row.LockedUntil, (row.Flags & CounterFlags.Locked) != 0)
            == (Counter, state, failures, lockedUntil, locked);

        public override string ToString() => $"{Counter} {state} {failures} {lockedUntil}";

        private bool InUse => state is TokenState.Active or TokenState.Imported;

        private bool Move(bool from, TokenState to)
        {
            state = from ? to : state;
            return from;
        }

        private void Accept(long next)
        {
            Counter = next;
            oneCodeSeen = true;
            ahead = null;
            Unlock();
        }

        private void CountFailure(long now)
        {
            failures++;
            locked |= failures >= HardCap;
            if (failures >= FastFailures && !locked)
            {
                lockedUntil = now + Math.Min(LongestDelay, FirstDelay << (failures - FastFailures));
            }
        }
    }
}
