using System.Globalization;
using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authorization;
using Microsoft.EntityFrameworkCore;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using OathServer.Storage;

namespace OathServer.Access;

/// <summary>People who hold keys sign in by OpenID Connect to see their own and nobody else's. Off unless
/// <c>SelfService:Enabled</c>. It is a session of its own: whoever is staff too has two, and neither opens the other's pages.</summary>
internal static class HolderSignIn
{
    public const string SchemeName = "Holder";
    public const string OpenIdScheme = "HolderOpenId";
    public const string Section = "SelfService";

    private const string PersonClaim = "person";
    private static readonly TimeSpan IdleMax = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan LengthMax = TimeSpan.FromHours(2);

    public static bool IsEnabled(IConfiguration configuration) => configuration.GetValue($"{Section}:Enabled", defaultValue: false);

    /// <summary>Settings: <c>SelfService:Enabled</c>, <c>Realm</c> (default <c>default</c>), <c>NameClaim</c> (default
    /// <c>preferred_username</c>), and <c>OpenId:Authority</c>, <c>ClientId</c>, <c>ClientSecret</c>, each as staff's
    /// (<c>Staff:OpenId</c>) where it is left out.</summary>
    /// <exception cref="InvalidOperationException">It is on and nowhere to sign in was named.</exception>
    public static void Add(AuthenticationBuilder authentication, AuthorizationBuilder authorization, IConfiguration configuration)
    {
        authentication.AddCookie(SchemeName, Configure);
        authorization.AddPolicy(Rules.OwnKeys, policy => policy
            .AddAuthenticationSchemes(SchemeName).RequireAuthenticatedUser().RequireClaim(PersonClaim));
        if (!IsEnabled(configuration))
        {
            return;
        }

        string? Of(string name) => configuration[$"{Section}:OpenId:{name}"] ?? configuration[$"Staff:OpenId:{name}"];
        var authority = Of("Authority") ?? throw new InvalidOperationException($"{Section}:Enabled needs {Section}:OpenId:Authority, or Staff:OpenId:Authority.");
        var nameClaim = configuration[$"{Section}:NameClaim"] ?? "preferred_username";
        var realm = configuration[$"{Section}:Realm"] ?? "default";
        authentication.AddOpenIdConnect(OpenIdScheme, options =>
        {
            options.Authority = authority;
            options.ClientId = Of("ClientId") ?? throw new InvalidOperationException($"{Section}:OpenId:ClientId is missing.");
            options.ClientSecret = Of("ClientSecret");
            options.SignInScheme = SchemeName;
            options.ResponseType = OpenIdConnectResponseType.Code;
            options.ResponseMode = OpenIdConnectResponseMode.Query;
            options.MapInboundClaims = false;
            options.SaveTokens = false;
            options.RequireHttpsMetadata = !bool.TryParse(Of("RequireHttps"), out var https) || https;
            options.CallbackPath = "/my/openid";
            // The way back is a link that is followed, which brings lax cookies; so a trial without TLS works on this machine.
            options.CorrelationCookie.SameSite = options.NonceCookie.SameSite = SameSiteMode.Lax;
            options.CorrelationCookie.SecurePolicy = options.NonceCookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
            options.Events.OnTokenValidated = context => FindAsync(context, nameClaim, realm);
            options.Events.OnRemoteFailure = context =>
            {
                context.HandleResponse();
                context.Response.Redirect("/my/refused");
                return Task.CompletedTask;
            };
        });
    }

    /// <summary>The id of the person who signed in.</summary>
    public static long PersonId(this ClaimsPrincipal who) => long.Parse(who.FindFirstValue(PersonClaim)!, NumberStyles.None, CultureInfo.InvariantCulture);

    private static void Configure(CookieAuthenticationOptions options)
    {
        options.Cookie.Name = "oath-holder";
        options.Cookie.Path = "/my";
        options.Cookie.HttpOnly = true;
        // Not strict: it is set on the way back from the organisation's site. Forms carry a token of their own.
        options.Cookie.SameSite = SameSiteMode.Lax;
        options.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
        options.ExpireTimeSpan = IdleMax;
        options.SlidingExpiration = true;
        options.LoginPath = "/my/sign-in";
        options.ReturnUrlParameter = "back";
        options.Events.OnRedirectToLogin = context => StaffSession.Refuse(context, StatusCodes.Status401Unauthorized);
        options.Events.OnRedirectToAccessDenied = context => StaffSession.Refuse(context, StatusCodes.Status403Forbidden);
        options.Events.OnValidatePrincipal = ValidateAsync;
    }

    /// <summary>Who the organisation names is somebody here only where the name is a person's: exactly, and in the one realm.</summary>
    private static async Task FindAsync(Microsoft.AspNetCore.Authentication.OpenIdConnect.TokenValidatedContext context, string nameClaim, string realm)
    {
        var services = context.HttpContext.RequestServices;
        var name = context.Principal!.FindFirstValue(nameClaim);
        var normalized = name is null ? null : Person.Normalize(name);
        var person = normalized is null ? null : await services.GetRequiredService<OathDbContext>().People.AsNoTracking()
            .SingleOrDefaultAsync(p => p.Realm == realm && p.NormalizedName == normalized && p.Active, context.HttpContext.RequestAborted);
        if (person is null)
        {
            context.Fail("Nobody of that name holds a key here.");
            return;
        }

        var now = services.GetRequiredService<TimeProvider>().GetUtcNow();
        context.Principal = SessionOf(person, now);
    }

    /// <summary>Who somebody is once they signed in.</summary>
    internal static ClaimsPrincipal SessionOf(Person person, DateTimeOffset now) => new(new ClaimsIdentity(
        [
            new Claim(ClaimTypes.Name, person.Name),
            new Claim(PersonClaim, person.Id.ToString(CultureInfo.InvariantCulture)),
            StaffSession.Start(now),
        ],
        SchemeName));

    /// <summary>Whoever left, or is no longer known, is out at once.</summary>
    private static async Task ValidateAsync(CookieValidatePrincipalContext context)
    {
        var http = context.HttpContext;
        var now = http.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow();
        var id = context.Principal!.PersonId();
        if (StaffSession.IsOver(context.Principal!, now, LengthMax)
            || !await http.RequestServices.GetRequiredService<OathDbContext>().People.AnyAsync(p => p.Id == id && p.Active, http.RequestAborted))
        {
            context.RejectPrincipal();
            await http.SignOutAsync(SchemeName);
        }
    }
}
