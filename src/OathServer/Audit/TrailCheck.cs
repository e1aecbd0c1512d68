using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using OathServer.Storage;

namespace OathServer.Audit;

/// <summary>What a walk over all chains found.</summary>
/// <param name="Holds">Nothing was edited, deleted, reordered or cut off.</param>
/// <param name="Acts">Entries of the trail of acts that were walked.</param>
/// <param name="Batches">Batches of validations that were walked, over all nodes.</param>
/// <param name="Anchors">Anchors compared.</param>
/// <param name="Faults">What is wrong and where, the first place of each chain.</param>
public sealed record TrailVerdict(bool Holds, long Acts, long Batches, long Anchors, IReadOnlyList<string> Faults);

/// <summary>Walks the trail of acts and every node's validations, link by link, and compares them with the anchors.</summary>
internal sealed class TrailCheck(AuditTrail audit, AnchorFile anchorFile)
{
    public async Task<TrailVerdict> RunAsync(OathDbContext db, CancellationToken cancel)
    {
        var key = await audit.KeyAsync(cancel);
        var faults = new List<string>();
        var (anchored, anchors) = ReadAnchors(key, faults);
        long acts = 0, batches = 0;
        if (await audit.VerifyAsync(db, cancel, entry =>
            {
                acts++;
                Compare(anchored, ChainHead.Acts, entry.Sequence, entry.Mac, faults);
            }) is { } fault)
        {
            faults.Add($"acts: {fault}");
        }

        foreach (var node in await Anchors.NodesAsync(db, cancel))
        {
            batches += await WalkAsync(db, key, node, anchored, faults, cancel);
        }

        foreach (var group in anchored.GroupBy(a => a.Key.Chain))
        {
            // What was anchored and not met: cut off, unless its chain is broken before, which was said already.
            if (!faults.Any(f => f.StartsWith(group.Key + ":", StringComparison.Ordinal)))
            {
                var last = group.Max(a => a.Key.Sequence);
                faults.Add($"{group.Key}: entry {last} was anchored and is not there: the chain was cut off");
            }
        }

        return new TrailVerdict(faults.Count == 0, acts, batches, anchors, faults);
    }

    private (Dictionary<(string Chain, long Sequence), string> Heads, long Count) ReadAnchors(byte[] key, List<string> faults)
    {
        var heads = new Dictionary<(string, long), string>();
        long line = 0;
        foreach (var text in anchorFile.Lines())
        {
            line++;
            if (Anchor.Parse(text) is not { } anchor || !anchor.IsSignedBy(key))
            {
                faults.Add($"anchors: line {line} of {anchorFile.Path} was edited or is of another database");
                break;
            }

            foreach (var head in anchor.Heads)
            {
                heads[(head.Chain, head.Sequence)] = head.Mac;
            }
        }

        return (heads, line);
    }

    private static async Task<long> WalkAsync(
        OathDbContext db, byte[] key, int node, Dictionary<(string, long), string> anchored, List<string> faults, CancellationToken cancel)
    {
        var chain = ChainHead.Validations(node);
        long expected = 1;
        var previous = new byte[ValidationChain.MacSize];
        await foreach (var batch in db.ValidationBatches.AsNoTracking().Where(b => b.Node == node).OrderBy(b => b.Sequence)
            .AsAsyncEnumerable().WithCancellation(cancel))
        {
            if (batch.Sequence != expected)
            {
                faults.Add($"{chain}: entry {expected} is missing (entry {batch.Sequence} follows entry {expected - 1})");
                break;
            }

            var link = ValidationChain.Link(key, node, batch.Sequence, batch.At.ToUnixTimeMilliseconds(), previous, batch.Entries);
            if (!CryptographicOperations.FixedTimeEquals(link, batch.Mac))
            {
                faults.Add($"{chain}: entry {batch.Sequence} was changed, or an entry before it was replaced");
                break;
            }

            Compare(anchored, chain, batch.Sequence, batch.Mac, faults);
            previous = batch.Mac;
            expected++;
        }

        return expected - 1;
    }

    private static void Compare(
        Dictionary<(string, long), string> anchored, string chain, long sequence, byte[] mac, List<string> faults)
    {
        if (anchored.Remove((chain, sequence), out var known) && known != Convert.ToHexString(mac))
        {
            faults.Add($"{chain}: entry {sequence} is not the one that was anchored: the chain was rebuilt from there or before");
        }
    }
}
