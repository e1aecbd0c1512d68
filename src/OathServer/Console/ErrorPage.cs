using System.Globalization;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Localization;
using Microsoft.Net.Http.Headers;

namespace OathServer.Pages;

/// <summary>What a person's browser gets where a program gets problem details: what happened, in the reader's language, and
/// where to go on. Made of nothing but text, so that it is there also when the database is not.</summary>
internal sealed class ErrorPage(IStringLocalizer<ConsoleText> text) : IProblemDetailsWriter
{
    /// <summary>Programs take JSON, or anything; a browser that goes to a page asks for HTML by name.</summary>
    public bool CanWrite(ProblemDetailsContext context) =>
        context.HttpContext.Request.GetTypedHeaders().Accept.Any(a => a.MediaType.Equals("text/html", StringComparison.OrdinalIgnoreCase))
        && !context.HttpContext.Request.Path.StartsWithSegments("/v1");

    public async ValueTask WriteAsync(ProblemDetailsContext context)
    {
        var http = context.HttpContext;
        CultureInfo.CurrentCulture = CultureInfo.CurrentUICulture = await ConsoleLanguages.OfAsync(http);
        var status = context.ProblemDetails.Status ?? http.Response.StatusCode;
        if (status == StatusCodes.Status403Forbidden && http.GetEndpoint() is null && http.Features.Get<IExceptionHandlerFeature>() is null)
        {
            // Nobody may enter what is not there; a person is told that it is not.
            status = StatusCodes.Status404NotFound;
        }

        http.Response.StatusCode = status;
        http.Response.ContentType = "text/html; charset=utf-8";
        http.Response.Headers[HeaderNames.CacheControl] = "no-cache, no-store";
        http.Response.Headers[HeaderNames.ContentLanguage] = CultureInfo.CurrentUICulture.Name;
        await http.Response.WriteAsync(Page(status, context.ProblemDetails, http), http.RequestAborted);
    }

    private string Page(int status, ProblemDetails problem, HttpContext http)
    {
        var (what, next) = Words(status);
        var encode = HtmlEncoder.Default;
        // The detail of a refusal names the role that is needed, that of a fault where it stands in the log; both in English.
        var detail = problem.Detail is { } said && status != StatusCodes.Status404NotFound ? $"<p class=\"soft\" lang=\"en\">{encode.Encode(said)}</p>" : "";
        return $"""
            <!DOCTYPE html>
            <html lang="{CultureInfo.CurrentUICulture.Name}">
            <head>
              <meta charset="utf-8" />
              <meta name="viewport" content="width=device-width, initial-scale=1" />
              <link rel="stylesheet" href="{ConsoleAssets.Style}" />
              <link rel="icon" type="image/svg+xml" href="{ConsoleAssets.Icon}" />
              <title>{encode.Encode(text.Of(what))} - OathServer</title>
            </head>
            <body>
              <main class="narrow card">
                <p class="soft">{status}</p>
                <h1>{encode.Encode(text.Of(what))}</h1>
                <p>{encode.Encode(text.Of(next))}</p>
                {detail}
                <p><a class="button" href="{Home(http)}">{encode.Encode(text["To the start page"])}</a></p>
              </main>
            </body>
            </html>

            """;
    }

    /// <summary>People who hold keys have a start page of their own.</summary>
    private static string Home(HttpContext http) => http.Request.Path.StartsWithSegments("/my") ? "/my" : "/";

    private static (Phrase What, Phrase Next) Words(int status) => status switch
    {
        StatusCodes.Status403Forbidden => (new Phrase("You may not do that"), new Phrase("Your role does not reach that far. Nothing was changed. An administrator gives roles.")),
        StatusCodes.Status404NotFound => (new Phrase("There is no such page"), new Phrase("The address is mistyped, or what it named is gone. Search for the person or the key instead.")),
        StatusCodes.Status413PayloadTooLarge => (new Phrase("That is too large"), new Phrase("Nothing was taken. Split the file and send its parts one after the other.")),
        StatusCodes.Status429TooManyRequests => (new Phrase("Too many requests"), new Phrase("Wait a minute, then try again.")),
        StatusCodes.Status503ServiceUnavailable => (new Phrase("The server takes nothing at the moment"), new Phrase("Its storage does not answer, or it is about to stop. Nothing was changed. Try again in a moment.")),
        >= 500 => (new Phrase("Something failed on the server"), new Phrase("Whether it was done is said by the record and the trail: look there before you repeat it. Tell an administrator what stands below.")),
        _ => (new Phrase("That could not be read"), new Phrase("The form is too old, or not all of it arrived. Nothing was changed. Go back, load the page again and send it once more.")),
    };
}
