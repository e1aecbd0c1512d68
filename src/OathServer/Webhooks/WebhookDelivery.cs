using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using OathServer.Secrets;
using OathServer.Storage;
using StandardWebhooks;

namespace OathServer.Webhooks;

/// <summary>Delivers what the audit trail tells, in its order, at least once, signed as the Standard Webhooks specification
/// says. A receiver that fails is asked again, ever more slowly, and misses nothing.</summary>
internal sealed class WebhookDelivery(
    IServiceScopeFactory scopes, IHttpClientFactory clients, Sealer sealer, TimeProvider time, ILogger<WebhookDelivery> log) : BackgroundService
{
    public const string Client = "webhooks";

    private const int Page = 100;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>Longer than all deliveries of one page may take: until then no other node begins.</summary>
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan DelayMax = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Pause);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await DeliverAsync(stoppingToken);
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
                // What was not delivered is delivered after the next start: the cursor did not move.
                return;
            }
            catch (Exception fault)
            {
                log.LogWarning("Webhooks wait: {Fault}", fault.Message);
            }
        }
    }

    private async Task DeliverAsync(CancellationToken cancel)
    {
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<OathDbContext>();
        var now = time.GetUtcNow();
        var head = await db.Audit.MaxAsync(e => (long?)e.Sequence, cancel) ?? 0;
        var due = await db.Webhooks.AsNoTracking().Where(h => h.NextAttemptAt <= now && h.Cursor < head).ToListAsync(cancel);
        foreach (var hook in due)
        {
            // Since now: the hooks before this one took their time.
            var until = time.GetUtcNow() + Lease;
            var mine = await db.Webhooks.Where(h => h.Id == hook.Id && h.NextAttemptAt <= now)
                .ExecuteUpdateAsync(h => h.SetProperty(x => x.NextAttemptAt, until), cancel) == 1;
            if (mine)
            {
                await DeliverAsync(db, hook, cancel);
            }
        }
    }

    private async Task DeliverAsync(OathDbContext db, Webhook hook, CancellationToken cancel)
    {
        var entries = await db.Audit.AsNoTracking().Where(e => e.Sequence > hook.Cursor).OrderBy(e => e.Sequence).Take(Page).ToListAsync(cancel);
        var (cursor, delivered) = (hook.Cursor, hook.LastDeliveredAt);
        var wanted = hook.Actions.Split(',');
        string? fault = null;
        var deadline = time.GetUtcNow() + (Lease / 2);
        var secret = sealer.Open(hook.SealedSecret, SealedPlace.WebhookSecret(hook.Name));
        try
        {
            foreach (var entry in entries.TakeWhile(_ => time.GetUtcNow() < deadline))
            {
                if (Array.Exists(wanted, pattern => Fits(pattern, entry.Action)))
                {
                    fault = await PostAsync(hook, secret, entry, cancel);
                    if (fault is not null)
                    {
                        break;
                    }

                    delivered = time.GetUtcNow();
                }

                cursor = entry.Sequence;
            }
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }

        var failures = fault is null ? 0 : hook.Failures + 1;
        var next = time.GetUtcNow() + (fault is null ? TimeSpan.Zero : Delay(failures));
        await db.Webhooks.Where(h => h.Id == hook.Id).ExecuteUpdateAsync(
            h => h.SetProperty(x => x.Cursor, cursor).SetProperty(x => x.LastDeliveredAt, delivered).SetProperty(x => x.Failures, failures)
                .SetProperty(x => x.LastFault, fault).SetProperty(x => x.NextAttemptAt, next), CancellationToken.None);
    }

    /// <summary>Null when the receiver took it, else why not.</summary>
    private async Task<string?> PostAsync(Webhook hook, byte[] secret, AuditEntry entry, CancellationToken cancel)
    {
        var body = Body(entry);
        var id = $"audit-{entry.Sequence}";
        var at = time.GetUtcNow();
        using var request = new HttpRequestMessage(HttpMethod.Post, hook.Url)
        {
            Content = new StringContent(body, new MediaTypeHeaderValue("application/json", "utf-8")),
        };
        request.Headers.Add("webhook-id", id);
        request.Headers.Add("webhook-timestamp", at.ToUnixTimeSeconds().ToString(System.Globalization.CultureInfo.InvariantCulture));
        try
        {
            request.Headers.TryAddWithoutValidation("webhook-signature", new StandardWebhook(secret).Sign(id, at, body));
            using var client = clients.CreateClient(Client);
            using var reply = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel);
            return reply.IsSuccessStatusCode ? null : $"it answered {(int)reply.StatusCode}";
        }
        catch (Exception fault) when (fault is HttpRequestException or TaskCanceledException && !cancel.IsCancellationRequested)
        {
            return fault is TaskCanceledException ? "it did not answer in time" : "it could not be reached";
        }
    }

    private static string Body(AuditEntry entry)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("type", entry.Action);
            writer.WriteString("timestamp", entry.At);
            writer.WriteStartObject("data");
            writer.WriteNumber("sequence", entry.Sequence);
            writer.WriteString("actor", entry.Actor);
            writer.WriteString("outcome", entry.Outcome);
            foreach (var (name, value) in ((string, string?)[])[("cuid", entry.Cuid), ("serial", entry.Serial), ("user", entry.UserName), ("detail", entry.Detail)])
            {
                if (value is not null)
                {
                    writer.WriteString(name, value);
                }
            }

            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    private static bool Fits(string pattern, string action) =>
        pattern.EndsWith(".*", StringComparison.Ordinal) ? action.StartsWith(pattern[..^1], StringComparison.Ordinal) : action == pattern;

    /// <summary>5 s, doubling, an hour at most.</summary>
    private static TimeSpan Delay(int failures)
    {
        var delay = TimeSpan.FromSeconds(5) * Math.Pow(2, Math.Min(failures - 1, 20));
        return delay < DelayMax ? delay : DelayMax;
    }
}
