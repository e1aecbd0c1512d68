namespace OathServer.Storage;

/// <summary>A new seed of a token, kept beside the old one until a code made with it comes: until then the key may hold
/// either. <see cref="CounterFlags.ReseedPending"/> on the counter row says that there is one.</summary>
internal sealed class PendingSeed
{
    public long TokenId { get; set; }

    /// <summary>The generation the token gets with it.</summary>
    public int Generation { get; set; }

    /// <summary>The new secret, sealed for the token's row in that generation.</summary>
    public required byte[] SealedSecret { get; set; }

    /// <summary>HOTP: the counter the key starts from.</summary>
    public long StartCounter { get; set; }

    public required string StagedBy { get; set; }

    public DateTimeOffset StagedAt { get; set; }
}
