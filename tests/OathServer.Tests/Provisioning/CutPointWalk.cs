using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Audit;
using OathServer.Provisioning;
using OathServer.Storage;
using SecurityKeys.Cards;
using SecurityKeys.Virtual;

namespace OathServer.Tests.Provisioning;

/// <summary>One server; a fresh key and token a run. A run arms its faults one after the other, resumes until the job ends,
/// and sees at every stop and at the end that nothing on the key is unknown.</summary>
internal sealed class CutPointWalk : IAsyncDisposable
{
    private const string Reader = "desk";
    private const long StartCounter = 37;
    private static readonly byte[] NextSecret = [.. "another secret, of 20"u8[..20]];
    private static readonly AuditEvent Actor = new("cut-points", "", "");

    private readonly CutPointCase strategies;
    private readonly StorageFaults storage;
    private readonly ServerUnderTest server;
    private int runs;

    private CutPointWalk(CutPointCase strategies, StorageFaults storage, ServerUnderTest server) =>
        (this.strategies, this.storage, this.server) = (strategies, storage, server);

    public static async Task<CutPointWalk> StartAsync(CutPointCase strategies)
    {
        var storage = new StorageFaults();
        var server = await ServerUnderTest.StartAsync(replace: services =>
        {
            services.ConfigureDbContext<SqliteOathDbContext>(options => options.AddInterceptors(storage.Commits, storage.Commands));
            services.ConfigureDbContext<PostgreSqlOathDbContext>(options => options.AddInterceptors(storage.Commits, storage.Commands));
            storage.Wrap(services);
        });
        await server.WithDatabase(async db => await server.Services.GetRequiredService<RolloutProfiles>()
            .AddAsync(db, "walk", 0, strategies.Profile, Actor, Cancel));
        return new CutPointWalk(strategies, storage, server);
    }

    /// <summary>What the first fault of the last run left behind.</summary>
    public string Left { get; private set; } = "";

    public async ValueTask DisposeAsync() => await server.DisposeAsync();

    /// <summary>False when the last of the faults lay behind the end of the job.</summary>
    public Task<bool> RunAsync(params Fault[] faults) => RunAsync(Story.Resumed, faults);

    /// <inheritdoc cref="RunAsync(Fault[])"/>
    public async Task<bool> RunAsync(Story story, params Fault[] faults)
    {
        var serial = (uint)(5_000_000 + ++runs);
        var token = $"T{serial}";
        var user = $"user of {serial}";
        string? earlier = null;
        var key = new VirtualKey(new VirtualKeyOptions { Serial = serial, Firmware = strategies.Firmware });
        var tries = new TriesSpent();
        server.Services.GetRequiredService<KeyReaders>().Plug(Reader, KeyReaders.VirtualKind, () => tries.Watch(key.Connect()));
        await server.AddTokenAsync(token, Codes.Secret, StartCounter, state: TokenState.Imported, timeStep: strategies.IsTotp ? 30 : 0);

        var cuid = Cuid.FromSerial(serial).Text;
        var what = string.Join(" then ", faults.Select(f => $"{f.Kind} {f.N}"));
        if (story == Story.PassedOn)
        {
            await FinishAsync(key, cuid, token, user);
            (earlier, token, user) = (token, $"N{serial}", $"next user of {serial}");
            await server.AddTokenAsync(token, NextSecret, StartCounter, state: TokenState.Imported, timeStep: strategies.IsTotp ? 30 : 0);
        }

        var (came, past) = (0, 0);
        string? typed = null;
        for (var round = 0; round < 12; round++)
        {
            // A fault that has not come is carried over the stops in which a person is asked for something.
            var fault = came < faults.Length ? faults[came] : null;
            var before = key.ApduCount;
            Arm(key, fault is null ? null : fault with { N = fault.N - past });
            await AttemptAsync(cuid, token, user, typed);
            past += fault?.Kind switch
            {
                FaultKind.PulledBefore or FaultKind.PulledAfter => key.ApduCount - before,
                FaultKind.ValidationFails or FaultKind.ValidationLost => storage.Validated,
                _ => storage.Committed,
            };
            if (Disarm(key, fault))
            {
                (came, past) = (came + 1, 0);
                Left = came == 1 && story == Story.Resumed ? await LeftState.OfAsync(server, key, cuid, token) : Left;
            }

            var job = await JobAsync(cuid);
            await KeyVerdict.AssertNothingUnknownAsync(server, key, cuid, what);
            Assert.True(tries.Spent <= 1, $"{what}: {tries.Spent} tries were spent");
            await AssertOneHolderAsync(cuid, token, earlier, what);
            if (job is { State: JobState.Confirmed } && await IsOfAsync(cuid, user))
            {
                await KeyVerdict.AssertRightAsync(server, strategies, key, cuid, token, token[0] == 'N' ? NextSecret : Codes.Secret, what);
                return came == faults.Length;
            }

            if (story == Story.Abandoned && earlier is null && came == faults.Length)
            {
                await AbandonAsync(job);
                (earlier, token, user) = (token, $"N{serial}", $"next user of {serial}");
                await server.AddTokenAsync(token, NextSecret, StartCounter, state: TokenState.Imported, timeStep: strategies.IsTotp ? 30 : 0);
                continue;
            }

            if (job is { State: JobState.Open } && strategies.Profile.Oath is not null)
            {
                Assert.True((await server.CounterAsync(token)).State == TokenState.Pending, $"{what}: the token is not refused meanwhile");
            }

            // A server that died left the trouble of before; the holder acts once.
            typed = KeyVerdict.Act(key, job?.Trouble);
        }

        Assert.Fail($"{what}: the job does not end: {(await JobAsync(cuid))?.Trouble}");
        return false;
    }

    /// <summary>The key's first holder, without faults.</summary>
    private async Task FinishAsync(VirtualKey key, string cuid, string token, string user)
    {
        string? typed = null;
        for (var round = 0; round < 4 && (round == 0 || !await IsOfAsync(cuid, user)); round++)
        {
            await AttemptAsync(cuid, token, user, typed);
            typed = KeyVerdict.Act(key, (await JobAsync(cuid))?.Trouble);
        }
    }

    private Task<bool> IsOfAsync(string cuid, string user) => server.WithDatabase(db =>
        db.Records.AnyAsync(r => r.Cuid == cuid && r.Status == KeyStatus.ReadyForHandout && r.Person!.Name == user, Cancel));

    /// <summary>By force, after the lease of a driver that died has run out.</summary>
    private async Task AbandonAsync(ProvisioningJob? job)
    {
        if (job is { State: JobState.Open })
        {
            var refusal = await server.WithDatabase(async db =>
            {
                await db.Jobs.Where(j => j.Id == job.Id).ExecuteUpdateAsync(j => j.SetProperty(x => x.LeaseUntil, (DateTimeOffset?)null), Cancel);
                return await server.Services.GetRequiredService<JobClosing>().AbandonAsync(db, job.Id, force: true, Actor, Cancel);
            });
            Assert.Null(refusal);
        }
    }

    /// <summary>An earlier holder's token is in use or the new one's, never both.</summary>
    private async Task AssertOneHolderAsync(string cuid, string token, string? earlier, string what)
    {
        if (earlier is not null && strategies.Profile.Oath is not null)
        {
            var (before, now) = ((await server.CounterAsync(earlier)).State, (await server.CounterAsync(token)).State);
            Assert.True(before != TokenState.Active || now != TokenState.Active, $"{what}: two holders' tokens of key {cuid} are in use");
        }
    }

    private async Task AttemptAsync(string cuid, string token, string user, string? typed)
    {
        try
        {
            await using var scope = server.Services.CreateAsyncScope();
            var db = scope.ServiceProvider.GetRequiredService<OathDbContext>();
            var workflow = server.Services.GetRequiredService<Workflow>();
            var job = await db.Jobs.AsNoTracking().SingleOrDefaultAsync(j => j.OpenCuid == cuid, Cancel);
            var wanted = new Wanted("walk", strategies.Profile.Oath is null ? null : token, null, user, null, Force: token[0] == 'N');
            var outcome = job is null
                ? await workflow.StartAsync(db, Reader, wanted, dryRun: false, Actor, Cancel)
                : await workflow.ResumeAsync(db, job, Reader, Actor, Cancel, typed);
            if (outcome is StartOutcome.Started started)
            {
                await started.Running;
            }
            else if (outcome is StartOutcome.Busy busy)
            {
                Assert.Fail(busy.What);
            }
        }
        catch (Exception fault) when (storage.Came && fault is not Xunit.Sdk.IAssertionException)
        {
            // The process died: nobody is there to be told.
        }
    }

    private void Arm(VirtualKey key, Fault? fault)
    {
        switch (fault)
        {
            case { Kind: FaultKind.PulledBefore }:
                key.PullBefore(fault.N);
                break;
            case { Kind: FaultKind.PulledAfter }:
                key.PullAfter(fault.N);
                break;
            case { Kind: FaultKind.ValidationFails or FaultKind.ValidationLost }:
                storage.ArmCounters(fault.N, fault.Kind == FaultKind.ValidationLost);
                break;
            case not null:
                storage.Arm(fault.N, fault.Kind == FaultKind.DiesAfter);
                break;
        }
    }

    /// <summary>Takes an unused fault back; whether it had come.</summary>
    private bool Disarm(VirtualKey key, Fault? fault)
    {
        var came = fault?.Kind switch
        {
            null => false,
            FaultKind.DiesBefore or FaultKind.DiesAfter => storage.Came,
            FaultKind.ValidationFails or FaultKind.ValidationLost => storage.RefusalCame,
            _ => !key.IsInserted,
        };
        storage.Restart();
        key.Pull();
        return came;
    }

    private Task<ProvisioningJob?> JobAsync(string cuid) => server.WithDatabase(db =>
        db.Jobs.AsNoTracking().Include(j => j.Steps).Where(j => j.Cuid == cuid).OrderByDescending(j => j.StartedAt).FirstOrDefaultAsync(Cancel));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}

/// <summary>Counts the tries that wrong PINs and PUKs cost.</summary>
internal sealed class TriesSpent
{
    public int Spent { get; private set; }

    public ISmartCardConnection Watch(ISmartCardConnection card) => new Watched(card, this);

    private sealed class Watched(ISmartCardConnection card, TriesSpent tries) : ISmartCardConnection
    {
        public string ReaderName => card.ReaderName;

        public ReadOnlyMemory<byte> AnswerToReset => card.AnswerToReset;

        public byte[] Transmit(ReadOnlySpan<byte> command)
        {
            // VERIFY with data, CHANGE REFERENCE DATA, RESET RETRY COUNTER (SP 800-73-4 part 2, §3.2).
            var counts = command.Length > 5 && command[1] is 0x20 or 0x24 or 0x2C;
            var answer = card.Transmit(command);
            if (counts && (answer[^2] == 0x63 || (answer[^2], answer[^1]) == (0x69, 0x83)))
            {
                tries.Spent++;
            }

            return answer;
        }

        public IDisposable BeginTransaction() => card.BeginTransaction();

        public void Dispose() => card.Dispose();
    }
}
