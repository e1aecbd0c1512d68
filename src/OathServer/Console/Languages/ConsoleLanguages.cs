using System.Globalization;
using Microsoft.AspNetCore.Localization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;

namespace OathServer.Pages;

/// <summary>The languages of the pages: the one somebody chose (a cookie), else the first of their browser's that is here.
/// The API speaks English. The program runs without ICU, so that it is the same on every machine: how a language writes
/// numbers and dates is said here.</summary>
internal static class ConsoleLanguages
{
    private const string CookieName = "oath-language";
    private static readonly TimeSpan Kept = TimeSpan.FromDays(365);

    /// <summary>The languages and what each calls itself; the first where nothing is asked for.</summary>
    public static readonly IReadOnlyList<(CultureInfo Culture, string Name)> All = [(English(), "English"), (German(), "Deutsch")];

    public static void AddConsoleLanguages(this IServiceCollection services)
    {
        services.AddLocalization();
        services.Configure<RequestLocalizationOptions>(options =>
        {
            options.SupportedCultures = options.SupportedUICultures = [.. All.Select(language => language.Culture)];
            options.DefaultRequestCulture = new RequestCulture(All[0].Culture);
            options.ApplyCurrentCultureToResponseHeaders = true;
            options.RequestCultureProviders =
            [
                new CookieRequestCultureProvider { CookieName = CookieName, Options = options },
                new CustomRequestCultureProvider(http => Task.FromResult(OfBrowser(http))),
            ];
        });
    }

    /// <summary>Pages only: what a program reads has one language.</summary>
    public static void UseConsoleLanguages(this WebApplication app) => app.UseWhen(
        http => http.GetEndpoint()?.Metadata.GetMetadata<SpokenPage>() is not null, pages => pages.UseRequestLocalization());

    /// <summary>The reader's language, for a page that stands outside the pages.</summary>
    public static async Task<CultureInfo> OfAsync(HttpContext http)
    {
        var options = http.RequestServices.GetRequiredService<IOptions<RequestLocalizationOptions>>().Value;
        ProviderCultureResult? chosen = null;
        foreach (var provider in options.RequestCultureProviders)
        {
            chosen ??= await provider.DetermineProviderCultureResult(http);
        }

        var name = chosen?.UICultures.FirstOrDefault().Value;
        return All.FirstOrDefault(l => l.Culture.Name == name).Culture ?? All[0].Culture;
    }

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapPost("/language", Choose).AllowAnonymous().DisableAntiforgery().ExcludeFromDescription();

    private static IResult Choose([FromForm] string language, [FromForm] string? back, HttpContext http)
    {
        if (All.FirstOrDefault(l => l.Culture.Name == language).Culture is not { } culture)
        {
            return TypedResults.Problem("The language is none of " + string.Join(", ", All.Select(l => l.Culture.Name)) + ".", statusCode: StatusCodes.Status422UnprocessableEntity);
        }

        http.Response.Cookies.Append(CookieName, CookieRequestCultureProvider.MakeCookieValue(new RequestCulture(culture)), new CookieOptions
        {
            HttpOnly = true,
            IsEssential = true,
            MaxAge = Kept,
            Path = "/",
            SameSite = SameSiteMode.Lax,
            Secure = http.Request.IsHttps,
        });
        return TypedResults.LocalRedirect(ConsolePages.Local(back));
    }

    /// <summary>The first of the browser's languages that is here; de-CH is German. (Without ICU the framework's own way knows
    /// no parent of de-CH.)</summary>
    private static ProviderCultureResult? OfBrowser(HttpContext http) => http.Request.GetTypedHeaders().AcceptLanguage
        .OrderByDescending(wanted => wanted.Quality ?? 1)
        .Select(wanted => All.FirstOrDefault(l => l.Culture.Name.Equals(wanted.Value.ToString().Split('-')[0], StringComparison.OrdinalIgnoreCase)).Culture)
        .FirstOrDefault(culture => culture is not null) is { } found ? new ProviderCultureResult(found.Name) : null;

    private static CultureInfo English()
    {
        var culture = new CultureInfo("en");
        culture.NumberFormat.PercentPositivePattern = 1;
        culture.NumberFormat.PercentNegativePattern = 1;
        culture.DateTimeFormat.ShortDatePattern = "d MMM yyyy";
        culture.DateTimeFormat.FullDateTimePattern = "d MMM yyyy, HH:mm:ss";
        return CultureInfo.ReadOnly(culture);
    }

    private static CultureInfo German()
    {
        var culture = new CultureInfo("de");
        var numbers = culture.NumberFormat;
        numbers.NumberDecimalSeparator = numbers.PercentDecimalSeparator = numbers.CurrencyDecimalSeparator = ",";
        numbers.NumberGroupSeparator = numbers.PercentGroupSeparator = numbers.CurrencyGroupSeparator = ".";
        var dates = culture.DateTimeFormat;
        dates.MonthNames = dates.MonthGenitiveNames =
            ["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember", ""];
        dates.AbbreviatedMonthNames = dates.AbbreviatedMonthGenitiveNames =
            ["Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez.", ""];
        dates.DayNames = ["Sonntag", "Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag"];
        dates.AbbreviatedDayNames = ["So", "Mo", "Di", "Mi", "Do", "Fr", "Sa"];
        dates.FirstDayOfWeek = DayOfWeek.Monday;
        dates.DateSeparator = ".";
        dates.ShortDatePattern = "dd.MM.yyyy";
        dates.LongDatePattern = "d. MMMM yyyy";
        dates.FullDateTimePattern = "d. MMM yyyy, HH:mm:ss";
        return CultureInfo.ReadOnly(culture);
    }
}

/// <summary>Marks an endpoint whose answer is a page for people, in their language.</summary>
internal sealed class SpokenPage;
