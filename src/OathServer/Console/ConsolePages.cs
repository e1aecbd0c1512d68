using System.Security.Claims;
using OathServer.Access;

namespace OathServer.Pages;

/// <summary>The pages of staff, in the same host as the API. Each names its rule with <c>@attribute [Authorize]</c>; a page
/// without one is closed, as an endpoint is.</summary>
internal static class ConsolePages
{
    /// <summary>Nothing but our own files; no script and no style inside a page.</summary>
    private const string ContentSecurity =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    public static void AddConsole(this IServiceCollection services) => services.AddHttpContextAccessor().AddSingleton<KeyFinder>();

    public static void MapConsole(this WebApplication app)
    {
        ConsoleAssets.Map(app);
        ReadinessCsv.Map(app);
        app.MapRazorComponents<App>().ExcludeFromDescription().Add(page =>
        {
            var enter = page.RequestDelegate!;
            page.RequestDelegate = http =>
            {
                Guard(http.Response.Headers);
                return enter(http);
            };
        });
    }

    /// <summary>Whether the rule lets this person in.</summary>
    public static bool May(this ClaimsPrincipal who, string rule) => Rules.RolesOf[rule].Any(who.IsInRole);

    private static void Guard(IHeaderDictionary headers)
    {
        headers.ContentSecurityPolicy = ContentSecurity;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "same-origin";
        // A shared workstation keeps no page of ours (ASVS 5 V14.3.2).
        headers.CacheControl = "no-cache, no-store";
        headers.Pragma = "no-cache";
    }
}
