using System.Buffers.Text;
using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using OathServer.Access;
using OathServer.Secrets;
using OathServer.Storage;

namespace OathServer.Interop;

/// <summary>
/// privacyIDEA's plugins sign in with the name and password of a service account, and go on with a token. Here the account
/// is the API key of a relying party: its name, and the key itself as the password. The token lasts minutes, and no longer
/// than its key: one that was revoked, rotated or has expired takes its tokens with it.
/// </summary>
internal sealed class ServiceAccounts(
    ApiKeys keys, ApiKeyLimits limits, ServerSecrets secrets, IServiceScopeFactory scopes, TimeProvider time)
{
    private const string Purpose = "service-account-token";
    private const string Issuer = "oathserver/auth";
    private const string KeyClaim = "key";
    private const string StateClaim = "state";
    private const int TokenLengthMax = 4096;

    public static readonly TimeSpan Life = TimeSpan.FromMinutes(15);

    private static readonly JsonWebTokenHandler tokens = new() { SetDefaultTimesOnTokenCreation = false };

    private byte[]? signingKey;

    /// <summary>A token for the relying party whose key was sent as the password; null when it is none, or has another name.</summary>
    public async Task<string?> SignInAsync(HttpContext http, string name, string password, CancellationToken cancel)
    {
        var key = await keys.RecogniseAsync(password, cancel);
        if (key is null || key.Role != Roles.RelyingParty || key.Name != name || !key.MayComeBy(http.Connection))
        {
            return null;
        }

        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<OathDbContext>();
        var now = time.GetUtcNow();
        return tokens.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = Issuer,
            IssuedAt = now.UtcDateTime,
            Expires = (now + Life).UtcDateTime,
            // "username", "realm", "role" and "rights" are what the plugins read.
            Claims = new Dictionary<string, object>
            {
                [KeyClaim] = key.Id,
                [StateClaim] = StateOf(await keys.HashAsync(db, password, cancel)),
                ["username"] = key.Name,
                ["realm"] = "",
                ["role"] = "admin",
                ["authtype"] = "password",
                ["rights"] = Rights,
            },
            SigningCredentials = new SigningCredentials(await SigningKeyAsync(db, cancel), SecurityAlgorithms.HmacSha256),
        });
    }

    public static readonly string[] Rights = ["triggerchallenge", "tokenlist"];

    /// <summary>Whether more may be tried from this address.</summary>
    public bool MayTryAgain(HttpContext http) => limits.MayTryUnknownKey(http);

    /// <summary>Who asks, by an API key in its own header or by a token; null when neither is good.</summary>
    public async Task<KnownApiKey?> OfAsync(HttpContext http, CancellationToken cancel)
    {
        if (http.ApiKey() is { } sent)
        {
            return sent.Role is Roles.RelyingParty or Roles.Administrator ? sent : null;
        }

        // Their clients try their own header first, as a proxy may take the other; "Bearer" is not written.
        var text = http.Request.Headers["PI-Authorization"] is [{ Length: > 0 } own] ? own : http.Request.Headers.Authorization is [{ } usual] ? usual : "";
        if (text.Length is 0 or > TokenLengthMax)
        {
            return null;
        }

        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<OathDbContext>();
        var read = await tokens.ValidateTokenAsync(text, new TokenValidationParameters
        {
            ValidIssuer = Issuer,
            ValidateAudience = false,
            ValidAlgorithms = [SecurityAlgorithms.HmacSha256],
            IssuerSigningKey = await SigningKeyAsync(db, cancel),
            RequireExpirationTime = true,
            LifetimeValidator = (_, expires, _, _) => expires > time.GetUtcNow().UtcDateTime,
        });
        if (!read.IsValid || !read.Claims.TryGetValue(KeyClaim, out var id) || !read.Claims.TryGetValue(StateClaim, out var state))
        {
            return null;
        }

        var number = Convert.ToInt32(id, System.Globalization.CultureInfo.InvariantCulture);
        var row = await db.ApiKeys.AsNoTracking().SingleOrDefaultAsync(k => k.Id == number, cancel);
        var key = ApiKeys.Known(row, hash => (string)state == StateOf(hash), time.GetUtcNow());
        if (key is not { Role: Roles.RelyingParty } || !key.MayComeBy(http.Connection))
        {
            return null;
        }

        // From here on the request is that key's: in the log, in the audit trail, for realms.
        http.Features.Set(key);
        return key;
    }

    /// <summary>Tells two keys of one row apart, and nothing of either.</summary>
    private static string StateOf(byte[] hash) => Base64Url.EncodeToString(SHA256.HashData(hash).AsSpan(0, 12));

    private async Task<SymmetricSecurityKey> SigningKeyAsync(OathDbContext db, CancellationToken cancel) =>
        new(signingKey ??= (await secrets.CurrentAsync(db, Purpose, cancel)).Value);
}
