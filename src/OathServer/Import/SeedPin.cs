using OathServer.Validation.Pins;

namespace OathServer.Import;

/// <summary>A PIN that comes along with a key: as a hash of the old server's, or in the open until it is hashed.</summary>
internal sealed class SeedPin
{
    private readonly PinHash? hash;
    private readonly string? plain;

    private SeedPin(PinHash? hash, string? plain) => (this.hash, this.plain) = (hash, plain);

    public static SeedPin Of(PinHash hash) => new(hash, null);

    public static SeedPin Of(string plain) => new(null, plain);

    /// <summary>What is stored. Takes some ten milliseconds for one in the open.</summary>
    public PinHash ToHash() => hash ?? PinHash.Of(plain!);

    /// <summary>Never the PIN.</summary>
    public override string ToString() => hash is null ? "PIN" : hash.ToString();
}
