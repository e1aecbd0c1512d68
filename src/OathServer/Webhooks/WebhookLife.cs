using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Secrets;
using OathServer.Storage;

namespace OathServer.Webhooks;

/// <summary>Adds and ends webhooks; each act with its audit entry in one transaction.</summary>
internal sealed partial class WebhookLife(Sealer sealer, AuditTrail audit, TimeProvider time)
{
    public const int HooksMax = 50;
    public const int NameMax = 100;
    public const int UrlMax = 500;
    private const int SecretSize = 32;
    private const int ActionsMax = 50;

    /// <summary>The member that is out of bounds and what it must be; null when none is.</summary>
    public static (string Field, string Rule)? FaultOf(WebhookRequest request)
    {
        if (string.IsNullOrWhiteSpace(request.Name) || request.Name.Length > NameMax)
        {
            return ("name", $"1 to {NameMax} characters.");
        }

        if (!Uri.TryCreate(request.Url, UriKind.Absolute, out var url) || request.Url.Length > UrlMax || url.UserInfo.Length > 0
            || !(url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && url.IsLoopback)))
        {
            return ("url", $"an https address of at most {UrlMax} characters, without a password in it; http only on this machine.");
        }

        return request.Actions.Length is 0 or > ActionsMax || !Array.TrueForAll(request.Actions, a => a is not null && ActionForm().IsMatch(a))
            ? ("actions", $"1 to {ActionsMax} actions of the audit trail, such as token.suspend, or all of a kind, such as provisioning.*.")
            : null;
    }

    /// <summary>Adds one that <see cref="FaultOf"/> found nothing in, and returns its signing secret, which cannot be read
    /// again; null when the name is taken or there are too many.</summary>
    public async Task<string?> CreateAsync(OathDbContext db, WebhookRequest request, AuditEvent actor, CancellationToken cancel)
    {
        if (await db.Webhooks.CountAsync(cancel) >= HooksMax || await db.Webhooks.AnyAsync(h => h.Name == request.Name, cancel))
        {
            return null;
        }

        var url = new Uri(request.Url);
        var secret = RandomNumberGenerator.GetBytes(SecretSize);
        try
        {
            db.Webhooks.Add(new Webhook
            {
                Name = request.Name,
                Url = url.AbsoluteUri,
                Actions = string.Join(',', request.Actions),
                SealedSecret = sealer.Seal(secret, SealedPlace.WebhookSecret(request.Name)),
                // From here on: what happened before it was added is not told.
                Cursor = await db.Audit.MaxAsync(e => (long?)e.Sequence, cancel) ?? 0,
                CreatedAt = time.GetUtcNow(),
            });
            await audit.SaveAsync(db, cancel, actor with { Action = "webhook.create", Outcome = "done", Detail = $"{request.Name} to {url.Host}" });
            return "whsec_" + Convert.ToBase64String(secret);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    /// <summary>Ends one; false when there is none of that name.</summary>
    public async Task<bool> DeleteAsync(OathDbContext db, string name, AuditEvent actor, CancellationToken cancel)
    {
        if (await db.Webhooks.SingleOrDefaultAsync(h => h.Name == name, cancel) is not { } hook)
        {
            return false;
        }

        db.Webhooks.Remove(hook);
        await audit.SaveAsync(db, cancel, actor with { Action = "webhook.delete", Outcome = "done", Detail = name });
        return true;
    }

    [GeneratedRegex(@"^[a-z-]{1,32}\.(\*|[a-z-]{1,32})$|^[a-z-]{1,32}$", RegexOptions.CultureInvariant)]
    private static partial Regex ActionForm();
}
