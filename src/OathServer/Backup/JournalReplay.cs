using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Storage;

namespace OathServer.Backup;

/// <summary>What a replay did.</summary>
/// <param name="Batches">Batches appended to the log of validations.</param>
/// <param name="Acceptances">Codes accepted in them whose counters were moved.</param>
/// <param name="Unknown">Acceptances of tokens that the backup does not hold.</param>
/// <param name="Reseeded">Tokens whose new seed was made after the backup and is lost: they are suspended.</param>
/// <param name="Gap">Why the journal does not join the database; null when it does, and the counters are exact.</param>
internal sealed record ReplayResult(int Batches, int Acceptances, int Unknown, int Reseeded, string? Gap);

/// <summary>Brings a restored database to the last code that was accepted: continues each node's chain with the batches
/// of the journal, each link checked, and moves the counters on, never back.</summary>
internal sealed class JournalReplay(AuditTrail audit)
{
    public async Task<ReplayResult> RunAsync(OathDbContext db, IReadOnlyList<string> journals, CancellationToken cancel)
    {
        var key = await audit.KeyAsync(cancel);
        var known = new Dictionary<(int Node, long Sequence), JournaledBatch>();
        foreach (var batch in journals.SelectMany(AcceptanceJournal.Read))
        {
            known[(batch.Node, batch.Sequence)] = batch;
        }

        var heads = (await Anchors.HeadsAsync(db, cancel)).ToDictionary(h => h.Chain);
        var nodes = await Anchors.NodesAsync(db, cancel);
        var result = new ReplayResult(0, 0, 0, 0, null);
        foreach (var node in nodes.Union(known.Keys.Select(k => k.Node)).Order())
        {
            var head = heads.GetValueOrDefault(ChainHead.Validations(node));
            var sequence = head?.Sequence ?? 0;
            var mac = head is null ? new byte[ValidationChain.MacSize] : Convert.FromHexString(head.Mac);
            if (Gap(known, node, sequence, mac) is { } gap)
            {
                return result with { Gap = gap };
            }

            for (; known.TryGetValue((node, sequence + 1), out var batch); sequence++, mac = batch.Mac)
            {
                var link = ValidationChain.Link(key, node, batch.Sequence, batch.At, mac, batch.Entries);
                if (!System.Security.Cryptography.CryptographicOperations.FixedTimeEquals(link, batch.Mac))
                {
                    return result with { Gap = $"batch {batch.Sequence} of node {node} in the journal was edited, or is of another database" };
                }

                db.ValidationBatches.Add(new ValidationBatch
                {
                    Node = node,
                    Sequence = batch.Sequence,
                    At = DateTimeOffset.FromUnixTimeMilliseconds(batch.At),
                    Entries = batch.Entries,
                    Mac = batch.Mac,
                });
                await db.SaveChangesAsync(cancel);
                db.ChangeTracker.Clear();
                result = await MoveAsync(db, batch, result with { Batches = result.Batches + 1 }, cancel);
            }
        }

        return result;
    }

    /// <summary>Exact only when the journal reaches back to the end of the chain, and no batch after it is missing.</summary>
    private static string? Gap(Dictionary<(int Node, long Sequence), JournaledBatch> known, int node, long sequence, byte[] mac)
    {
        var last = known.Keys.Where(k => k.Node == node).Select(k => (long?)k.Sequence).Max();
        if (last is null)
        {
            return $"no journal holds the validations of node {node}";
        }

        if (sequence > 0 && known.TryGetValue((node, sequence), out var same) && !same.Mac.AsSpan().SequenceEqual(mac))
        {
            return $"batch {sequence} of node {node} in the journal is of another database";
        }

        for (var next = sequence + 1; next <= last; next++)
        {
            if (!known.ContainsKey((node, next)))
            {
                return $"batch {next} of node {node} is in no journal";
            }
        }

        return last >= sequence ? null : $"the journal of node {node} ends before the backup does";
    }

    private static async Task<ReplayResult> MoveAsync(OathDbContext db, JournaledBatch batch, ReplayResult result, CancellationToken cancel)
    {
        foreach (var attempt in ValidationLog.Read(batch.Entries).Where(a => a.Outcome is Outcome.Accepted or Outcome.Resynchronised or Outcome.CaughtUp))
        {
            var generation = await db.Counters.Where(c => c.TokenId == attempt.TokenId).Select(c => (int?)c.Generation).SingleOrDefaultAsync(cancel);
            if (generation is null)
            {
                result = result with { Unknown = result.Unknown + 1 };
            }
            else if (attempt.Generation > generation && !await SwitchAsync(db, attempt, cancel))
            {
                // The holder's key has a seed that nobody else knows any more, and nobody has the one that is here.
                var suspended = await db.Counters.Where(c => c.TokenId == attempt.TokenId && c.State != TokenState.Suspended)
                    .ExecuteUpdateAsync(c => c.SetProperty(x => x.State, TokenState.Suspended), cancel);
                result = result with { Reseeded = result.Reseeded + suspended };
            }
            else if (attempt.Generation >= generation)
            {
                var at = attempt.At.ToUnixTimeMilliseconds();
                var moved = await db.Counters.Where(c => c.TokenId == attempt.TokenId && c.Counter <= attempt.Counter).ExecuteUpdateAsync(
                    c => c.SetProperty(x => x.Counter, attempt.Counter).SetProperty(x => x.LastAcceptedAt, at)
                        .SetProperty(x => x.Flags, x => x.Flags | CounterFlags.OneCodeSeen), cancel);
                result = result with { Acceptances = result.Acceptances + moved };
            }

            // Otherwise it is of a seed that the token had before the one it has: its counter is another's.
        }

        return result;
    }

    /// <summary>Switches to a seed that was staged before the backup, as its first code did; false when it is not there.</summary>
    private static async Task<bool> SwitchAsync(OathDbContext db, LoggedAttempt attempt, CancellationToken cancel)
    {
        if (await db.PendingSeeds.SingleOrDefaultAsync(p => p.TokenId == attempt.TokenId && p.Generation == attempt.Generation, cancel) is not { } pending)
        {
            return false;
        }

        var token = await db.Tokens.SingleAsync(t => t.Id == attempt.TokenId, cancel);
        (token.SealedSecret, token.StartCounter) = (pending.SealedSecret, pending.StartCounter);
        db.PendingSeeds.Remove(pending);
        await db.SaveChangesAsync(cancel);
        db.ChangeTracker.Clear();
        await db.Counters.Where(c => c.TokenId == attempt.TokenId).ExecuteUpdateAsync(c => c
            .SetProperty(x => x.Generation, attempt.Generation).SetProperty(x => x.Counter, attempt.Counter).SetProperty(x => x.Drift, 0)
            .SetProperty(x => x.Flags, x => x.Flags & CounterFlags.HasPin).SetProperty(x => x.Failures, 0).SetProperty(x => x.LastRequest, 0L), cancel);
        return true;
    }
}
