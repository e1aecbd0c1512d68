using System.Net;
using System.Threading.RateLimiting;
using OathServer.Access;

namespace OathServer.SignIn;

/// <summary>Password hashes are slow on purpose: a flood of sign-ins may not take the processor from validations. An endpoint's
/// filter and not the framework's middleware, which has no room for two limits and keeps its timer when the host is gone.</summary>
internal sealed class StaffLimits(LimitsPolicy policy) : IDisposable
{
    private const int AtOnce = 2;
    private const int Waiting = 8;

    private readonly PartitionedRateLimiter<IPAddress> perAddress = ApiKeyLimits.PerAddress(policy.SignInsPerMinute);

    private readonly ConcurrencyLimiter places = new(new ConcurrencyLimiterOptions
    {
        PermitLimit = AtOnce,
        QueueLimit = Waiting,
        QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
    });

    public async ValueTask<object?> EnterAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        using var turn = perAddress.AttemptAcquire(ApiKeyLimits.Network(http.Connection.RemoteIpAddress));
        using var place = turn.IsAcquired ? await places.AcquireAsync(1, http.RequestAborted) : turn;
        if (place.IsAcquired)
        {
            return await next(context);
        }

        await ApiKeyLimits.RefuseAsync(http, "Too many sign-ins at once or from this address.", 10);
        return Results.Empty;
    }

    public void Dispose()
    {
        perAddress.Dispose();
        places.Dispose();
    }
}

internal static class StaffLimitsExtensions
{
    /// <summary>What an endpoint does for whoever signs in is limited by <see cref="StaffLimits"/>.</summary>
    public static RouteHandlerBuilder LimitSignIns(this RouteHandlerBuilder route) => route.AddEndpointFilter(
        (context, next) => context.HttpContext.RequestServices.GetRequiredService<StaffLimits>().EnterAsync(context, next));
}
