using System.Buffers.Binary;
using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Storage;

namespace OathServer.Validation;

/// <summary>What came back of a look into the log.</summary>
/// <param name="Attempts">The newest first.</param>
/// <param name="Since">How far back was looked; null when the whole log was.</param>
internal sealed record PastAttempts(IReadOnlyList<LoggedAttempt> Attempts, DateTimeOffset? Since);

/// <summary>Reads the attempts of a token back from the packed log, for staff. The log is written for speed and has no index
/// by token, so a look goes back a bounded number of rows and says how far.</summary>
internal static class AttemptHistory
{
    /// <summary>Rows of each node looked through: bounds the time of a page whatever the log holds.</summary>
    public const int RowsMax = 20_000;

    /// <summary>The attempts on any of these tokens.</summary>
    public static async Task<PastAttempts> OfTokensAsync(OathDbContext db, IReadOnlyCollection<long> tokens, int take, CancellationToken cancel)
    {
        var found = new List<LoggedAttempt>();
        DateTimeOffset? since = null;
        foreach (var node in await Anchors.NodesAsync(db, cancel))
        {
            var last = await db.ValidationBatches.Where(b => b.Node == node).MaxAsync(b => (long?)b.Sequence, cancel) ?? 0;
            var from = last - RowsMax;
            foreach (var token in tokens)
            {
                var batches = await Holding(db, node, from, Bytes(token)).Take(take).Select(b => b.Entries).ToListAsync(cancel);
                found.AddRange(batches.SelectMany(ValidationLog.Read).Where(a => a.TokenId == token));
            }

            if (from > 0)
            {
                var edge = await db.ValidationBatches.Where(b => b.Node == node && b.Sequence > from).OrderBy(b => b.Sequence).Select(b => b.At).FirstAsync(cancel);
                since = since is null || edge > since ? edge : since;
            }
        }

        return new PastAttempts([.. found.OrderByDescending(a => a.At).Take(take)], since);
    }

    /// <summary>Rows whose octets hold the token's: a few too many, never too few; reading them tells. EF has no word for a
    /// search inside octets, each database has its own.</summary>
    private static IQueryable<ValidationBatch> Holding(OathDbContext db, int node, long from, byte[] token) => (db.Database.IsNpgsql()
        ? db.ValidationBatches.FromSql(
            $"SELECT * FROM validation_log WHERE node = {node} AND sequence > {from} AND position({token} in entries) > 0")
        : db.ValidationBatches.FromSql(
            $"SELECT * FROM validation_log WHERE node = {node} AND sequence > {from} AND instr(entries, {token}) > 0"))
        .AsNoTracking().OrderByDescending(b => b.Sequence);

    private static byte[] Bytes(long token)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(bytes, token);
        return bytes;
    }
}
