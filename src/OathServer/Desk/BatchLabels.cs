using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using Microsoft.EntityFrameworkCore;
using OathServer.Operations;
using OathServer.Storage;

namespace OathServer.Desk;

/// <summary>What is stuck on a key or its envelope. Never a secret.</summary>
internal sealed record BatchLabel(string Batch, string? User, string Cuid, string? DeviceSerial, string? Token, DateTimeOffset? ProvisionedAt);

/// <summary>Labels of the finished keys of a batch, for a printer or a page.</summary>
internal static class BatchLabels
{
    private const string Style = """
        body { font: 10pt/1.3 sans-serif; margin: 0; background: #fff; color: #111; } h1 { font-size: 12pt; margin: 2mm; }
        section { width: 58mm; height: 27mm; padding: 2mm; overflow: hidden; break-after: page; border-bottom: 1px dashed #999; }
        p { margin: 0; overflow-wrap: anywhere; } p:first-child { font-weight: bold; font-size: 12pt; }
        @media print { h1 { display: none; } section { border: 0; } @page { size: 62mm 29mm; margin: 0; } }
        """;

    public static async Task<List<BatchLabel>> OfAsync(OathDbContext db, Guid batch, int? line, CancellationToken cancel) =>
        await db.DeskBatchLines.AsNoTracking()
            .Where(l => l.BatchId == batch && l.State == DeskLineState.Done && (line == null || l.Ordinal == line)).OrderBy(l => l.Ordinal)
            .Join(db.Records, l => l.Cuid, r => r.Cuid, (l, r) => new BatchLabel(
                db.DeskBatches.Where(b => b.Id == batch).Select(b => b.Name).First(), l.UserName, r.Cuid, r.DeviceSerial,
                r.Tokens.OrderBy(t => t.Id).Select(t => t.Serial).FirstOrDefault(), r.ProvisionedAt))
            .ToListAsync(cancel);

    /// <summary>Labels of these keys, whether a batch made them or not; a key that is not finished gets none.</summary>
    public static async Task<List<BatchLabel>> OfKeysAsync(OathDbContext db, string[] cuids, CancellationToken cancel) =>
        await db.Records.AsNoTracking().Where(r => cuids.Contains(r.Cuid) && r.ProvisionedAt != null).OrderBy(r => r.Cuid)
            .Select(r => new BatchLabel(
                r.Batch ?? r.ProfileName ?? "", r.Person!.Name, r.Cuid, r.DeviceSerial, r.Tokens.OrderBy(t => t.Id).Select(t => t.Serial).FirstOrDefault(), r.ProvisionedAt))
            .ToListAsync(cancel);

    /// <summary>The labels as a page, or a word that there are none.</summary>
    public static IResult Page(IReadOnlyCollection<BatchLabel> labels) => labels.Count == 0
        ? Problem.NotFound("There is no finished key to label.", "A key gets its label once its job is confirmed.")
        : new Answer(Html(labels));

    /// <summary>Five lines a label, an empty one between.</summary>
    public static string Text(IEnumerable<BatchLabel> labels) => string.Join("\n\n", labels.Select(l => string.Join('\n', Lines(l)))) + "\n";

    /// <summary>A page whose print is one label a key, 62 × 29 mm apart.</summary>
    public static string Html(IEnumerable<BatchLabel> labels)
    {
        var page = new StringBuilder("""
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Key labels</title>
            <style>
            """).Append(Style).Append("</style></head><body><main><h1>Key labels</h1>\n");
        foreach (var label in labels)
        {
            page.Append("<section>");
            foreach (var line in Lines(label))
            {
                page.Append("<p>").Append(HtmlEncoder.Default.Encode(line)).Append("</p>");
            }

            page.Append("</section>\n");
        }

        return page.Append("</main></body></html>\n").ToString();
    }

    private static IEnumerable<string> Lines(BatchLabel label)
    {
        yield return label.User ?? "Nobody yet";
        yield return label.DeviceSerial is { } serial ? $"Key {serial}" : "Key without a printed number";
        yield return $"CUID {label.Cuid}";
        yield return label.Token is { } token ? $"Token {token}" : "No OATH token";
        yield return $"{label.Batch}, {label.ProvisionedAt?.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)}";
    }

    /// <summary>The page with its style let in.</summary>
    private sealed class Answer(string page) : IResult
    {
        public Task ExecuteAsync(HttpContext http)
        {
            SecurityHeaders.AllowStyle(http, Style);
            return TypedResults.Text(page, "text/html; charset=utf-8").ExecuteAsync(http);
        }
    }
}
