using System.Buffers.Binary;

namespace SecurityKeys.Cards;

/// <summary>
/// One command as ISO 7816-4, 5.1 writes it. <paramref name="Le"/> is the number of bytes asked for (0 means as
/// many as there are); null leaves the field out.
/// </summary>
public readonly record struct CommandApdu(
    byte Cla, byte Ins, byte P1, byte P2, ReadOnlyMemory<byte> Data = default, int? Le = null)
{
    /// <summary>The most data a short command carries; more is chained or sent with extended length.</summary>
    public const int ShortDataMax = 255;

    /// <summary>The most data an extended command carries.</summary>
    public const int ExtendedDataMax = 65535;

    /// <summary>The bytes of the short form. The caller zeroes them when the data was a secret.</summary>
    public byte[] Encode()
    {
        if (Data.Length > ShortDataMax) throw new InvalidOperationException("Too long for a short command: chain it.");

        // A bare header and a zero is at once "no data" (as yubikit writes it) and "as much as you have" (Le 00).
        var hasLe = Le is not null || Data.IsEmpty;
        var bytes = new byte[4 + (Data.IsEmpty ? 0 : 1 + Data.Length) + (hasLe ? 1 : 0)];
        WriteHeader(bytes);
        if (!Data.IsEmpty)
        {
            bytes[4] = (byte)Data.Length;
            Data.Span.CopyTo(bytes.AsSpan(5));
        }
        if (hasLe) bytes[^1] = (byte)(Le ?? 0);
        return bytes;
    }

    /// <summary>The bytes of the extended form (three-byte length fields).</summary>
    public byte[] EncodeExtended()
    {
        if (Data.Length > ExtendedDataMax) throw new InvalidOperationException("Longer than any command can be.");

        var hasLe = Le is not null || Data.IsEmpty;
        var leBytes = !hasLe ? 0 : Data.IsEmpty ? 3 : 2;
        var bytes = new byte[4 + (Data.IsEmpty ? 0 : 3 + Data.Length) + leBytes];
        WriteHeader(bytes);
        if (!Data.IsEmpty)
        {
            BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(5), (ushort)Data.Length);
            Data.Span.CopyTo(bytes.AsSpan(7));
        }
        if (hasLe) BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(bytes.Length - 2), (ushort)(Le ?? 0));
        return bytes;
    }

    /// <summary>Reads any of the seven forms of ISO 7816-4, 5.1; false when the lengths do not add up.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out CommandApdu command)
    {
        command = default;
        if (bytes.Length < 4) return false;

        var body = bytes[4..];
        ReadOnlySpan<byte> data = default;
        int? le = null;
        if (body.Length == 1)
        {
            le = body[0];
        }
        else if (body.Length > 1 && body[0] != 0)
        {
            int length = body[0];
            if (body.Length != 1 + length && body.Length != 2 + length) return false;
            data = body.Slice(1, length);
            if (body.Length == 2 + length) le = body[^1];
        }
        else if (body.Length == 2)
        {
            // Not a form of the standard; nothing is sent this way.
            return false;
        }
        else if (body.Length == 3)
        {
            le = BinaryPrimitives.ReadUInt16BigEndian(body[1..]);
        }
        else if (body.Length > 3)
        {
            int length = BinaryPrimitives.ReadUInt16BigEndian(body[1..]);
            if (body.Length != 3 + length && body.Length != 5 + length) return false;
            data = body.Slice(3, length);
            if (body.Length == 5 + length) le = BinaryPrimitives.ReadUInt16BigEndian(body[^2..]);
        }
        command = new CommandApdu(bytes[0], bytes[1], bytes[2], bytes[3], data.ToArray(), le);
        return true;
    }

    /// <summary>Header and length only: the data may be a PIN.</summary>
    public override string ToString() => $"{Cla:X2} {Ins:X2} {P1:X2} {P2:X2} ({Data.Length} bytes)";

    private void WriteHeader(Span<byte> bytes)
    {
        bytes[0] = Cla;
        bytes[1] = Ins;
        bytes[2] = P1;
        bytes[3] = P2;
    }
}
