using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Storage;

namespace OathServer.Backup;

/// <summary>What a replay did.</summary>
/// <param name="Batches">Batches appended to the log of validations.</param>
/// <param name="Acceptances">Codes accepted in them whose counters were moved.</param>
/// <param name="Unknown">Acceptances of tokens that the backup does not hold.</param>
/// <param name="Gap">Why the journal does not join the database; null when it does, and the counters are exact.</param>
internal sealed record ReplayResult(int Batches, int Acceptances, int Unknown, string? Gap);

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
        var result = new ReplayResult(0, 0, 0, null);
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
                var (moved, unknown) = await MoveAsync(db, batch, cancel);
                result = result with { Batches = result.Batches + 1, Acceptances = result.Acceptances + moved, Unknown = result.Unknown + unknown };
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

    private static async Task<(int Moved, int Unknown)> MoveAsync(OathDbContext db, JournaledBatch batch, CancellationToken cancel)
    {
        var (moved, unknown) = (0, 0);
        foreach (var attempt in ValidationLog.Read(batch.Entries))
        {
            if (attempt.Outcome is not (Outcome.Accepted or Outcome.Resynchronised or Outcome.CaughtUp))
            {
                continue;
            }

            var at = attempt.At.ToUnixTimeMilliseconds();
            var rows = await db.Counters.Where(c => c.TokenId == attempt.TokenId && c.Counter <= attempt.Counter).ExecuteUpdateAsync(
                c => c.SetProperty(x => x.Counter, attempt.Counter).SetProperty(x => x.LastAcceptedAt, at)
                    .SetProperty(x => x.Flags, x => x.Flags | CounterFlags.OneCodeSeen), cancel);
            moved += rows;
            if (rows == 0 && !await db.Counters.AnyAsync(c => c.TokenId == attempt.TokenId, cancel))
            {
                unknown++;
            }
        }

        return (moved, unknown);
    }
}
