using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Oath;
using OathServer.Operations;
using OathServer.Storage;

namespace OathServer.Load;

/// <summary>
/// Whether the time of an answer tells anything: a wrong code, an unknown user, a throttled and a suspended token are asked for
/// in turns over one loopback connection, in an order shuffled each round. Beside each stands what a wrong code and another wrong
/// code differ by in the same run: the noise.
/// </summary>
internal static class AnswerTimes
{

    /// <summary>Median difference allowed, of the median itself, and Cliff's delta (0: told apart by nothing, 1: always).</summary>
    private const double PartMax = 0.03, MicrosecondsMax = 5, DeltaMax = 0.1;

    private static readonly string[] Kinds = ["wrong", "wrong-again", "unknown", "throttled", "suspended"];

    public static async Task<int> RunAsync(int rounds)
    {
        // Of each kind as many tokens, so that none is fresher in a cache; one fails twice, far from its first delay.
        var apart = rounds / 2;
        var people = 3 * apart;
        using var database = await LoadedDatabase.MakeAsync(people);
        await NameHoldersAsync(database, people, apart);
        var settings = new Dictionary<string, string?>(database.Settings)
        {
            // The alarms about guessing would answer this very bench later.
            ["Validation:FailingSubjectsPerMinute"] = "100000000",
            ["Validation:SameCodeSubjects"] = "100000000",
        };
        using var server = ServerProcess.Oath(settings);
        using var caller = new Caller(server.Address, database.ApiKey);
        Console.WriteLine("case\tby\tmedian_us\tdifference_us\tdifference_part\tcliffs_delta\tverdict");
        var told = 0;
        var counter = 0;
        foreach (var by in (string[])["user", "serial"])
        {
            Accept(caller, by, apart, counter++);
            told += Print(by, Measure(caller, by, rounds / 2));
        }

        return told == 0 ? 0 : 1;
    }

    /// <summary>Every token has a holder named as it is; a third is throttled, a third suspended.</summary>
    private static async Task NameHoldersAsync(LoadedDatabase database, int people, int apart)
    {
        await using var host = OathHost.BuildStorage(database.Settings);
        await using var scope = host.Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<OathDbContext>();
        db.People.AddRange(Enumerable.Range(0, people).Select(i => new Person { Id = i + 1, Realm = "default", Name = Name(i), NormalizedName = Person.Normalize(Name(i)) }));
        await db.SaveChangesAsync();
        await db.Database.ExecuteSqlRawAsync("""UPDATE tokens SET "PersonId" = "Id" """);
        await db.Database.ExecuteSqlRawAsync("UPDATE token_counters SET state = {0} WHERE token_id > {1}", (int)TokenState.Suspended, people - apart);
        await db.Database.ExecuteSqlRawAsync(
            "UPDATE token_counters SET failures = 6, locked_until = {0} WHERE token_id > {1} AND token_id <= {2}",
            DateTimeOffset.UtcNow.AddHours(1).ToUnixTimeMilliseconds(), apart, people - apart);
    }

    private static string Name(int index) => string.Create(CultureInfo.InvariantCulture, $"person{index:D9}");

    /// <summary>Every token accepts one code: what runs is compiled, what is kept of it is kept, and it has no failures.</summary>
    private static void Accept(Caller caller, string by, int tokens, int counter)
    {
        for (var i = 0; i < tokens; i++)
        {
            var key = OathKey.Create(OathAlgorithm.Sha1, LoadTokens.Secret(i));
            caller.Ask(by, NameOf(by, i), Code((int)Hotp.Compute(key, (ulong)counter, LoadTokens.Digits)));
        }
    }

    private static Dictionary<string, double[]> Measure(Caller caller, string by, int rounds)
    {
        var times = Kinds.ToDictionary(kind => kind, _ => new double[rounds]);
        var random = new Random(6238);
        var order = Kinds.ToArray();
        var first = rounds;
        for (var round = 0; round < rounds; round++)
        {
            random.Shuffle(order);
            foreach (var kind in order)
            {
                var name = kind switch
                {
                    // Both take every token once, half the tokens apart.
                    "wrong" => NameOf(by, round % first),
                    "wrong-again" => NameOf(by, (round + (first / 2)) % first),
                    "throttled" => NameOf(by, first + round),
                    "suspended" => NameOf(by, (2 * first) + round),
                    _ => by == "user" ? Name(500_000_000 + round) : LoadTokens.Serial(500_000_000 + round),
                };
                times[kind][round] = caller.Ask(by, name, Code(random.Next(1_000_000)));
            }
        }

        return times;
    }

    private static int Print(string by, Dictionary<string, double[]> times)
    {
        var told = 0;
        var wrong = times["wrong"];
        foreach (var kind in Kinds)
        {
            var difference = Ratios.Median(times[kind].Zip(wrong, (a, b) => a - b));
            var median = Ratios.Median(times[kind]);
            var delta = Delta(times[kind], wrong);
            var fits = Math.Abs(difference) <= Math.Max(PartMax * Ratios.Median(wrong), MicrosecondsMax) && Math.Abs(delta) < DeltaMax;
            told += fits ? 0 : 1;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{kind}\t{by}\t{median:0.0}\t{difference:+0.0;-0.0;0.0}\t{difference / Ratios.Median(wrong):+0.000;-0.000;0.000}\t{delta:+0.000;-0.000;0.000}\t{(fits ? "within" : "TOLD APART")}"));
        }

        return told;
    }

    /// <summary>How much likelier a value of the first is above one of the second than below it.</summary>
    private static double Delta(double[] first, double[] second)
    {
        var sorted = second.Order().ToArray();
        var sum = 0L;
        foreach (var value in first)
        {
            var below = LowerBound(sorted, value);
            var notAbove = LowerBound(sorted, Math.BitIncrement(value));
            sum += below - (sorted.Length - notAbove);
        }

        return (double)sum / first.Length / sorted.Length;
    }

    private static int LowerBound(double[] sorted, double value)
    {
        var (from, to) = (0, sorted.Length);
        while (from < to)
        {
            var middle = (from + to) / 2;
            (from, to) = sorted[middle] < value ? (middle + 1, to) : (from, middle);
        }

        return from;
    }

    private static string NameOf(string by, int index) => by == "user" ? Name(index) : LoadTokens.Serial(index);

    private static string Code(int number) => (number % 1_000_000).ToString("D6", CultureInfo.InvariantCulture);

    /// <summary>One keep-alive connection, one request at a time, blocking.</summary>
    private sealed class Caller : IDisposable
    {
        private readonly Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        private readonly string head;
        private readonly byte[] answer = new byte[4096];

        public Caller(Uri server, string apiKey)
        {
            socket.Connect(IPAddress.Loopback, server.Port);
            head = $"POST /v1/validate HTTP/1.1\r\nHost: {server.Authority}\r\nContent-Type: application/json\r\nX-API-Key: {apiKey}\r\nContent-Length: ";
        }

        /// <summary>Microseconds from the first byte sent to the last one read.</summary>
        public double Ask(string by, string name, string code)
        {
            var body = $$"""{"{{by}}":"{{name}}","code":"{{code}}"}""";
            var request = Encoding.ASCII.GetBytes($"{head}{body.Length}\r\n\r\n{body}");
            var start = Stopwatch.GetTimestamp();
            socket.Send(request);
            var filled = 0;
            while (!IsWhole(answer.AsSpan(0, filled)))
            {
                var read = socket.Receive(answer, filled, answer.Length - filled, SocketFlags.None);
                filled += read > 0 ? read : throw new InvalidOperationException("The server closed the connection.");
            }

            var took = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
            return answer.AsSpan(0, filled).EndsWith("{\"accepted\":false}"u8) || answer.AsSpan(0, filled).IndexOf("\"accepted\":true"u8) >= 0
                ? took : throw new InvalidOperationException(Encoding.ASCII.GetString(answer, 0, filled));
        }

        public void Dispose() => socket.Dispose();

        private static bool IsWhole(ReadOnlySpan<byte> text)
        {
            var end = text.IndexOf("\r\n\r\n"u8);
            var at = end < 0 ? -1 : text[..end].IndexOf("Content-Length: "u8);
            return at >= 0 && System.Buffers.Text.Utf8Parser.TryParse(text[(at + 16)..], out int length, out _) && text.Length - end - 4 >= length;
        }
    }
}
