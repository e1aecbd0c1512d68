using System.Diagnostics.CodeAnalysis;

namespace SecurityKeys.Cards;

/// <summary>Where a key's identity was read from.</summary>
public enum CuidSource
{
    /// <summary>Not known (typed in, or read from a record that does not say).</summary>
    Unstated,

    /// <summary>The device's own serial number (YubiKey).</summary>
    DeviceSerial,

    /// <summary>
    /// Chip fabricator, type, batch and serial of the card production life cycle data (GlobalPlatform).
    /// </summary>
    Cplc,

    /// <summary>The GUID of the PIV card holder unique identifier (SP 800-73-4 part 1, 3.1.2).</summary>
    ChuidGuid,

    /// <summary>The card identifier of the PIV card capability container (SP 800-73-4 part 1, 3.1.1).</summary>
    CccCardId,

    /// <summary>An external driver said so.</summary>
    External,
}

/// <summary>
/// A key's card unique identifier: 2 to 32 bytes as upper-case hexadecimal digits, nothing between them. Two are
/// equal when their digits are; how each was read does not matter for that.
/// </summary>
public readonly record struct Cuid
{
    private const int BytesMin = 2;
    private const int BytesMax = 32;

    private readonly string? text;

    private Cuid(string text, CuidSource source) => (this.text, Source) = (text, source);

    /// <summary>The canonical form.</summary>
    public string Text => text ?? "";

    /// <summary>How it was read.</summary>
    public CuidSource Source { get; }

    /// <summary>From the bytes a key gave.</summary>
    public static Cuid FromBytes(ReadOnlySpan<byte> bytes, CuidSource source)
    {
        if (bytes.Length is < BytesMin or > BytesMax)
            throw new ArgumentException($"A CUID has {BytesMin} to {BytesMax} bytes.", nameof(bytes));
        return new Cuid(Convert.ToHexString(bytes), source);
    }

    /// <summary>From a YubiKey's serial number: its four bytes, big-endian.</summary>
    public static Cuid FromSerial(uint serial) =>
        FromBytes([(byte)(serial >> 24), (byte)(serial >> 16), (byte)(serial >> 8), (byte)serial],
            CuidSource.DeviceSerial);

    /// <summary>Reads hexadecimal digits in either case; blanks, colons and hyphens between them are let go.</summary>
    public static bool TryParse([NotNullWhen(true)] string? value, out Cuid cuid) =>
        TryParse(value, CuidSource.Unstated, out cuid);

    /// <summary>As <see cref="TryParse(string?, out Cuid)"/>, with the source a record kept.</summary>
    public static bool TryParse([NotNullWhen(true)] string? value, CuidSource source, out Cuid cuid)
    {
        cuid = default;
        if (value is null || value.Length > BytesMax * 3) return false;

        Span<char> digits = stackalloc char[BytesMax * 3];
        var count = 0;
        foreach (var c in value)
        {
            if (c is ' ' or ':' or '-') continue;
            if (!char.IsAsciiHexDigit(c)) return false;
            digits[count++] = char.ToUpperInvariant(c);
        }
        if (count % 2 != 0 || count / 2 is < BytesMin or > BytesMax) return false;

        cuid = new Cuid(new string(digits[..count]), source);
        return true;
    }

    /// <summary>As <see cref="TryParse(string?, out Cuid)"/>; throws <see cref="FormatException"/>.</summary>
    public static Cuid Parse(string value, CuidSource source = CuidSource.Unstated) =>
        TryParse(value, source, out var cuid)
            ? cuid
            : throw new FormatException($"A CUID is {BytesMin * 2} to {BytesMax * 2} hexadecimal digits.");

    /// <summary>The same digits with another source.</summary>
    public Cuid ReadFrom(CuidSource source) => new(Text, source);

    /// <summary>The identity's bytes.</summary>
    public byte[] ToBytes() => Convert.FromHexString(Text);

    /// <summary>By digits only.</summary>
    public bool Equals(Cuid other) => string.Equals(Text, other.Text, StringComparison.Ordinal);

    /// <inheritdoc/>
    public override int GetHashCode() => string.GetHashCode(Text, StringComparison.Ordinal);

    /// <inheritdoc/>
    public override string ToString() => Text;
}
