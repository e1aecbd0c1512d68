using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace OathServer.Access;

/// <summary>Signs in whoever sends a known key in <c>X-API-Key</c>, or as a bearer token (RFC 6750 §2.1), the one way
/// in which directories that speak SCIM can send it.</summary>
internal sealed class ApiKeyAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, ApiKeys keys, ApiKeyLimits limits)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string SchemeName = "ApiKey";
    public const string Header = "X-API-Key";

    private bool tooMany;

    protected override Task HandleChallengeAsync(AuthenticationProperties properties) => tooMany
        ? ApiKeyLimits.RefuseAsync(Context, "Too many API keys that nobody knows came from this address.", 60)
        : base.HandleChallengeAsync(properties);

    private const string Bearer = "Bearer ";

    /// <summary>Whether a request carries an API key, known or not.</summary>
    public static bool IsSent(HttpRequest request) => request.Headers.ContainsKey(Header) || Sent(request) is not null;

    private static string? Sent(HttpRequest request) =>
        request.Headers.TryGetValue(Header, out var keys) ? keys is [{ } key] ? key : null
        : request.Headers.Authorization is [{ } text] && text.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? text[Bearer.Length..].Trim()
        : null;

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var text = Sent(Request);
        if (text is null)
        {
            return AuthenticateResult.NoResult();
        }

        var key = await keys.RecogniseAsync(text, Context.RequestAborted);
        if (key is null || !key.MayComeBy(Context.Connection))
        {
            tooMany = !limits.MayTryUnknownKey(Context);
            return AuthenticateResult.Fail("The API key is unknown, expired or revoked.");
        }

        Context.Features.Set(key);
        var identity = new ClaimsIdentity(
            [new Claim(ClaimTypes.Name, key.Name), new Claim(ClaimTypes.Role, key.Role)], SchemeName);
        return AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), SchemeName));
    }
}
