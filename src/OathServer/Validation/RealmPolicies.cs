using System.Collections.Frozen;
using System.Threading.Channels;
using Microsoft.EntityFrameworkCore;
using OathServer.Storage;

namespace OathServer.Validation;

/// <summary>
/// The policy of each realm: its own where one is stored, else the settings'. Held in memory, so that a validation asks
/// nobody; read again when this node changes one, when a notice says that another may have, and on several nodes every
/// few seconds, as a notice can be lost.
/// </summary>
internal sealed class RealmPolicies : BackgroundService
{
    /// <summary>How long another node may go on with the old policy when a notice was lost.</summary>
    public static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(2);

    private readonly Channel<bool> notices = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    private readonly SemaphoreSlim turn = new(1);
    private readonly IServiceScopeFactory scopes;
    private readonly ILogger<RealmPolicies> log;
    private readonly TimeProvider time;
    private volatile FrozenDictionary<string, ValidationPolicy> own = FrozenDictionary<string, ValidationPolicy>.Empty;
    private volatile string reading = "";
    private volatile bool takePins;

    public RealmPolicies(ValidationPolicy defaults, FactsChanged changed, IServiceScopeFactory scopes, TimeProvider time, ILogger<RealmPolicies> log)
    {
        (Defaults, this.scopes, this.time, this.log) = (defaults, scopes, time, log);
        changed.Listen(() => notices.Writer.TryWrite(true));
    }

    /// <summary>What holds where a realm has no policy of its own: the settings.</summary>
    public ValidationPolicy Defaults { get; }

    /// <summary>Whether any realm takes PINs.</summary>
    public bool TakePins => Defaults.Pin != PinRule.None || takePins;

    /// <summary>The realms that have a policy of their own, in the order of their names.</summary>
    public IEnumerable<KeyValuePair<string, ValidationPolicy>> Own => own.OrderBy(p => p.Key, StringComparer.Ordinal);

    /// <summary>The policy of a realm.</summary>
    public ValidationPolicy Of(string realm) => own.TryGetValue(realm, out var policy) ? policy : Defaults;

    /// <summary>The policy of credentials, which are of one realm; of none, the settings'.</summary>
    public ValidationPolicy Of(CredentialFacts[] found) => found.Length == 0 ? Defaults : Of(found[0].Realm);

    /// <summary>Reads what is stored; it holds for whatever is asked after.</summary>
    public async Task ReloadAsync(CancellationToken cancel)
    {
        // One after another, or an older reading could be put over a newer one.
        await turn.WaitAsync(cancel);
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            var db = scope.ServiceProvider.GetRequiredService<OathDbContext>();
            Take(await db.RealmPolicies.AsNoTracking().OrderBy(p => p.Realm).ToListAsync(cancel));
        }
        finally
        {
            turn.Release();
        }
    }

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        // Before anybody is answered.
        await ReloadAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    public override void Dispose()
    {
        turn.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var alone = !scope.ServiceProvider.GetRequiredService<OathDbContext>().Database.IsNpgsql();
        var failing = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await WaitAsync(alone, stoppingToken);
                await ReloadAsync(stoppingToken);
                failing = false;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception fault)
            {
                if (!failing)
                {
                    log.LogWarning("The policies of realms could not be read again; those known hold on: {Fault}", fault.Message);
                }

                failing = true;
                await Task.Delay(AskAgain, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task WaitAsync(bool alone, CancellationToken stop)
    {
        using var limit = alone ? new CancellationTokenSource() : new CancellationTokenSource(AskAgain, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, stop);
        try
        {
            await notices.Reader.ReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            // Nobody said anything for a while.
        }
    }

    private void Take(List<RealmPolicy> stored)
    {
        var seen = string.Join('\n', stored.Select(p => $"{p.Realm}\t{p.Version}\t{p.ChangedAt:O}"));
        if (seen == reading)
        {
            return;
        }

        var policies = new Dictionary<string, ValidationPolicy>(StringComparer.Ordinal);
        foreach (var row in stored)
        {
            var policy = Defaults.With(row);
            if (string.Join(" ", policy.Faults()) is { Length: > 0 } faults)
            {
                log.LogError("The stored policy of realm {Realm} is out of bounds; the settings hold there. {Faults}", row.Realm, faults);
                continue;
            }

            policies[row.Realm] = policy;
        }

        takePins = policies.Values.Any(p => p.Pin != PinRule.None);
        own = policies.ToFrozenDictionary(StringComparer.Ordinal);
        reading = seen;
    }
}
