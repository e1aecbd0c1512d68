using System.Threading.RateLimiting;

namespace OathServer.SignIn;

/// <summary>Password hashes are slow on purpose: a flood of sign-ins may not take the processor from validations.</summary>
internal static class StaffLimits
{
    public const string Policy = "password";

    public const int AtOnce = 2;
    private const int Waiting = 8;

    public static void AddStaffLimits(this IServiceCollection services) => services.AddRateLimiter(options =>
    {
        options.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
        options.AddPolicy(Policy, _ => RateLimitPartition.GetConcurrencyLimiter(Policy, _ => new ConcurrencyLimiterOptions
        {
            PermitLimit = AtOnce,
            QueueLimit = Waiting,
            QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
        }));
    });
}
