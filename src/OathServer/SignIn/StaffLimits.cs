using System.Threading.RateLimiting;
using Microsoft.AspNetCore.RateLimiting;
using OathServer.Access;

namespace OathServer.SignIn;

/// <summary>Password hashes are slow on purpose: a flood of sign-ins may not take the processor from validations.</summary>
internal static class StaffLimits
{
    public const string Policy = "password";

    public const int AtOnce = 2;
    private const int Waiting = 8;

    public static void AddStaffLimits(this IServiceCollection services, IConfiguration configuration) => services.AddRateLimiter(options =>
    {
        options.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
        options.OnRejected = (rejected, _) => new ValueTask(ApiKeyLimits.RefuseAsync(rejected.HttpContext, "Too many sign-ins at once or from this address.", 10));
        var perMinute = LimitsPolicy.Of(configuration).SignInsPerMinute;
        options.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, System.Net.IPAddress>(http =>
            http.GetEndpoint()?.Metadata.GetMetadata<EnableRateLimitingAttribute>()?.PolicyName == Policy
                ? RateLimitPartition.GetTokenBucketLimiter(ApiKeyLimits.Network(http.Connection.RemoteIpAddress), _ => ApiKeyLimits.Bucket(perMinute))
                : RateLimitPartition.GetNoLimiter(System.Net.IPAddress.None));
        options.AddPolicy(Policy, _ => RateLimitPartition.GetConcurrencyLimiter(Policy, _ => new ConcurrencyLimiterOptions
        {
            PermitLimit = AtOnce,
            QueueLimit = Waiting,
            QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
        }));
    });
}
