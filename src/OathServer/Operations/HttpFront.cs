using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Mvc;
using OathServer.Secrets;
using OathServer.Storage;
using OathServer.Validation.Elsewhere;
using Scalar.AspNetCore;

namespace OathServer.Operations;

/// <summary>What all endpoints share: strict JSON in, problem details (RFC 9457) out, the API's own description.</summary>
internal static class HttpFront
{
    public static void AddHttpFront(this IServiceCollection services)
    {
        services.AddProblemDetails(options => options.CustomizeProblemDetails = context => context.ProblemDetails.Extensions.Remove("traceId"));
        services.AddExceptionHandler<FaultToProblem>();
        services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);
        services.ConfigureHttpJsonOptions(options => Strict(options.SerializerOptions));
        services.AddApiDescription();
        // It would make an activity and a scope of each request, and write whole URLs: in them stand one-time links and names.
        services.AddLogging(logging => logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None));
    }

    public static void MapApiDocs(this WebApplication app)
    {
        app.MapOpenApi().AllowAnonymous();
        app.MapScalarApiReference("/docs", options => options.WithTitle("OathServer").WithNonce()).AllowAnonymous();
    }

    public static void MapHealth(this WebApplication app)
    {
        app.MapGet("/health/live", () => Results.Text("live\n")).AllowAnonymous().ExcludeFromDescription();
        app.MapGet("/health/ready", Ready).AllowAnonymous().ExcludeFromDescription();
    }

    /// <summary>A member twice, a member we do not know, a name in the wrong case: all refused, as a proxy in front may
    /// read them otherwise than we do.</summary>
    public static void Strict(JsonSerializerOptions options)
    {
        options.AllowDuplicateProperties = false;
        options.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
        options.PropertyNameCaseInsensitive = false;
        options.RespectNullableAnnotations = true;
        options.RespectRequiredConstructorParameters = true;
        options.NumberHandling = JsonNumberHandling.Strict;
        options.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
        options.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false));
    }

    /// <summary>Degraded is 200: the node still validates, and taking it away would stop what still works.</summary>
    private static async Task<IResult> Ready(HttpContext http, OathDbContext db, CounterCommit counters, Drain drain, CancellationToken cancel)
    {
        if (drain.HasBegun)
        {
            return Results.Text("draining: this node is about to stop\n", statusCode: StatusCodes.Status503ServiceUnavailable);
        }

        if (!await db.Database.CanConnectAsync(cancel))
        {
            return Results.Text("the database does not answer\n", statusCode: StatusCodes.Status503ServiceUnavailable);
        }

        if (counters.IsRefusing)
        {
            return Results.Text("the storage takes no changes; see the log\n", statusCode: StatusCodes.Status503ServiceUnavailable);
        }

        if (http.RequestServices.GetRequiredService<KeyRing>().Fault is not null)
        {
            // What was opened before still validates; the log says which token and why.
            return Results.Text("degraded: the token with the sealing key does not answer; see the log\n");
        }

        return http.RequestServices.GetService<DiskReserve>() is { IsMissing: true }
            ? Results.Text("degraded: the disk is full, or was, and the reserve is not in place; free some space\n")
            : Results.Text("ready\n");
    }
}

/// <summary>The one map from faults to problem details. No text of an unexpected fault leaves the server.</summary>
internal sealed class FaultToProblem(IProblemDetailsService problems, ILogger<FaultToProblem> log) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        var problem = exception switch
        {
            BadHttpRequestException bad => new ProblemDetails
            {
                Status = bad.StatusCode,
                Title = "The request could not be read.",
                Detail = bad.InnerException is JsonException json ? JsonFault(json) : bad.Message,
            },
            OldServerUnavailableException => new ProblemDetails
            {
                Status = StatusCodes.Status503ServiceUnavailable,
                Title = "The old server did not answer.",
                Detail = "There is no token here for this one, and the server that may have it is away. Nothing was accepted. Try again in a moment.",
            },
            _ when StorageFault.IsPassing(exception) => new ProblemDetails
            {
                Status = StatusCodes.Status503ServiceUnavailable,
                Title = "The storage did not take the change.",
                Detail = "Nothing was accepted. Try again in a moment.",
            },
            OperationCanceledException when httpContext.RequestAborted.IsCancellationRequested => null,
            _ => new ProblemDetails
            {
                Status = StatusCodes.Status500InternalServerError,
                Title = "Something failed on the server.",
                Detail = $"It is in the server's log under {httpContext.TraceIdentifier}.",
            },
        };
        if (problem is null)
        {
            return true;
        }

        // The writer logged its own fault once; thousands of refusals it caused would fill the disk.
        if (problem.Status >= 500 && !StorageFault.IsPassing(exception))
        {
            log.LogError("{Trace} {Method} {Path}: {Fault}", httpContext.TraceIdentifier, httpContext.Request.Method, httpContext.Request.Path, exception);
        }

        if (problem.Status == StatusCodes.Status503ServiceUnavailable)
        {
            httpContext.Response.Headers.RetryAfter = "1";
        }

        httpContext.Response.StatusCode = problem.Status!.Value;
        if (!await problems.TryWriteAsync(new ProblemDetailsContext { HttpContext = httpContext, ProblemDetails = problem }))
        {
            // The caller accepts no JSON: it gets it all the same, rather than a fault of ours.
            await TypedResults.Problem(problem).ExecuteAsync(httpContext);
        }

        return true;
    }

    /// <summary>Where and what, without the value: it may have been a code.</summary>
    private static string JsonFault(JsonException fault)
    {
        var where = fault.Path is { Length: > 1 } path ? $" at {path}" : "";
        var line = fault.LineNumber is { } number ? $", line {number + 1}" : "";
        var what = fault.Message.Contains("could not be mapped", StringComparison.Ordinal) ? "has a member this request does not know"
            : fault.Message.Contains("uplicate", StringComparison.Ordinal) ? "has a member twice"
            : fault.Message.Contains("missing required", StringComparison.Ordinal) ? "lacks a required member"
            : "is not the JSON this request takes";
        return $"The body {what}{where}{line}.";
    }
}
