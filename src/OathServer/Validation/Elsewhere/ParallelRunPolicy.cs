namespace OathServer.Validation.Elsewhere;

/// <summary>The server that is being replaced, asked for whom there is no token here yet. Bound from the section
/// <c>ParallelRun</c>; off while no server is named.</summary>
internal sealed class ParallelRunPolicy
{
    public const string Section = "ParallelRun";
    public const string RadiusScheme = "radius";
    public const int RadiusPort = 1812;

    /// <summary>Where it is: <c>https://old.example.com/validate/check</c> (privacyIDEA's interface, as LinOTP and eduMFA
    /// have it too) or <c>radius://10.1.0.1:1812</c> (PAP).</summary>
    public string? Server { get; set; }

    /// <summary>The secret shared with a RADIUS server; for REST, what is sent as <c>Authorization</c>, if anything.</summary>
    public string? Secret { get; set; }

    /// <summary>How long it may take to answer; then the caller is refused with 503.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>Requests put to it at the same time; more are refused with 503 at once.</summary>
    public int AtOnce { get; set; } = 64;

    /// <summary>The realms it is asked for; all when left out.</summary>
    public string[]? Realms { get; set; }

    /// <summary>Whether an answer of a RADIUS server must be signed with Message-Authenticator (RFC 3579 §3.2). Without,
    /// whoever is on the way can forge an acceptance (CVE-2024-3596).</summary>
    public bool RequireMessageAuthenticator { get; set; } = true;

    /// <summary>How long a code is remembered that the old server accepted.</summary>
    public TimeSpan Remember { get; set; } = TimeSpan.FromDays(7);

    public const int AtOnceMax = 10_000;

    public bool IsOn => !string.IsNullOrWhiteSpace(Server);

    public bool Asks(string realm) => Realms is not { Length: > 0 } realms || Array.IndexOf(realms, realm) >= 0;

    /// <summary>What is wrong with the settings, in words; empty when nothing is.</summary>
    public IEnumerable<string> Faults()
    {
        if (!IsOn)
        {
            yield break;
        }

        if (!Uri.TryCreate(Server, UriKind.Absolute, out var at) || at.UserInfo.Length > 0
            || !(at.Scheme == RadiusScheme || at.Scheme == Uri.UriSchemeHttps || (at.Scheme == Uri.UriSchemeHttp && at.IsLoopback)))
        {
            yield return "ParallelRun:Server must be https://host/validate/check or radius://host:1812; http only on this machine.";
        }
        else if (at.Scheme == RadiusScheme && string.IsNullOrEmpty(Secret))
        {
            yield return "ParallelRun:Secret is missing: the secret shared with the RADIUS server.";
        }

        if (Timeout < TimeSpan.FromMilliseconds(100) || Timeout > TimeSpan.FromSeconds(30))
        {
            yield return $"ParallelRun:Timeout is {Timeout}; it must be 0.1 to 30 seconds.";
        }

        if (AtOnce is < 1 or > AtOnceMax)
        {
            yield return $"ParallelRun:AtOnce is {AtOnce}; it must be 1 to {AtOnceMax}.";
        }

        if (Remember < TimeSpan.FromHours(1) || Remember > TimeSpan.FromDays(90))
        {
            yield return $"ParallelRun:Remember is {Remember}; it must be an hour to 90 days.";
        }
    }
}
