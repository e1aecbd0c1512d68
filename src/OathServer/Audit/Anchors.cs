using Microsoft.EntityFrameworkCore;
using OathServer.Storage;

namespace OathServer.Audit;

/// <summary>Makes anchors of the chains' ends, keeps them elsewhere, and compares the database with the last one.</summary>
internal sealed class Anchors(AuditTrail audit, AnchorFile file, AnchorSyslog syslog, TimeProvider time)
{
    /// <summary>The act that ends an epoch.</summary>
    public const string RestoreAction = "store.restore";

    private string? last;

    public AnchorFile File => file;

    /// <summary>Writes an anchor when any chain grew since the last one; false when nothing did.</summary>
    /// <exception cref="IOException">The anchor file did not take it.</exception>
    public async Task<bool> WriteAsync(OathDbContext db, CancellationToken cancel)
    {
        var heads = await HeadsAsync(db, cancel);
        var state = string.Join('\n', heads);
        if (state == last)
        {
            return false;
        }

        var epoch = await db.Audit.CountAsync(e => e.Action == RestoreAction, cancel);
        var line = Anchor.Sign(await audit.KeyAsync(cancel), time.GetUtcNow(), epoch, heads).ToLine();
        file.Append(line);
        last = state;
        await syslog.SendAsync(line, cancel);
        return true;
    }

    /// <summary>Null when the database holds all that was anchored last; else in words why it may not be served.</summary>
    public async Task<string?> FaultAsync(OathDbContext db, CancellationToken cancel)
    {
        if (!file.Exists)
        {
            // A node of many starts with a folder of its own; one file in one folder does not.
            return db.Database.IsSqlite() && await db.ValidationBatches.AnyAsync(cancel)
                ? $"The database has accepted codes, but its anchors ({file.Path}) are not there: it may be a copy made earlier."
                : null;
        }

        if (file.LastLine() is not { } line)
        {
            return null;
        }

        if (Anchor.Parse(line) is not { } anchor || !anchor.IsSignedBy(await audit.KeyAsync(cancel)))
        {
            return $"The last anchor in {file.Path} was edited, or is of another database than this one (a file copied without its -wal is another one).";
        }

        foreach (var head in anchor.Heads)
        {
            var found = await MacAtAsync(db, head, cancel);
            if (found is null || Convert.ToHexString(found) != head.Mac)
            {
                return $"The database was rolled back or rebuilt: the anchor of {anchor.At:u} in {file.Path} knows entry {head.Sequence} of {head.Chain}, "
                    + (found is null ? "which is not there." : "and the database holds another one there.");
            }
        }

        return null;
    }

    /// <summary>Refuses to go on with a database that stands before its last anchor: it would accept codes again.</summary>
    /// <exception cref="InvalidOperationException">The database was rolled back; the message says what to do.</exception>
    public async Task CheckAsync(OathDbContext db, CancellationToken cancel)
    {
        if (await FaultAsync(db, cancel) is { } fault)
        {
            throw new InvalidOperationException(
                $"{fault} Codes used since would be accepted again, so the server does not start. Put the right database back, or run `restore --accept` (with --journal, if acceptances were journaled); see docs/backup.md.");
        }
    }

    /// <summary>The ends of all chains as they are committed now.</summary>
    public static async Task<List<ChainHead>> HeadsAsync(OathDbContext db, CancellationToken cancel)
    {
        var heads = new List<ChainHead>();
        if (await db.Audit.AsNoTracking().OrderByDescending(e => e.Sequence).Select(e => new { e.Sequence, e.Mac })
            .FirstOrDefaultAsync(cancel) is { } act)
        {
            heads.Add(new ChainHead(ChainHead.Acts, act.Sequence, Convert.ToHexString(act.Mac)));
        }

        foreach (var node in await NodesAsync(db, cancel))
        {
            var head = await db.ValidationBatches.AsNoTracking().Where(b => b.Node == node).OrderByDescending(b => b.Sequence)
                .Select(b => new { b.Sequence, b.Mac }).FirstAsync(cancel);
            heads.Add(new ChainHead(ChainHead.Validations(node), head.Sequence, Convert.ToHexString(head.Mac)));
        }

        return heads;
    }

    /// <summary>The nodes that have a chain. Walks the key from one to the next: the log is long, the nodes are few.</summary>
    public static async Task<List<int>> NodesAsync(OathDbContext db, CancellationToken cancel)
    {
        var nodes = new List<int>();
        for (var after = -1; ;)
        {
            var next = await db.ValidationBatches.Where(b => b.Node > after).OrderBy(b => b.Node).Select(b => (int?)b.Node)
                .FirstOrDefaultAsync(cancel);
            if (next is not { } node)
            {
                return nodes;
            }

            nodes.Add(node);
            after = node;
        }
    }

    private static async Task<byte[]?> MacAtAsync(OathDbContext db, ChainHead head, CancellationToken cancel)
    {
        if (head.Chain == ChainHead.Acts)
        {
            return await db.Audit.Where(e => e.Sequence == head.Sequence).Select(e => e.Mac).FirstOrDefaultAsync(cancel);
        }

        var node = int.Parse(head.Chain.AsSpan(head.Chain.IndexOf('/', StringComparison.Ordinal) + 1), System.Globalization.CultureInfo.InvariantCulture);
        return await db.ValidationBatches.Where(b => b.Node == node && b.Sequence == head.Sequence).Select(b => b.Mac)
            .FirstOrDefaultAsync(cancel);
    }
}
