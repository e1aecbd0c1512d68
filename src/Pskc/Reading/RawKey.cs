namespace Pskc.Reading;

/// <summary>
/// A key as it was parsed, its values not yet opened: the policy that may forbid it stands after them.
/// </summary>
internal sealed class RawKey
{
    public int Line { get; init; }

    public string? Id { get; init; }

    public string? AlgorithmUri { get; init; }

    public string? Suite { get; set; }

    public string? Issuer { get; set; }

    public string? FriendlyName { get; set; }

    public string? UserId { get; set; }

    public string? KeyProfileId { get; set; }

    public string? KeyReference { get; set; }

    public ResponseFormat? ResponseFormat { get; set; }

    public ChallengeFormat? ChallengeFormat { get; set; }

    public RawValue? Secret { get; set; }

    public RawValue? Counter { get; set; }

    public RawValue? Time { get; set; }

    public RawValue? TimeInterval { get; set; }

    public RawValue? TimeDrift { get; set; }

    public KeyPolicy? Policy { get; set; }

    public List<string> Usage { get; } = [];

    /// <summary>The drafts put these beside the policy.</summary>
    public DateTimeOffset? StartDate { get; set; }

    public DateTimeOffset? ExpiryDate { get; set; }

    public List<string> Extensions { get; } = [];
}
