using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Http.Metadata;

namespace OathServer.Operations;

/// <summary>Refuses what is sent to an endpoint of forms and is none (415), or lacks the token of its page (400).</summary>
/// <remarks>Endpoints made at build time read the form first and fail over both with an exception.</remarks>
internal static class FormCheck
{
    private const string Form = "application/x-www-form-urlencoded";

    public static void UseFormCheck(this IApplicationBuilder app) => app.Use(CheckAsync);

    private static Task CheckAsync(HttpContext http, RequestDelegate next)
    {
        // Endpoints that take other content as well read it themselves, and say nothing of the token.
        if (http.GetEndpoint()?.Metadata is not { } metadata || metadata.GetMetadata<IAntiforgeryMetadata>() is null
            || metadata.GetMetadata<IAcceptsMetadata>()?.ContentTypes.Contains(Form) is not true)
        {
            return next(http);
        }

        // The token first: a request that does not pass it says nothing else about itself.
        var refusal = http.Features.Get<IAntiforgeryValidationFeature>() is { IsValid: false } ? StatusCodes.Status400BadRequest
            : http.Request.HasFormContentType ? (int?)null
            : StatusCodes.Status415UnsupportedMediaType;
        if (refusal is null)
        {
            return next(http);
        }

        http.Response.StatusCode = refusal.Value;
        return Task.CompletedTask;
    }
}
