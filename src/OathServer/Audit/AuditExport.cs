using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using OathServer.Storage;

namespace OathServer.Audit;

/// <summary>The trail as lines, oldest first, read as they are sent: any length in constant memory.</summary>
internal static class AuditExport
{
    public static async IAsyncEnumerable<string> ActsAsync(
        OathDbContext db, AuditQuery query, AuditFormat format, [EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var entry in query.Of(db).OrderBy(e => e.Sequence).AsAsyncEnumerable().WithCancellation(cancel))
        {
            yield return AuditLines.Of(AuditLines.View(entry), format);
        }
    }

    public static async IAsyncEnumerable<string> ValidationsAsync(
        OathDbContext db, DateTimeOffset? since, DateTimeOffset? until, AuditFormat format,
        [EnumeratorCancellation] CancellationToken cancel)
    {
        var serials = new Dictionary<long, string?>();
        var batches = db.ValidationBatches.AsNoTracking();
        batches = since is null ? batches : batches.Where(b => b.At >= since);
        batches = until is null ? batches : batches.Where(b => b.At < until);
        // Page by page: the serials are looked up on the same connection.
        for (var (node, sequence) = (-1, 0L); ;)
        {
            var page = await batches.Where(b => b.Node > node || (b.Node == node && b.Sequence > sequence))
                .OrderBy(b => b.Node).ThenBy(b => b.Sequence).Take(500).ToListAsync(cancel);
            if (page.Count == 0)
            {
                yield break;
            }

            foreach (var batch in page)
            {
                foreach (var attempt in ValidationLog.Read(batch.Entries))
                {
                    yield return AuditLines.Of(await ViewAsync(db, batch, attempt, serials, cancel), format);
                }
            }

            (node, sequence) = (page[^1].Node, page[^1].Sequence);
        }
    }

    private static async Task<AttemptView> ViewAsync(
        OathDbContext db, ValidationBatch batch, LoggedAttempt attempt, Dictionary<long, string?> serials, CancellationToken cancel)
    {
        if (attempt.TokenId != 0 && !serials.ContainsKey(attempt.TokenId))
        {
            serials[attempt.TokenId] = await db.Tokens.Where(t => t.Id == attempt.TokenId).Select(t => t.Serial).FirstOrDefaultAsync(cancel);
        }

        return new AttemptView(
            batch.Node, batch.Sequence, attempt.At, attempt.TokenId == 0 ? null : serials[attempt.TokenId],
            attempt.ApiKeyId == 0 ? null : attempt.ApiKeyId, JsonNamingPolicy.KebabCaseLower.ConvertName(attempt.Outcome.ToString()),
            attempt.Counter, attempt.Distance, attempt.Subject);
    }
}
