using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Threading.RateLimiting;

namespace OathServer.Access;

/// <summary>How much one caller may take. Bound from the section <c>Limits</c>.</summary>
internal sealed class LimitsPolicy
{
    public const string Section = "Limits";

    /// <summary>Requests of one API key that are being answered at the same time: the writer takes about as many in one
    /// go, so that one relying party cannot fill the queue for the others.</summary>
    public int AtOncePerKey { get; set; } = 1024;

    /// <summary>Requests a second of one API key; 0 for as many as the server carries.</summary>
    public int PerSecondPerKey { get; set; }

    /// <summary>Unknown API keys from one address in a minute.</summary>
    public int UnknownKeysPerMinute { get; set; } = 60;

    /// <summary>Passwords, links and codes of staff sent from one address in a minute.</summary>
    public int SignInsPerMinute { get; set; } = 60;

    /// <exception cref="InvalidOperationException">A setting is out of bounds.</exception>
    public static LimitsPolicy Of(IConfiguration configuration)
    {
        var policy = configuration.GetSection(Section).Get<LimitsPolicy>() ?? new LimitsPolicy();
        return policy is { AtOncePerKey: >= 1, PerSecondPerKey: >= 0, UnknownKeysPerMinute: >= 1, SignInsPerMinute: >= 1 }
            ? policy
            : throw new InvalidOperationException("Limits:AtOncePerKey, UnknownKeysPerMinute and SignInsPerMinute must be 1 or more, PerSecondPerKey 0 or more.");
    }
}

/// <summary>Rate limits and fair share of API keys, and of addresses that send keys nobody knows.</summary>
internal sealed class ApiKeyLimits(LimitsPolicy policy) : IDisposable
{
    private static readonly TimeSpan second = TimeSpan.FromSeconds(1);

    // One for each API key that was seen; there are few. The framework's limiters take a lock and make a lease a request.
    private readonly ConcurrentDictionary<int, Places> atOnce = new();

    private readonly PartitionedRateLimiter<int>? rate = policy.PerSecondPerKey == 0 ? null : PartitionedRateLimiter.Create<int, int>(key =>
        RateLimitPartition.GetTokenBucketLimiter(key, _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = policy.PerSecondPerKey,
            TokensPerPeriod = policy.PerSecondPerKey,
            ReplenishmentPeriod = second,
        }));

    private readonly PartitionedRateLimiter<IPAddress> unknown = PerAddress(policy.UnknownKeysPerMinute);

    /// <summary>Enters when the key may; otherwise answers 429 with when to come again.</summary>
    public Task EnterAsync(HttpContext http, KnownApiKey key, RequestDelegate next) =>
        TryEnter(http, key, out var place) is { } refused ? refused : EnterAsync(http, next, place);

    /// <summary>Gives a place, to be disposed of once the request was answered; otherwise the answer that it may not.</summary>
    public Task? TryEnter(HttpContext http, KnownApiKey key, out Places place)
    {
        place = atOnce.GetOrAdd(key.Id, static (_, most) => new(most), policy.AtOncePerKey);
        if (!place.TryTake())
        {
            return RefuseAsync(http, $"The API key {key.Name} waits for {policy.AtOncePerKey} answers already.", 1);
        }

        if (rate is not null)
        {
            using var turn = rate.AttemptAcquire(key.Id);
            if (!turn.IsAcquired)
            {
                place.Dispose();
                return RefuseAsync(http, $"The API key {key.Name} may ask {policy.PerSecondPerKey} times a second.", 1);
            }
        }

        return null;
    }

    /// <summary>Whether an address may be told once more that its key is unknown; else it is told to stop.</summary>
    public bool MayTryUnknownKey(HttpContext http)
    {
        using var turn = unknown.AttemptAcquire(Network(http.Connection.RemoteIpAddress));
        return turn.IsAcquired;
    }

    public void Dispose()
    {
        rate?.Dispose();
        unknown.Dispose();
    }

    /// <summary>A limiter of so many a minute for each address.</summary>
    public static PartitionedRateLimiter<IPAddress> PerAddress(int perMinute) => PartitionedRateLimiter.Create<IPAddress, IPAddress>(address =>
        RateLimitPartition.GetTokenBucketLimiter(address, _ => Bucket(perMinute)));

    /// <summary>So many a minute, replenished a sixth at a time.</summary>
    private static TokenBucketRateLimiterOptions Bucket(int perMinute) => new()
    {
        TokenLimit = perMinute,
        TokensPerPeriod = Math.Max(1, perMinute / 6),
        ReplenishmentPeriod = TimeSpan.FromMinutes(1) / Math.Min(perMinute, 6),
    };

    /// <summary>Who is counted as one: an address, or the /64 that one customer has of IPv6.</summary>
    public static IPAddress Network(IPAddress? address)
    {
        if (address is null)
        {
            return IPAddress.None;
        }

        if (address.IsIPv4MappedToIPv6 || address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork)
        {
            return address.MapToIPv4();
        }

        var bytes = address.GetAddressBytes();
        bytes.AsSpan(8).Clear();
        return new IPAddress(bytes);
    }

    public static Task RefuseAsync(HttpContext http, string why, int seconds)
    {
        http.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        return TypedResults.Problem(statusCode: StatusCodes.Status429TooManyRequests, title: why, detail: "Nothing was looked at. Try again later.").ExecuteAsync(http);
    }

    private static async Task EnterAsync(HttpContext http, RequestDelegate next, Places place)
    {
        using (place)
        {
            await next(http);
        }
    }

    /// <summary>The places of one key. One is given back by disposing of them, once for each that was taken.</summary>
    public sealed class Places(int most) : IDisposable
    {
        private int taken;

        public bool TryTake()
        {
            if (Interlocked.Increment(ref taken) <= most)
            {
                return true;
            }

            Interlocked.Decrement(ref taken);
            return false;
        }

        public void Dispose() => Interlocked.Decrement(ref taken);
    }
}
