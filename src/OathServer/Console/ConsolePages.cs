using System.Security.Claims;
using OathServer.Access;
using OathServer.Pages.Administration;
using OathServer.Pages.SelfService;

namespace OathServer.Pages;

/// <summary>The pages of staff, in the same host as the API. Each names its rule with <c>@attribute [Authorize]</c>; a page
/// without one is closed, as an endpoint is.</summary>
internal static class ConsolePages
{
    public static void AddConsole(this IServiceCollection services)
    {
        // Before the one that writes JSON, which would take a browser's "and anything else" for a wish.
        services.Insert(0, ServiceDescriptor.Singleton<IProblemDetailsWriter, ErrorPage>());
        services.AddHttpContextAccessor().AddSingleton<KeyFinder>().AddSingleton<WaitingImports>().AddSingleton<SystemHealth>().AddConsoleLanguages();
    }

    /// <summary>Only back to this server: <c>//elsewhere</c> is a local path to nobody.</summary>
    public static string Local(string? back) => back is ['/'] or ['/', not ('/' or '\\'), ..] && !back.Any(char.IsControl) ? back : "/";

    public static void MapConsole(this WebApplication app)
    {
        ConsoleAssets.Map(app);
        ConsoleLanguages.Map(app);
        HolderPages.Map(app);
        ReadinessCsv.Map(app);
        ListFiles.Map(app);
        AccessLists.Map(app);
        MachineLists.Map(app);
        ProfileRow.Map(app);
        RealmRow.Map(app);
        PrintPages.Map(app);
        Live.Map(app);
        app.MapRazorComponents<App>().ExcludeFromDescription().Add(page =>
        {
            page.Metadata.Add(new SpokenPage());
            var enter = page.RequestDelegate!;
            page.RequestDelegate = http =>
            {
                KeepNothing(http.Response.Headers);
                return enter(http);
            };
        });
    }

    /// <summary>Whether the rule lets this person in.</summary>
    public static bool May(this ClaimsPrincipal who, string rule) => Rules.RolesOf[rule].Any(who.IsInRole);

    /// <summary>What the page is about is not there: the page says so itself. Set any earlier, 404 would have the framework
    /// leave the page out for somebody else to answer.</summary>
    public static void IsMissing(this HttpResponse response) => response.OnStarting(() =>
    {
        response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    });

    private static void KeepNothing(IHeaderDictionary headers)
    {
        // A shared workstation keeps no page of ours (ASVS 5 V14.3.2). What a page may do is said for all answers by
        // Operations/SecurityHeaders.cs.
        headers.CacheControl = "no-cache, no-store";
        headers.Pragma = "no-cache";
    }
}
