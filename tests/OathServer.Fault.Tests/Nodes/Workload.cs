using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using OathServer.Fault.Tests.History;

namespace OathServer.Fault.Tests.Nodes;

/// <summary>
/// Clients that hammer the same tokens on all nodes with right, drifted, replayed and wrong codes, some of them at two
/// nodes at the same moment, and staff who assign tokens meanwhile. Everything they see is kept.
/// </summary>
internal sealed class Workload(Fleet fleet, IReadOnlyList<Uri> nodes, int seed) : IDisposable
{
    private const int Drift = 8;
    private const int LookBack = 32;

    private readonly long[] next = new long[fleet.Tokens];
    private readonly int[] refusedInARow = new int[fleet.Tokens];
    private readonly List<Attempt>[] attempts = new List<Attempt>[256];
    private readonly List<Act> acts = [];
    private readonly CancellationTokenSource stop = new();
    private readonly List<Task> running = [];
    private readonly long[] acceptedBy = new long[nodes.Count];
    private readonly long[] unavailableAt = new long[nodes.Count];
    private volatile bool quiet;
    private long requests;
    private long accepted;

    public long Requests => Interlocked.Read(ref requests);

    public long Accepted => Interlocked.Read(ref accepted);

    public IReadOnlyList<Attempt> Attempts => [.. attempts.Where(a => a is not null).SelectMany(a => a)];

    public IReadOnlyList<Act> Acts => acts;

    /// <summary>Whether the clients send nothing new for a while.</summary>
    public bool Quiet
    {
        get => quiet;
        set => quiet = value;
    }

    /// <summary>Starts so many clients a node, and one of staff if wanted.</summary>
    public void Start(int clientsANode, bool staff = true)
    {
        var http = nodes.Select(fleet.Client).ToArray();
        for (var client = 0; client < clientsANode * nodes.Count; client++)
        {
            var (number, own) = (client, attempts[client] = []);
            running.Add(Task.Run(() => ClientAsync(number, http, own)));
        }

        if (staff)
        {
            running.Add(Task.Run(() => StaffAsync(http)));
        }
    }

    /// <summary>Waits until so many more codes were accepted: the nodes work.</summary>
    public Task UntilAcceptedAsync(long more)
    {
        var goal = Accepted + more;
        return UntilAsync(() => Accepted >= goal, $"a further {more} codes accepted");
    }

    /// <summary>Waits until every node accepted one more code.</summary>
    public Task UntilEveryNodeAcceptedAsync()
    {
        var before = acceptedBy.ToArray();
        return UntilAsync(() => before.Index().All(n => Interlocked.Read(ref acceptedBy[n.Index]) > n.Item), "a code accepted by every node");
    }

    /// <summary>Waits until every node answered 503 once more.</summary>
    public Task UntilEveryNodeWasUnavailableAsync()
    {
        var before = unavailableAt.ToArray();
        return UntilAsync(() => before.Index().All(n => Interlocked.Read(ref unavailableAt[n.Index]) > n.Item), "a 503 of every node");
    }

    private async Task UntilAsync(Func<bool> holds, string what)
    {
        for (var looks = 0; !holds(); looks++)
        {
            if (running.FirstOrDefault(r => r.IsCompleted) is { } ended)
            {
                await ended;
                Assert.Fail("a client ran out of codes");
            }

            Assert.True(looks < 12_000, $"not seen in a minute: {what}");
            await Task.Delay(5);
        }
    }

    /// <summary>Learns from the server where the tokens stand, where an earlier run moved them.</summary>
    public async Task SynchroniseAsync()
    {
        using var http = fleet.Client(nodes[0]);
        for (var token = 0; token < fleet.Tokens; token++)
        {
            await AskAsync(http, token);
        }
    }

    public async Task UntilRequestsAsync(long count)
    {
        while (Requests < count && !running.Any(r => r.IsFaulted))
        {
            await Task.Delay(20);
        }
    }

    /// <summary>What the checker says of the codes accepted until now, the store left aside.</summary>
    public List<string> FaultsSoFar()
    {
        var until = Stopwatch.GetTimestamp();
        var seen = new List<Attempt>();
        foreach (var own in attempts.Where(a => a is not null))
        {
            lock (own)
            {
                seen.AddRange(own.Where(a => a.Answer == Answer.Accepted && a.Ended < until));
            }
        }

        var after = seen.GroupBy(a => a.Token).ToDictionary(g => g.Key, _ => long.MaxValue);
        return HistoryChecker.Check(new ClientHistory(seen, [], after, new Dictionary<int, long>()));
    }

    public async Task StopAsync()
    {
        await stop.CancelAsync();
        await Task.WhenAll(running);
    }

    public void Dispose() => stop.Dispose();

    private async Task ClientAsync(int client, HttpClient[] http, List<Attempt> own)
    {
        var random = new Random(seed + client);
        while (!stop.IsCancellationRequested)
        {
            if (quiet)
            {
                await Task.Delay(5);
                continue;
            }

            var token = random.Next(fleet.Tokens);
            var node = random.Next(http.Length);
            var counter = Interlocked.Read(ref next[token]);
            if (counter + Drift + 1 >= fleet.Codes.Count)
            {
                return;
            }

            switch (random.Next(100))
            {
                case < 45:
                    await SendAsync(http, node, token, counter, Meaning.Right, fleet.Codes[counter], own);
                    break;
                case < 60 when http.Length > 1:
                    // The same code at two nodes at once; each keeps a list of its own.
                    var other = new List<Attempt>(1);
                    await Task.WhenAll(
                        SendAsync(http, node, token, counter, Meaning.Right, fleet.Codes[counter], own),
                        SendAsync(http, (node + 1) % http.Length, token, counter, Meaning.Right, fleet.Codes[counter], other));
                    lock (own)
                    {
                        own.AddRange(other);
                    }

                    break;
                case < 70:
                    counter += random.Next(1, Drift + 1);
                    await SendAsync(http, node, token, counter, Meaning.Right, fleet.Codes[counter], own);
                    break;
                case < 85 when counter > 0:
                    counter -= random.Next(1, (int)Math.Min(counter, LookBack) + 1);
                    await SendAsync(http, node, token, counter, Meaning.Replayed, fleet.Codes[counter], own);
                    break;
                default:
                    await SendAsync(http, node, token, -1, Meaning.Wrong, fleet.Codes.Wrong(random), own);
                    break;
            }
        }
    }

    private async Task SendAsync(HttpClient[] http, int node, int token, long counter, Meaning meaning, string code, List<Attempt> own)
    {
        Interlocked.Increment(ref requests);
        var started = Stopwatch.GetTimestamp();
        var answer = Answer.Lost;
        try
        {
            using var reply = await http[node].PostAsJsonAsync("/v1/validate", new { serial = Fleet.Serial(token), code });
            answer = reply.StatusCode switch
            {
                HttpStatusCode.OK => (await reply.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("accepted").GetBoolean() ? Answer.Accepted : Answer.Refused,
                HttpStatusCode.ServiceUnavailable => Answer.Unavailable,
                _ => Answer.Other,
            };
        }
        catch (Exception fault) when (fault is HttpRequestException or IOException or JsonException or TaskCanceledException)
        {
            // Killed under the request: nobody knows.
        }

        lock (own)
        {
            own.Add(new Attempt(token, counter, meaning, answer, started, Stopwatch.GetTimestamp(), node));
        }

        await LearnAsync(http, node, token, counter, meaning, answer);
    }

    private async Task LearnAsync(HttpClient[] http, int node, int token, long counter, Meaning meaning, Answer answer)
    {
        if (answer == Answer.Accepted)
        {
            Interlocked.Increment(ref accepted);
            Interlocked.Increment(ref acceptedBy[node]);
            Volatile.Write(ref refusedInARow[token], 0);
            RaiseTo(token, counter + 1);
        }
        else if (answer is Answer.Lost or Answer.Unavailable)
        {
            Interlocked.Add(ref unavailableAt[node], answer == Answer.Unavailable ? 1 : 0);
            // A node that is away is not stormed.
            await Task.Delay(10);
        }
        else if (meaning == Meaning.Right && Interlocked.Increment(ref refusedInARow[token]) % 16 == 0)
        {
            await AskAsync(http[node], token);
        }
    }

    /// <summary>A reply was lost, so the client does not know where the token stands; or the token is locked.</summary>
    private async Task AskAsync(HttpClient node, int token)
    {
        try
        {
            using var unlocked = await node.PostAsync($"/v1/tokens/{Fleet.Serial(token)}/unlock", content: null);
            if (unlocked.IsSuccessStatusCode)
            {
                RaiseTo(token, (await unlocked.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("counter").GetInt64());
            }
        }
        catch (Exception fault) when (fault is HttpRequestException or IOException or JsonException or TaskCanceledException)
        {
            // Later, then.
        }
    }

    private void RaiseTo(int token, long counter)
    {
        for (var seen = Interlocked.Read(ref next[token]); seen < counter;)
        {
            var before = Interlocked.CompareExchange(ref next[token], counter, seen);
            if (before == seen)
            {
                return;
            }

            seen = before;
        }
    }

    /// <summary>So many acts of staff at each node at the same moment; what they were answered.</summary>
    public async Task<HttpStatusCode[]> StaffAtOnceAsync(int count)
    {
        var replies = await Task.WhenAll(nodes.SelectMany(node => Enumerable.Range(0, count).Select(async _ =>
        {
            using var http = fleet.Client(node);
            using var reply = await http.PostAsync($"/v1/tokens/{Fleet.Serial(fleet.Tokens)}/unlock", content: null);
            return reply.StatusCode;
        })));
        return replies;
    }

    private async Task StaffAsync(HttpClient[] http)
    {
        var random = new Random(seed);
        for (var number = 1L; !stop.IsCancellationRequested; number++)
        {
            var token = fleet.Tokens + random.Next(Fleet.StaffTokens);
            var acknowledged = false;
            try
            {
                using var reply = await http[random.Next(http.Length)].PutAsJsonAsync($"/v1/tokens/{Fleet.Serial(token)}/user", new { user = $"u{number}" });
                acknowledged = reply.IsSuccessStatusCode;
                Assert.True(acknowledged || reply.StatusCode == HttpStatusCode.ServiceUnavailable, $"an assignment was answered {reply.StatusCode}");
            }
            catch (Exception fault) when (fault is HttpRequestException or IOException or TaskCanceledException)
            {
                // Killed under the request.
            }

            acts.Add(new Act(token, number, acknowledged));
            await Task.Delay(5);
        }
    }
}
