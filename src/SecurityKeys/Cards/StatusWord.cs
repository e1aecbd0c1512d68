using System.Globalization;

namespace SecurityKeys.Cards;

/// <summary>The two status bytes a card ends every answer with (ISO 7816-4, 5.6).</summary>
public readonly record struct StatusWord(ushort Value)
{
    /// <summary>9000: done.</summary>
    public static readonly StatusWord Ok = new(0x9000);

    /// <summary>6700: wrong length.</summary>
    public static readonly StatusWord WrongLength = new(0x6700);

    /// <summary>6982: the caller has not proved what this command needs.</summary>
    public static readonly StatusWord SecurityNotSatisfied = new(0x6982);

    /// <summary>6983: no tries left.</summary>
    public static readonly StatusWord Blocked = new(0x6983);

    /// <summary>6984: referenced data unusable; in the OATH applet, no such credential.</summary>
    public static readonly StatusWord DataInvalid = new(0x6984);

    /// <summary>6985: conditions of use not met (a touch missing, a reset not allowed yet).</summary>
    public static readonly StatusWord ConditionsNotSatisfied = new(0x6985);

    /// <summary>6A80: bad data field.</summary>
    public static readonly StatusWord WrongData = new(0x6A80);

    /// <summary>6A81: function not supported.</summary>
    public static readonly StatusWord NotSupported = new(0x6A81);

    /// <summary>6A82: no such application or object.</summary>
    public static readonly StatusWord NotFound = new(0x6A82);

    /// <summary>6A84: no room left.</summary>
    public static readonly StatusWord Full = new(0x6A84);

    /// <summary>6A86: P1 or P2 not allowed.</summary>
    public static readonly StatusWord IncorrectP1P2 = new(0x6A86);

    /// <summary>6A88: no such reference data (key slot, PIN).</summary>
    public static readonly StatusWord ReferenceNotFound = new(0x6A88);

    /// <summary>6B00: P1 or P2 wrong.</summary>
    public static readonly StatusWord WrongP1P2 = new(0x6B00);

    /// <summary>6D00: instruction unknown.</summary>
    public static readonly StatusWord UnknownInstruction = new(0x6D00);

    /// <summary>6E00: class unknown.</summary>
    public static readonly StatusWord UnknownClass = new(0x6E00);

    /// <summary>The first status byte.</summary>
    public byte Sw1 => (byte)(Value >> 8);

    /// <summary>The second status byte.</summary>
    public byte Sw2 => (byte)Value;

    /// <summary>61xx: done, more data is waiting (ISO 7816-4, 5.6).</summary>
    public bool HasMoreData => Sw1 == 0x61;

    /// <summary>
    /// 63Cx or 6983: how often a PIN or PUK may still be tried; null when the status says nothing of tries.
    /// </summary>
    public int? TriesLeft => this == Blocked ? 0 : (Value & 0xFFF0) == 0x63C0 ? Value & 0x0F : null;

    /// <summary>63Cx: wrong, <paramref name="left"/> tries left.</summary>
    public static StatusWord Wrong(int left) => new((ushort)(0x63C0 | Math.Clamp(left, 0, 15)));

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("X4", CultureInfo.InvariantCulture);
}
