using System.Buffers;

namespace SecurityKeys;

/// <summary>What a PIN or PUK may look like: its length in bytes and the characters it is drawn from.</summary>
public sealed record SecretRule(int LengthMin, int LengthMax, string Alphabet)
{
    /// <summary>Decimal digits.</summary>
    public const string Digits = "0123456789";

    /// <summary>The value keys of this make leave the factory with; null when they have none, or it is not known.</summary>
    public string? Factory { get; init; }

    private readonly SearchValues<byte> allowed = SearchValues.Create(System.Text.Encoding.ASCII.GetBytes(Alphabet));

    /// <summary>Whether a value obeys.</summary>
    public bool Allows(ReadOnlySpan<byte> value) =>
        value.Length >= LengthMin && value.Length <= LengthMax && value.IndexOfAnyExcept(allowed) < 0;
}

/// <summary>How a make of key is driven, and what its PIN and PUK may look like.</summary>
/// <param name="Name">The profile's name.</param>
/// <param name="Pin">Rule for PINs.</param>
/// <param name="Puk">Rule for PUKs.</param>
/// <param name="HasYubicoExtensions">GET METADATA, SET PIN RETRIES, the OATH and management applications.</param>
/// <param name="IsExternal">Driven by an external program, not by APDUs.</param>
public sealed record KeyProfile(
    string Name, SecretRule Pin, SecretRule Puk, bool HasYubicoExtensions, bool IsExternal)
{
    /// <summary>A YubiKey: PIN and PUK of 6 to 8 bytes; digits, because the standard allows no more.</summary>
    public static KeyProfile YubiKey { get; } = new("yubikey",
        new SecretRule(6, 8, SecretRule.Digits) { Factory = "123456" },
        new SecretRule(6, 8, SecretRule.Digits) { Factory = "12345678" },
        HasYubicoExtensions: true, IsExternal: false);

    /// <summary>
    /// Any SP 800-73 card: PIN of 6 to 8 digits (part 2, 2.4.3), PUK of 8 bytes. The standard names no factory values;
    /// these are the usual ones.
    /// </summary>
    public static KeyProfile Piv { get; } = new("piv",
        new SecretRule(6, 8, SecretRule.Digits) { Factory = "123456" },
        new SecretRule(8, 8, SecretRule.Digits) { Factory = "12345678" },
        HasYubicoExtensions: false, IsExternal: false);

    /// <summary>
    /// A key driven by an external program whose PUK has 16 digits, unless the program says otherwise.
    /// </summary>
    public static KeyProfile External { get; } = new("external",
        new SecretRule(4, 16, SecretRule.Digits), new SecretRule(16, 16, SecretRule.Digits),
        HasYubicoExtensions: false, IsExternal: true);
}
