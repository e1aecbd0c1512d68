using SecurityKeys.Cards;
using SecurityKeys.Piv;

namespace SecurityKeys.External;

/// <summary>One key that an external driver drives: the driver, and the reader by the driver's own name for it.</summary>
public sealed class ExternalKey(ExternalKeyDriver driver, string reader)
{
    /// <summary>What the driver says of itself.</summary>
    public ExternalDriverInfo Info => driver.Info;

    /// <summary>The driver's name for where the key is.</summary>
    public string Reader => reader;

    /// <summary>Whether the driver has this operation (docs/keys.md).</summary>
    public bool Offers(string operation) => driver.Info.Operations.Contains(operation);

    /// <inheritdoc cref="ExternalKeyDriver.ReadCuidAsync"/>
    public Task<Cuid> ReadCuidAsync(CancellationToken cancel = default) => driver.ReadCuidAsync(reader, cancel);

    /// <inheritdoc cref="ExternalKeyDriver.ReadPropertiesAsync"/>
    public Task<ExternalKeyProperties> ReadPropertiesAsync(CancellationToken cancel = default) =>
        driver.ReadPropertiesAsync(reader, cancel);

    /// <inheritdoc cref="ExternalKeyDriver.PutPukAsync"/>
    public Task<PinVerdict> PutPukAsync(
        ReadOnlyMemory<byte> pin, ReadOnlyMemory<byte> puk, CancellationToken cancel = default) =>
        driver.PutPukAsync(reader, pin, puk, cancel);

    /// <inheritdoc cref="ExternalKeyDriver.ChangePinAsync"/>
    public Task<PinVerdict> ChangePinAsync(
        ReadOnlyMemory<byte> current, ReadOnlyMemory<byte> next, CancellationToken cancel = default) =>
        driver.ChangePinAsync(reader, current, next, cancel);

    /// <inheritdoc cref="ExternalKeyDriver.UnblockPinAsync"/>
    public Task<PinVerdict> UnblockPinAsync(
        ReadOnlyMemory<byte> puk, ReadOnlyMemory<byte> nextPin, CancellationToken cancel = default) =>
        driver.UnblockPinAsync(reader, puk, nextPin, cancel);

    /// <inheritdoc cref="ExternalKeyDriver.ForcePinChangeAsync"/>
    public Task<PinVerdict> ForcePinChangeAsync(ReadOnlyMemory<byte> pin, CancellationToken cancel = default) =>
        driver.ForcePinChangeAsync(reader, pin, cancel);

    /// <inheritdoc cref="ExternalKeyDriver.PutOathAsync"/>
    public Task<PinVerdict> PutOathAsync(
        ReadOnlyMemory<byte> pin, ExternalOathCredential credential, ReadOnlyMemory<byte> secret,
        CancellationToken cancel = default) => driver.PutOathAsync(reader, pin, credential, secret, cancel);

    /// <inheritdoc cref="ExternalKeyDriver.ReadCodeAsync"/>
    public Task<string> ReadCodeAsync(
        ReadOnlyMemory<byte> pin, string name, DateTimeOffset time, CancellationToken cancel = default) =>
        driver.ReadCodeAsync(reader, pin, name, time, cancel);
}
