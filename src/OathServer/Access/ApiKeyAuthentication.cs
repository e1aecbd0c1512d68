using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace OathServer.Access;

/// <summary>Signs in whoever sends a known key in <c>X-API-Key</c>.</summary>
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

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (!Request.Headers.TryGetValue(Header, out var values) || values.Count != 1)
        {
            return AuthenticateResult.NoResult();
        }

        var text = values[0];
        var key = string.IsNullOrEmpty(text) || text.Length > ApiKeys.KeyLengthMax ? null : await keys.RecogniseAsync(text, Context.RequestAborted);
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
