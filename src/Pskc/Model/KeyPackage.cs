namespace Pskc;

/// <summary>One device and what it holds (RFC 6030 section 4.2). Disposing it clears the secrets of its keys.</summary>
public sealed class KeyPackage : IDisposable
{
    /// <summary>Who made the device, e.g. <c>oath.UB</c> (RFC 6030 section 4.3.1).</summary>
    public string? Manufacturer { get; init; }

    /// <summary>The device's serial number.</summary>
    public string? SerialNo { get; init; }

    /// <summary>The device's model.</summary>
    public string? Model { get; init; }

    /// <summary>Tells devices of one serial number apart.</summary>
    public string? IssueNo { get; init; }

    /// <summary>What the device is bound to, e.g. an IMEI.</summary>
    public string? DeviceBinding { get; init; }

    /// <summary>When the device becomes valid.</summary>
    public DateTimeOffset? StartDate { get; init; }

    /// <summary>When the device ceases to be valid.</summary>
    public DateTimeOffset? ExpiryDate { get; init; }

    /// <summary>The user the device was made for, a distinguished name.</summary>
    public string? UserId { get; init; }

    /// <summary>The module in the device (RFC 6030 section 4.3.2); Yubico writes the slot here.</summary>
    public string? CryptoModuleId { get; init; }

    /// <summary>The keys: none or one in RFC 6030, more in the drafts.</summary>
    public IReadOnlyList<Key> Keys { get; init; } = [];

    /// <summary>Extensions of the package as XML text (RFC 6030 section 9).</summary>
    public IReadOnlyList<string> Extensions { get; init; } = [];

    /// <summary>The line it starts on; 0 when it did not come from a file.</summary>
    public int Line { get; init; }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var key in Keys)
        {
            key.Dispose();
        }
    }
}
