using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace OathServer.Access;

/// <summary>Staff of an organisation that signs in elsewhere (OpenID Connect, authorisation code with PKCE). The role
/// comes from a claim; who has none of our roles is refused.</summary>
internal static class OpenIdSignIn
{
    public const string SchemeName = "OpenIdConnect";
    private const string Section = "Staff:OpenId";

    /// <summary>Whether this server was told where to send staff.</summary>
    public static bool IsConfigured(IConfiguration configuration) => !string.IsNullOrEmpty(configuration[$"{Section}:Authority"]);

    /// <summary>Scheme, host and port of where staff are sent; null when nowhere.</summary>
    public static string? OriginOf(IConfiguration configuration) =>
        Uri.TryCreate(configuration[$"{Section}:Authority"], UriKind.Absolute, out var authority) ? authority.GetLeftPart(UriPartial.Authority) : null;

    /// <summary>Settings: <c>Staff:OpenId:Authority</c>, <c>ClientId</c>, <c>ClientSecret</c>, <c>RoleClaim</c> (default
    /// <c>roles</c>), and <c>Roles:administrator=…</c> where the other side's names differ from ours.</summary>
    public static void Add(AuthenticationBuilder authentication, IConfiguration configuration)
    {
        if (!IsConfigured(configuration))
        {
            return;
        }

        var settings = configuration.GetSection(Section);
        var roleClaim = settings["RoleClaim"] ?? "roles";
        var names = Roles.Staff.ToDictionary(role => settings[$"Roles:{role}"] ?? role, role => role, StringComparer.Ordinal);
        authentication.AddOpenIdConnect(SchemeName, options =>
        {
            options.Authority = settings["Authority"];
            options.ClientId = settings["ClientId"] ?? throw new InvalidOperationException($"{Section}:ClientId is missing.");
            options.ClientSecret = settings["ClientSecret"];
            options.SignInScheme = StaffSession.SchemeName;
            options.ResponseType = OpenIdConnectResponseType.Code;
            options.ResponseMode = OpenIdConnectResponseMode.Query;
            options.MapInboundClaims = false;
            options.SaveTokens = false;
            options.RequireHttpsMetadata = settings.GetValue("RequireHttps", defaultValue: true);
            options.CallbackPath = "/sign-in/openid";
            options.Events.OnTokenValidated = context =>
            {
                var now = context.HttpContext.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow();
                if (Principal(context.Principal!, roleClaim, names, now) is { } principal)
                {
                    context.Principal = principal;
                }
                else
                {
                    context.Fail($"None of our roles is in the claim {roleClaim}.");
                }

                return Task.CompletedTask;
            };
            options.Events.OnRemoteFailure = context =>
            {
                context.HandleResponse();
                context.Response.Redirect("/sign-in?refused=openid");
                return Task.CompletedTask;
            };
        });
    }

    /// <summary>Name and role as ours; null when no role is. Of several, the first in the order of <see cref="Roles.All"/>.</summary>
    internal static ClaimsPrincipal? Principal(
        ClaimsPrincipal theirs, string roleClaim, IReadOnlyDictionary<string, string> names, DateTimeOffset now)
    {
        var granted = theirs.FindAll(roleClaim).Select(claim => names.GetValueOrDefault(claim.Value)).ToHashSet(StringComparer.Ordinal);
        var role = Array.Find(Roles.All, granted.Contains);
        var name = theirs.FindFirstValue("preferred_username") ?? theirs.FindFirstValue("email") ?? theirs.FindFirstValue("sub");
        return role is null || name is null ? null : new ClaimsPrincipal(new ClaimsIdentity(
            [new Claim(ClaimTypes.Name, name), new Claim(ClaimTypes.Role, role), StaffSession.Start(now)], SchemeName));
    }
}
