namespace Pskc;

/// <summary>
/// What a key may be used for (RFC 6030 section 5). A policy that is not wholly understood forbids every use.
/// </summary>
public sealed record KeyPolicy
{
    /// <summary>No restriction: the file has no Policy.</summary>
    public static KeyPolicy Unrestricted { get; } = new();

    /// <summary>From when the key may be used.</summary>
    public DateTimeOffset? StartDate { get; init; }

    /// <summary>Until when the key may be used.</summary>
    public DateTimeOffset? ExpiryDate { get; init; }

    /// <summary>The uses allowed, as written; empty allows all.</summary>
    public IReadOnlyList<string> KeyUsage { get; init; } = [];

    /// <summary>How often the key may be used.</summary>
    public long? NumberOfTransactions { get; init; }

    /// <summary>How a PIN goes with the key.</summary>
    public PinPolicy? Pin { get; init; }

    /// <summary>Names of what was not understood, for people; any entry forbids every use of the key.</summary>
    public IReadOnlyList<string> NotUnderstood { get; init; } = [];

    /// <summary>Whether every part was understood.</summary>
    public bool Usable => NotUnderstood.Count == 0;

    /// <summary>Why the policy forbids using the key as an OTP key at a time; null when it does not.</summary>
    public string? WhyNotOtp(DateTimeOffset now)
    {
        if (!Usable)
        {
            return $"its policy holds what is not understood: {string.Join(", ", NotUnderstood)}";
        }
        if (KeyUsage.Count > 0 && !KeyUsage.Contains("OTP", StringComparer.OrdinalIgnoreCase))
        {
            return $"its policy allows only {string.Join(", ", KeyUsage)}";
        }
        if (StartDate > now)
        {
            return $"its policy starts at {StartDate:u}";
        }
        return ExpiryDate <= now ? $"its policy ended at {ExpiryDate:u}" : null;
    }
}

/// <summary>How a PIN goes with a key (RFC 6030 section 5.1).</summary>
public sealed record PinPolicy
{
    /// <summary>The key of this container that holds the PIN.</summary>
    public string? PinKeyId { get; init; }

    /// <summary>Local, Prepend, Append or Algorithmic, as written.</summary>
    public string? UsageMode { get; init; }

    /// <summary>Wrong PINs before the key locks.</summary>
    public long? MaxFailedAttempts { get; init; }

    /// <summary>The least length of the PIN.</summary>
    public long? MinLength { get; init; }

    /// <summary>The greatest length of the PIN.</summary>
    public long? MaxLength { get; init; }

    /// <summary>How the PIN is written.</summary>
    public ValueEncoding? Encoding { get; init; }
}
