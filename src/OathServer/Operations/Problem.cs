using Microsoft.AspNetCore.Http.HttpResults;

namespace OathServer.Operations;

/// <summary>Refusals in one shape (RFC 9457): what was wrong, and what to do.</summary>
internal static class Problem
{
    public static ProblemHttpResult BadField(string field, string fault) => TypedResults.Problem(
        statusCode: StatusCodes.Status400BadRequest,
        title: $"{field}: {fault}",
        extensions: new Dictionary<string, object?> { ["field"] = field });

    public static ProblemHttpResult NotFound(string what, string next) => TypedResults.Problem(
        statusCode: StatusCodes.Status404NotFound, title: what, detail: next);

    public static ProblemHttpResult Conflict(string what, string next) => TypedResults.Problem(
        statusCode: StatusCodes.Status409Conflict, title: what, detail: next);

    /// <summary>The request was understood and cannot be done as things stand.</summary>
    public static ProblemHttpResult Unprocessable(string what, string next, string? reason = null) => TypedResults.Problem(
        statusCode: StatusCodes.Status422UnprocessableEntity,
        title: what,
        detail: next,
        extensions: reason is null ? null : new Dictionary<string, object?> { ["reason"] = reason });
}
