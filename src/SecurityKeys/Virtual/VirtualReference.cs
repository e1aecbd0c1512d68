using System.Security.Cryptography;
using SecurityKeys.Cards;
using SecurityKeys.Piv;

namespace SecurityKeys.Virtual;

/// <summary>A PIN or PUK in the virtual key, padded as sent, with its tries.</summary>
internal sealed class VirtualReference(byte[] factory)
{
    private byte[] value = Padded(factory);

    public int TriesTotal { get; private set; } = 3;

    public int TriesLeft { get; private set; } = 3;

    public bool IsDefault => value.AsSpan().SequenceEqual(Padded(factory));

    public byte[] Value => value.AsSpan().TrimEnd((byte)0xFF).ToArray();

    public StatusWord Status => TriesLeft == 0 ? StatusWord.Blocked : StatusWord.Wrong(TriesLeft);

    /// <summary>Compares; a wrong value costs a try, a right one restores them all.</summary>
    public bool Try(ReadOnlySpan<byte> given)
    {
        if (TriesLeft == 0) return false;
        // The try is spent before the comparison: power cut in between must not give one for free.
        TriesLeft--;
        if (!CryptographicOperations.FixedTimeEquals(value, given)) return false;
        TriesLeft = TriesTotal;
        return true;
    }

    public void Set(ReadOnlySpan<byte> padded)
    {
        value = padded.ToArray();
        TriesLeft = TriesTotal;
    }

    public void Restore(int tries)
    {
        value = Padded(factory);
        TriesTotal = TriesLeft = tries;
    }

    public VirtualReference Clone() =>
        new(factory) { value = [.. value], TriesTotal = TriesTotal, TriesLeft = TriesLeft };

    /// <summary>At least six bytes, then padding to the end.</summary>
    public static bool IsWellFormed(ReadOnlySpan<byte> padded)
    {
        var text = padded.TrimEnd((byte)0xFF);
        return padded.Length == PivApplication.PaddedLength && text.Length >= 6 && text.IndexOf((byte)0xFF) < 0;
    }

    private static byte[] Padded(byte[] value)
    {
        var padded = new byte[PivApplication.PaddedLength];
        PivApplication.Pad(value, padded);
        return padded;
    }
}
