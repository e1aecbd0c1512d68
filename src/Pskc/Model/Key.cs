using System.Security.Cryptography;

namespace Pskc;

/// <summary>One key and all that is said of it (RFC 6030 section 4.3.3). Disposing it clears the secret.</summary>
public sealed class Key : IDisposable
{
    /// <summary>The key's Id.</summary>
    public string? Id { get; init; }

    /// <summary>The algorithm as the file writes it.</summary>
    public string? AlgorithmUri { get; init; }

    /// <summary>The algorithm, whatever draft's name it goes by.</summary>
    public KeyAlgorithm Algorithm { get; init; }

    /// <summary>
    /// The suite as the file writes it: a hash for HOTP and TOTP, the whole suite for OCRA (section 4.3.4).
    /// </summary>
    public string? Suite { get; init; }

    /// <summary>
    /// The hash of a HOTP or TOTP key: SHA-1 when the file names none, null when it names one unknown.
    /// </summary>
    public OtpHash? Hash { get; init; }

    /// <summary>Who issued the key.</summary>
    public string? Issuer { get; init; }

    /// <summary>A name for people.</summary>
    public string? FriendlyName { get; init; }

    /// <summary>The user the key is for, a distinguished name.</summary>
    public string? UserId { get; init; }

    /// <summary>A profile agreed outside the file (section 4.4).</summary>
    public string? KeyProfileId { get; init; }

    /// <summary>A key held elsewhere from which this one is derived (section 4.4).</summary>
    public string? KeyReference { get; init; }

    /// <summary>What the device shows.</summary>
    public ResponseFormat? ResponseFormat { get; init; }

    /// <summary>What the device takes as a challenge.</summary>
    public ChallengeFormat? ChallengeFormat { get; init; }

    /// <summary>The shared secret; null when the file has none or it could not be had.</summary>
    public byte[]? Secret { get; init; }

    /// <summary>The event counter, the next to be used; null when the file has none.</summary>
    public long? Counter { get; init; }

    /// <summary>The time a time-based key counts from, in the file's unit.</summary>
    public long? Time { get; init; }

    /// <summary>The time step in seconds.</summary>
    public int? TimeInterval { get; init; }

    /// <summary>How many steps the device's clock is ahead; may be negative.</summary>
    public int? TimeDrift { get; init; }

    /// <summary>What the key may be used for (section 5).</summary>
    public KeyPolicy Policy { get; init; } = KeyPolicy.Unrestricted;

    /// <summary>Extensions of the key as XML text (section 9).</summary>
    public IReadOnlyList<string> Extensions { get; init; } = [];

    /// <summary>Why the key must not be used, for people; null when nothing speaks against it.</summary>
    public string? UnusableReason { get; init; }

    /// <summary>Whether nothing in the file speaks against using the key.</summary>
    public bool IsUsable => UnusableReason is null;

    /// <summary>
    /// Why the secret is weak, for people; null when it is not. The reader's caller decides what to do.
    /// </summary>
    public string? WeakReason => WeakSecret.Why(Secret, Algorithm);

    /// <summary>
    /// Whether the secret is shorter than RFC 4226's 128 bits, all of one octet, or a published test value.
    /// </summary>
    public bool IsWeak => WeakReason is not null;

    /// <summary>The line it starts on; 0 when it did not come from a file.</summary>
    public int Line { get; init; }

    /// <inheritdoc/>
    public void Dispose() => CryptographicOperations.ZeroMemory(Secret);
}
