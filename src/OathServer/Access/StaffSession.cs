using System.Globalization;
using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.EntityFrameworkCore;
using OathServer.Storage;

namespace OathServer.Access;

/// <summary>The session cookie of staff. It is looked at with the person's row on every request, so that a person who is
/// disabled, moved to another role or given a new password is out at once.</summary>
internal static class StaffSession
{
    public const string SchemeName = "Staff";

    private const string StampClaim = "stamp";
    private const string StartClaim = "started";

    /// <summary>Left alone this long, a session ends (ASVS 5 V7.3.1).</summary>
    private static readonly TimeSpan IdleMax = TimeSpan.FromMinutes(30);

    /// <summary>A session ends after this long, used or not (ASVS 5 V7.3.2).</summary>
    private static readonly TimeSpan LengthMax = TimeSpan.FromHours(10);

    public static void Configure(CookieAuthenticationOptions options)
    {
        options.Cookie.Name = "oath-staff";
        options.Cookie.HttpOnly = true;
        options.Cookie.SameSite = SameSiteMode.Strict;
        options.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
        options.ExpireTimeSpan = IdleMax;
        options.SlidingExpiration = true;
        options.LoginPath = "/sign-in";
        options.ReturnUrlParameter = "back";
        options.Events.OnRedirectToLogin = context => Refuse(context, StatusCodes.Status401Unauthorized);
        options.Events.OnRedirectToAccessDenied = context => Refuse(context, StatusCodes.Status403Forbidden);
        options.Events.OnValidatePrincipal = ValidateAsync;
    }

    /// <summary>Who a person is, as far as rules and the audit trail ask.</summary>
    public static ClaimsPrincipal Principal(StaffMember staff, DateTimeOffset now) => new(new ClaimsIdentity(
        [
            new Claim(ClaimTypes.NameIdentifier, staff.Id.ToString(CultureInfo.InvariantCulture)),
            new Claim(ClaimTypes.Name, staff.UserName!),
            new Claim(ClaimTypes.Role, staff.Role),
            new Claim(StampClaim, staff.SecurityStamp ?? ""),
            Start(now),
        ],
        SchemeName));

    /// <summary>When the session began; for those who signed in elsewhere it is all there is to check.</summary>
    public static Claim Start(DateTimeOffset now) => new(StartClaim, now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture));

    /// <summary>Whether the session began longer ago than that, or does not say when.</summary>
    public static bool IsOver(ClaimsPrincipal who, DateTimeOffset now, TimeSpan longest) =>
        !long.TryParse(who.FindFirstValue(StartClaim), NumberStyles.None, CultureInfo.InvariantCulture, out var started)
        || now - DateTimeOffset.FromUnixTimeSeconds(started) > longest;

    /// <summary>The id of the person's row; null for an API key or one who signed in elsewhere.</summary>
    public static int? StaffId(this ClaimsPrincipal who) =>
        int.TryParse(who.FindFirstValue(ClaimTypes.NameIdentifier), NumberStyles.None, CultureInfo.InvariantCulture, out var id)
        && who.HasClaim(claim => claim.Type == StampClaim) ? id : null;

    private static async Task ValidateAsync(CookieValidatePrincipalContext context)
    {
        if (!await StillHoldsAsync(context.Principal!, context.HttpContext))
        {
            context.RejectPrincipal();
            await context.HttpContext.SignOutAsync(SchemeName);
        }
    }

    private static async Task<bool> StillHoldsAsync(ClaimsPrincipal who, HttpContext http)
    {
        var now = http.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow();
        if (IsOver(who, now, LengthMax))
        {
            return false;
        }

        if (who.FindFirstValue(StampClaim) is not { } stamp)
        {
            // Signed in by OpenID Connect: there is no row here to ask.
            return true;
        }

        var id = who.StaffId();
        var db = http.RequestServices.GetRequiredService<OathDbContext>();
        var staff = await db.Staff.AsNoTracking().Where(s => s.Id == id)
            .Select(s => new { s.SecurityStamp, s.Role, s.DisabledAt }).SingleOrDefaultAsync(http.RequestAborted);
        return staff is { DisabledAt: null } && staff.SecurityStamp == stamp && who.IsInRole(staff.Role);
    }

    /// <summary>A person is sent to the sign-in page; a program is told by the status alone.</summary>
    public static Task Refuse(RedirectContext<CookieAuthenticationOptions> context, int status)
    {
        var page = context.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase)
            && !context.Request.Path.StartsWithSegments("/v1");
        if (page && status == StatusCodes.Status401Unauthorized)
        {
            context.Response.Redirect(context.RedirectUri);
        }
        else
        {
            context.Response.StatusCode = status;
        }

        return Task.CompletedTask;
    }
}
