using System.Threading.RateLimiting;

namespace OathServer.Validation;

/// <summary>A resynchronisation looks at a hundred times the codes a validation does, so a token has few of them an hour,
/// whoever asks. Counted on this node; the failures themselves are counted in the token's row.</summary>
internal sealed class ResyncTries(ValidationPolicy policy) : IDisposable
{
    private readonly PartitionedRateLimiter<long> tries = PartitionedRateLimiter.Create<long, long>(tokenId =>
        RateLimitPartition.GetTokenBucketLimiter(tokenId, _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = policy.ResyncTriesPerHour,
            TokensPerPeriod = 1,
            ReplenishmentPeriod = TimeSpan.FromHours(1) / policy.ResyncTriesPerHour,
            AutoReplenishment = true,
        }));

    /// <summary>Whether one more may be looked at now.</summary>
    public bool Take(long tokenId)
    {
        using var lease = tries.AttemptAcquire(tokenId);
        return lease.IsAcquired;
    }

    public void Dispose() => tries.Dispose();
}
