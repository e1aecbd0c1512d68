namespace SecurityKeys.Virtual;

/// <summary>What kind of key the virtual one is. The defaults are a YubiKey 5 NFC as it leaves the factory.</summary>
public sealed record VirtualKeyOptions
{
    /// <summary>The serial number.</summary>
    public uint Serial { get; init; } = 12345678;

    /// <summary>
    /// The firmware; below 5.3 the key cannot tell whether its PIN is default, from 5.7 it uses AES-192.
    /// </summary>
    public Version Firmware { get; init; } = new(5, 4, 3);

    /// <summary>
    /// A plain PIV card of another make: no Yubico commands or applications, a CHUID and a CCC from the issuer,
    /// production data under the issuer domain.
    /// </summary>
    public bool IsPlainPivCard { get; init; }

    /// <summary>
    /// Whether a plain PIV card came with CHUID, CCC and production data; without, it offers no identity until a
    /// CHUID is written.
    /// </summary>
    public bool HasIssuerObjects { get; init; } = true;

    /// <summary>Whether somebody touches the key when it asks.</summary>
    public bool IsTouched { get; init; } = true;

    /// <summary>How many OATH credentials fit (32 until firmware 5.6).</summary>
    public int OathCapacity { get; init; } = 32;

    /// <summary>The key's sense of time: a FIDO2 reset works only in the first ten seconds.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>The reader's name.</summary>
    public string ReaderName { get; init; } = "Yubico YubiKey OTP+FIDO+CCID (virtual)";
}
