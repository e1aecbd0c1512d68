using Microsoft.EntityFrameworkCore;
using OathServer.Provisioning;
using OathServer.Storage;
using SecurityKeys.Cards;

namespace OathServer.Desk;

/// <summary>Watches the readers of running batches: each key that comes in is taken for the next user and driven through the
/// workflow. A key that was pulled goes on with the same user when it comes back.</summary>
internal sealed class BatchDesk(
    IServiceScopeFactory scopes, KeyReaders readers, Workflow workflow, TimeProvider time, ILogger<BatchDesk> log) : BackgroundService
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan SweepEvery = TimeSpan.FromSeconds(10);

    private readonly Dictionary<string, Task> atWork = new(StringComparer.Ordinal);
    private readonly Lock gate = new();
    private DateTimeOffset? sweptAt;
    private readonly HashSet<(Guid Batch, string Reader, long Insertion)> served = [];

    /// <summary>A batch was started or went on: keys that lie in its readers already are looked at.</summary>
    public void LookAgain(Guid batch)
    {
        lock (gate)
        {
            served.RemoveWhere(s => s.Batch == batch);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(LookEvery, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                await LookAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException)
        {
            // The server stops; what is being written is the workflow's to end.
        }

        await Task.WhenAll(atWork.Values).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task LookAsync(CancellationToken cancel)
    {
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            var db = scope.ServiceProvider.GetRequiredService<OathDbContext>();
            await SweepAsync(db, cancel);
            var running = await db.DeskBatches.AsNoTracking().Where(b => b.State == DeskBatchState.Running)
                .OrderBy(b => b.CreatedAt).Select(b => new { b.Id, b.Readers }).ToListAsync(cancel);
            if (running.Count == 0)
            {
                return;
            }

            var now = await readers.ListAsync(cancel);
            foreach (var (name, _) in atWork.Where(w => w.Value.IsCompleted).ToList())
            {
                atWork.Remove(name);
            }

            lock (gate)
            {
                served.RemoveWhere(s => !now.Any(r => r.HasKey && r.Name == s.Reader && r.Insertion == s.Insertion));
            }

            foreach (var batch in running)
            {
                var wanted = DeskBatches.ReadersOf(batch.Readers);
                foreach (var reader in now.Where(r => r.HasKey && (wanted.Count == 0 || wanted.Contains(r.Name)) && !atWork.ContainsKey(r.Name)))
                {
                    lock (gate)
                    {
                        if (!served.Add((batch.Id, reader.Name, reader.Insertion)))
                        {
                            continue;
                        }
                    }

                    atWork[reader.Name] = Task.Run(() => ServeAsync(batch.Id, reader), CancellationToken.None);
                }
            }
        }
        catch (Exception fault) when (!cancel.IsCancellationRequested)
        {
            // Whatever it is, it must not stop the server, as a fault that leaves a background service would.
            log.LogWarning("The batch desk could not read its batches ({Fault}); it tries again.", fault.GetType().Name);
        }
    }

    /// <summary>Where one process owns the database, everything at work before its first look was another's, now gone.</summary>
    private async Task SweepAsync(OathDbContext db, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        if (sweptAt is null || now - sweptAt >= SweepEvery)
        {
            await BatchSweep.RunAsync(db, now, areAllGone: sweptAt is null && !db.Database.IsNpgsql(), cancel);
            sweptAt = now;
        }
    }

    /// <summary>One key of one batch.</summary>
    private async Task ServeAsync(Guid id, KnownReader reader)
    {
        try
        {
            var offered = await OfferedAsync(reader.Name);
            if (offered is null)
            {
                Forget(id, reader);
                return;
            }

            await using var scope = scopes.CreateAsyncScope();
            var db = scope.ServiceProvider.GetRequiredService<OathDbContext>();
            var batch = await db.DeskBatches.AsNoTracking().SingleAsync(b => b.Id == id);
            await new BatchTurn(db, batch, workflow, time).TakeAsync(reader.Name, offered);
        }
        catch (SmartCardException pulled)
        {
            await NoticeAsync(id, $"{reader.Name}: {pulled.Message}");
        }
        catch (Exception fault)
        {
            log.LogError("The batch desk failed at {Reader}: {Fault}", reader.Name, fault);
            await NoticeAsync(id, $"{reader.Name}: something failed on the server; it is in its log.");
        }
    }

    private async Task<IReadOnlyList<Cuid>?> OfferedAsync(string reader)
    {
        using var session = await readers.OpenAsync(reader, CancellationToken.None);
        return session is null ? null : await session.OfferedAsync(CancellationToken.None);
    }

    private void Forget(Guid id, KnownReader reader)
    {
        lock (gate)
        {
            served.Remove((id, reader.Name, reader.Insertion));
        }
    }

    private async Task NoticeAsync(Guid id, string notice)
    {
        await using var scope = scopes.CreateAsyncScope();
        await scope.ServiceProvider.GetRequiredService<OathDbContext>().DeskBatches.Where(b => b.Id == id)
            .ExecuteUpdateAsync(b => b.SetProperty(x => x.Notice, notice));
    }
}
