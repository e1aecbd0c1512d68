using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Provisioning;
using OathServer.Tests.Desk;
using SecurityKeys.Virtual;

namespace OathServer.Tests.Provisioning;

/// <summary>Where a job of that row is cut.</summary>
internal sealed record ProcessCut(int Row, int Command, bool IsAfter);

/// <summary>A server in a process of its own, a pcscd with several readers, and a fresh key in each of them a round.</summary>
internal sealed class ProcessFloor : IAsyncDisposable
{
    /// <summary>pcscd knows 16 slots, and each of these readers has two.</summary>
    public const int Lanes = 7;
    private const long StartCounter = 37;
    private static readonly TimeSpan AnswersWithin = TimeSpan.FromSeconds(10);
    private static readonly JsonSerializerOptions Web = new(JsonSerializerDefaults.Web);

    private readonly string folder = Directory.CreateTempSubdirectory("oathserver-floor-").FullName;
    private readonly List<CutPointCase> rows;
    private readonly List<Lane> finished = [];
    private readonly CancellationTokenSource ends = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
    private DeskPcscd pcscd = default!;
    private ServerProcess server = default!;
    private HttpClient client = default!;
    private string apiKey = "";
    private int keys;

    private ProcessFloor(List<CutPointCase> rows) => this.rows = rows;

    public int Rows => rows.Count;

    /// <summary>A key in a reader, and what happens to it.</summary>
    private sealed class Lane(int number, ProcessCut cut, CutPointCase strategies, VirtualKey key)
    {
        public int Number => number;

        public ProcessCut Cut => cut;

        public CutPointCase Strategies => strategies;

        public VirtualKey Key => key;

        public string Cuid { get; } = SecurityKeys.Cards.Cuid.FromSerial(key.Options.Serial).Text;

        public bool Came { get; set; }

        public CutCable? Cable { get; set; }

        public Task? Serving { get; set; }

        public override string ToString() => $"row {cut.Row}, {(cut.IsAfter ? "after" : "before")} command {cut.Command}";
    }

    /// <summary>Profiles and as many tokens as there will be keys, then the server and the readers.</summary>
    public static async Task<ProcessFloor> StartAsync(IReadOnlyList<string> rows, int keysMax)
    {
        var floor = new ProcessFloor([.. rows.Select(CutPointCase.Parse)]);
        await using (var made = await ServerUnderTest.StartAsync(folder: floor.folder))
        {
            floor.apiKey = await made.CreateKeyAsync("floor", Roles.Administrator);
            foreach (var (index, row) in floor.rows.Index())
            {
                await made.WithDatabase(async db => await made.Services.GetRequiredService<RolloutProfiles>()
                    .AddAsync(db, ProfileOf(index), 0, row.Profile, new AuditEvent("floor", "", ""), Cancel));
            }

            await made.AddTokensAsync(Enumerable.Range(1, keysMax).SelectMany(n => new[] { ($"H{n}", 0), ($"T{n}", 30) }), Codes.Secret, StartCounter);
        }

        floor.pcscd = await DeskPcscd.StartAsync(Cancel, Lanes);
        await floor.StartServerAsync();
        return floor;
    }

    /// <summary>One cut a lane, all at the same time; whether each was reached before its job was over.</summary>
    public async Task<List<bool>> RunAsync(IReadOnlyList<ProcessCut> cuts, bool isKill)
    {
        var lanes = cuts.Select((cut, i) => new Lane(i, cut, rows[cut.Row], new VirtualKey(
            new VirtualKeyOptions { Serial = (uint)(6_000_000 + ++keys), Firmware = rows[cut.Row].Firmware }))).ToList();
        await SeatAsync(lanes, lane => lane.Cut);
        var driving = lanes.ToDictionary(l => l, l => Task.Run(() => DriveAsync(l, l.Cable!.Reached)));
        await Task.WhenAll(lanes.Select(async lane => lane.Came = await Task.WhenAny(lane.Cable!.Reached, driving[lane]) == lane.Cable.Reached));

        var cut = lanes.Where(l => l.Came).ToList();
        if (isKill && cut.Count > 0)
        {
            await server.KillAsync();
            await server.DisposeAsync();
            cut.ForEach(l => l.Cable!.Release());
            await Task.WhenAll(driving.Values);
            await StartServerAsync();
        }
        else
        {
            await Task.WhenAll(cut.Select(PullAsync));
            await Task.WhenAll(driving.Values);
            await SeenAsync(cut, areIn: false);
            await SeatAsync(cut, _ => null);
        }

        await Task.WhenAll(lanes.Select(async lane => Assert.True(await DriveAsync(lane, Never), $"{lane}: the job does not end: {await TroubleAsync(lane)}")));
        await Task.WhenAll(lanes.Select(PullAsync));
        await SeenAsync(lanes, areIn: false);
        finished.AddRange(lanes);
        return lanes.ConvertAll(l => l.Came);
    }

    /// <summary>Every key of all rounds: right, and as the record says.</summary>
    public async Task JudgeAsync()
    {
        await server.KillAsync();
        await using var judge = await ServerUnderTest.StartAsync(folder: folder);
        foreach (var lane in finished)
        {
            await KeyVerdict.AssertNothingUnknownAsync(judge, lane.Key, lane.Cuid, lane.ToString());
            await KeyVerdict.AssertRightAsync(judge, lane.Strategies, lane.Key, lane.Cuid, TokenOf(lane), Codes.Secret, lane.ToString());
        }
    }

    public async ValueTask DisposeAsync()
    {
        await ends.CancelAsync();
        client.Dispose();
        await server.DisposeAsync();
        await pcscd.DisposeAsync();
        ends.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>Starts the job or takes it up, and does what a person is asked for, until it is confirmed (true) or the cut
    /// is reached.</summary>
    private async Task<bool> DriveAsync(Lane lane, Task untilCut)
    {
        string? code = null;
        for (var round = 0; round < 8; round++)
        {
            try
            {
                var job = await JobAsync(lane);
                if (job is { } known && known.GetProperty("state").GetString() == "confirmed")
                {
                    return true;
                }

                using var reply = job is { } open
                    ? await client.PostAsJsonAsync($"/v1/provisioning/{open.GetProperty("id").GetGuid()}/resume", new { reader = DeskPcscd.SlotOf(lane.Number), code }, Web, Cancel)
                    : await client.PostAsJsonAsync("/v1/provisioning", Request(lane), Web, Cancel);
            }
            catch (Exception killed) when (killed is HttpRequestException or IOException && untilCut.IsCompleted)
            {
                return false;
            }

            if (untilCut.IsCompleted)
            {
                return false;
            }

            code = KeyVerdict.Act(lane.Key, await TroubleAsync(lane));
        }

        return false;
    }

    private static object Request(Lane lane) => new
    {
        reader = DeskPcscd.SlotOf(lane.Number),
        profile = ProfileOf(lane.Cut.Row),
        serial = lane.Strategies.Profile.Oath is null ? null : TokenOf(lane),
        user = $"user of {lane.Key.Options.Serial}",
    };

    private async Task<JsonElement?> JobAsync(Lane lane)
    {
        var jobs = await client.GetFromJsonAsync<List<JsonElement>>($"/v1/provisioning?cuid={lane.Cuid}", Cancel);
        return jobs!.Count == 0 ? null : jobs[0];
    }

    private async Task<string?> TroubleAsync(Lane lane) =>
        await JobAsync(lane) is { } job && job.TryGetProperty("trouble", out var trouble) ? trouble.GetString() : null;

    /// <summary>Inserts the keys. A reader whose card does not answer in time when it is powered leaves it alone: then, as at a
    /// desk, out and in again.</summary>
    private async Task SeatAsync(IReadOnlyList<Lane> lanes, Func<Lane, ProcessCut?> cutOf)
    {
        for (var missing = lanes; missing.Count > 0;)
        {
            await Task.WhenAll(missing.Select(lane => InsertAsync(lane, cutOf(lane))));
            var tried = missing;
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
            limit.CancelAfter(AnswersWithin);
            try
            {
                await SeenAsync(tried, areIn: true, limit.Token);
                return;
            }
            catch (OperationCanceledException) when (!Cancel.IsCancellationRequested)
            {
                var seen = await HoldingAsync();
                missing = [.. tried.Where(l => !seen.Contains(DeskPcscd.SlotOf(l.Number)))];
                await Task.WhenAll(missing.Select(PullAsync));
                await SeenAsync(missing, areIn: false);
            }
        }
    }

    private async Task InsertAsync(Lane lane, ProcessCut? cut)
    {
        lane.Cable = new CutCable(await pcscd.PortAsync(lane.Number, ends.Token), cut?.Command ?? 0, cut?.IsAfter ?? false);
        lane.Serving = VpcdCard.RunAsync("127.0.0.1", lane.Cable.Port, lane.Key, ends.Token);
    }

    private static async Task PullAsync(Lane lane)
    {
        lane.Cable!.Dispose();
        await lane.Cable.Carried;
        await lane.Serving!.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Until pcscd has noticed, which it does a few times a second.</summary>
    private Task SeenAsync(IReadOnlyList<Lane> lanes, bool areIn, CancellationToken? until = null) => Eventually.HoldsAsync(async () =>
    {
        var holding = await HoldingAsync();
        return lanes.All(l => holding.Contains(DeskPcscd.SlotOf(l.Number)) == areIn);
    }, areIn ? "the keys are not seen" : "the keys are still seen", until ?? Cancel);

    private async Task<HashSet<string>> HoldingAsync() => [.. (await client.GetFromJsonAsync<List<JsonElement>>("/v1/readers", Cancel))!
        .Where(r => r.GetProperty("hasKey").GetBoolean()).Select(r => r.GetProperty("name").GetString()!)];

    private async Task StartServerAsync()
    {
        server = await ServerProcess.StartAsync(folder, new Dictionary<string, string?>
        {
            ["PCSCLITE_CSOCK_NAME"] = pcscd.Socket,
            // A card that is held blocks a thread of the pool, and here all of them are held.
            ["DOTNET_ThreadPool_ForceMinWorkerThreads"] = "20",
        });
        client = server.Client(apiKey);
        client.Timeout = TimeSpan.FromMinutes(2);
    }

    private static readonly Task Never = new TaskCompletionSource().Task;

    private static string ProfileOf(int row) => $"row-{row}";

    private static string TokenOf(Lane lane) => $"{(lane.Strategies.IsTotp ? 'T' : 'H')}{lane.Key.Options.Serial - 6_000_000}";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
