namespace SecurityKeys.Piv;

/// <summary>What the key says of its PIN or PUK without spending a try.</summary>
public sealed record PinMetadata(bool IsDefault, int TriesTotal, int TriesLeft);

/// <summary>What the key says of its management key.</summary>
public sealed record ManagementKeyMetadata(ManagementKeyAlgorithm Algorithm, bool IsDefault, bool TouchNeeded);
