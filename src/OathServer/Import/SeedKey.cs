using System.Security.Cryptography;
using Oath;
using OathServer.Storage;

namespace OathServer.Import;

/// <summary>One key of a seed file, whatever the file's format: what it says, and what speaks against using it.</summary>
internal sealed class SeedKey : IDisposable
{
    /// <summary>The counter a token can start from at most: one code must be left to accept, and the next to be stored.</summary>
    public const long CounterMax = long.MaxValue - 1;

    public int Line { get; init; }

    public string? Manufacturer { get; set; }

    /// <summary>The serial number printed on the device; the key's id where a file has none. Empty when it has neither.</summary>
    public required string DeviceSerial { get; init; }

    public string? IssueNumber { get; init; }

    public string? KeyId { get; set; }

    public TokenType Type { get; set; } = TokenType.Hotp;

    public OathAlgorithm Algorithm { get; set; }

    public int Digits { get; set; } = 6;

    /// <summary>Seconds; 0 for HOTP.</summary>
    public int TimeStep { get; set; }

    /// <summary>The next counter the device will use; 0 for TOTP.</summary>
    public long Counter { get; set; }

    /// <summary>TOTP: steps the device's clock is ahead.</summary>
    public int Drift { get; init; }

    /// <summary>The shared secret; empty only when <see cref="NotEnrolled"/> says why.</summary>
    public byte[] Secret { get; set; } = [];

    /// <summary>The PIN that comes along with it.</summary>
    public SeedPin? Pin { get; set; }

    /// <summary>The user the file names for it.</summary>
    public string? Owner { get; set; }

    /// <summary>Why it is not something this server validates.</summary>
    public string? NotEnrolled { get; set; }

    /// <summary>Why it is imported but may not be used for good.</summary>
    public string? Disabled { get; set; }

    /// <summary>Why it is imported but may not be used yet.</summary>
    public string? Suspended { get; set; }

    /// <summary>What a person should know of it.</summary>
    public string? Warning { get; set; }

    /// <summary>The fault of this key alone; the rest of the file could be read.</summary>
    public string? Fault { get; set; }

    /// <summary><see cref="Fault"/> in words.</summary>
    public string? FaultText { get; set; }

    /// <summary>The serial number its token gets or has. Set by the plan.</summary>
    public string TokenSerial { get; set; } = "";

    /// <summary>What becomes of it. Set by the plan.</summary>
    public KeyOutcome Outcome { get; set; } = KeyOutcome.Imported;

    /// <summary>Why nothing changes for it. Set by the comparison with the store.</summary>
    public string? Unchanged { get; set; }

    public TokenState State => Disabled is not null ? TokenState.Disabled
        : Suspended is not null ? TokenState.Suspended
        : TokenState.Imported;

    public void Refuse(string fault, string text)
    {
        Outcome = KeyOutcome.Refused;
        Fault = fault;
        FaultText = text;
    }

    public void Warn(string text) => Warning = Warning is null ? text : Warning + "; " + text;

    public void Dispose() => CryptographicOperations.ZeroMemory(Secret);
}
