using System.Security.Cryptography;

namespace SecurityKeys.Cards;

/// <summary>
/// Builds tag-length-value data in a buffer of its own that is zeroed when disposed: values may be secrets.
/// </summary>
public sealed class TlvWriter : IDisposable
{
    private byte[] buffer = new byte[128];
    private int length;

    /// <summary>What was written so far; valid until the next write or <see cref="Dispose"/>.</summary>
    public ReadOnlyMemory<byte> Written => buffer.AsMemory(0, length);

    /// <summary>Adds one element with its shortest length form.</summary>
    public TlvWriter Add(int tag, ReadOnlySpan<byte> value)
    {
        if (tag > 0xFF) Byte((byte)(tag >> 8));
        Byte((byte)tag);
        if (value.Length > 0xFF)
        {
            Byte(0x82);
            Byte((byte)(value.Length >> 8));
        }
        else if (value.Length > 0x7F)
        {
            Byte(0x81);
        }
        Byte((byte)value.Length);
        return Raw(value);
    }

    /// <summary>Adds bytes as they are.</summary>
    public TlvWriter Raw(params ReadOnlySpan<byte> bytes)
    {
        Room(bytes.Length);
        bytes.CopyTo(buffer.AsSpan(length));
        length += bytes.Length;
        return this;
    }

    /// <summary>A copy of what was written; the caller zeroes it when it holds a secret.</summary>
    public byte[] ToArray() => Written.ToArray();

    /// <summary>Zeroes the buffer.</summary>
    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(buffer);
        length = 0;
    }

    private void Byte(byte value)
    {
        Room(1);
        buffer[length++] = value;
    }

    private void Room(int more)
    {
        if (length + more <= buffer.Length) return;

        var larger = new byte[Math.Max(buffer.Length * 2, length + more)];
        Written.Span.CopyTo(larger);
        CryptographicOperations.ZeroMemory(buffer);
        buffer = larger;
    }
}
