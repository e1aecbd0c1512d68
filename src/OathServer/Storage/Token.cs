using Oath;

namespace OathServer.Storage;

/// <summary>How the moving factor of a token moves: by use (RFC 4226) or by time (RFC 6238).</summary>
internal enum TokenType : byte
{
    Hotp = 1,
    Totp = 2,
}

/// <summary>What the server validates: a shared secret and its parameters. The counter stands in <see cref="TokenCounter"/>.</summary>
/// <remarks>Everything here is immutable on the hot path except <see cref="SealedSecret"/>, which a reseed replaces
/// together with <see cref="TokenCounter.Generation"/>.</remarks>
internal sealed class Token
{
    public long Id { get; set; }

    /// <summary>What people type and relying parties send; unique, never changed.</summary>
    public required string Serial { get; set; }

    public required string Realm { get; set; }

    public required TokenType Type { get; set; }

    public required OathAlgorithm Algorithm { get; set; }

    public required int Digits { get; set; }

    /// <summary>The time step in seconds (RFC 6238 X); 0 for HOTP.</summary>
    public int TimeStep { get; set; }

    /// <summary>The shared secret, sealed for this row (<see cref="Secrets.SealedPlace.TokenSecret"/>).</summary>
    public required byte[] SealedSecret { get; set; }

    /// <summary>The counter the key package started from.</summary>
    public long StartCounter { get; set; }

    public long? PersonId { get; set; }

    public Person? Person { get; set; }

    /// <summary>The security key that carries this credential, once provisioned.</summary>
    public string? Cuid { get; set; }

    public string? Batch { get; set; }

    /// <summary>The imported file this token came from; null when it was made here.</summary>
    public long? ImportId { get; set; }

    public ImportedFile? Import { get; set; }

    // The key package's own identity (RFC 6030 §4.3.1): no two keys of a file may fall together.
    public string? Manufacturer { get; set; }

    /// <summary>The serial number of the device as its key package names it; several tokens when it carries several keys.</summary>
    public string? DeviceSerial { get; set; }

    public string? IssueNumber { get; set; }

    public string? KeyId { get; set; }

    /// <summary>Why this token may not be used, in words for staff: an expired policy, an unknown policy element.</summary>
    public string? DisabledReason { get; set; }

    public DateTimeOffset CreatedAt { get; set; }

    /// <summary>The moving part. Never null when read with it included.</summary>
    public TokenCounter? Counter { get; set; }
}
