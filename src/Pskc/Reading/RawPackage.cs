namespace Pskc.Reading;

/// <summary>A key package as it was parsed, its values not yet opened.</summary>
internal sealed class RawPackage
{
    public int Line { get; init; }

    public string? Manufacturer { get; set; }

    public string? SerialNo { get; set; }

    public string? Model { get; set; }

    public string? IssueNo { get; set; }

    public string? DeviceBinding { get; set; }

    public DateTimeOffset? StartDate { get; set; }

    public DateTimeOffset? ExpiryDate { get; set; }

    public string? UserId { get; set; }

    public string? CryptoModuleId { get; set; }

    public List<string> Extensions { get; } = [];

    public List<RawKey> Keys { get; } = [];
}
