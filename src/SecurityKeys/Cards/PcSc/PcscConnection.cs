using System.Security.Cryptography;

namespace SecurityKeys.Cards.PcSc;

/// <summary>A key in a reader, over PC/SC.</summary>
public sealed class PcscConnection : ISmartCardConnection
{
    private static readonly PcscNative Native = PcscNative.Current;

    // The longest answer of an extended command, and its status.
    private readonly byte[] answer = new byte[AppletChannel.AnswerBytesMax + 2];
    private readonly nint card;
    private uint protocol;
    private bool isOpen = true;

    internal PcscConnection(nint card, uint protocol, string reader, ReadOnlyMemory<byte> atr) =>
        (this.card, this.protocol, ReaderName, AnswerToReset) = (card, protocol, reader, atr);

    /// <inheritdoc/>
    public string ReaderName { get; }

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> AnswerToReset { get; }

    /// <inheritdoc/>
    public byte[] Transmit(ReadOnlySpan<byte> command)
    {
        ObjectDisposedException.ThrowIf(!isOpen, this);
        var length = (uint)answer.Length;
        PcscFault.Check(Native.Transmit(card, protocol, command, answer, ref length), ReaderName);
        var received = answer.AsSpan(0, (int)Math.Min(length, (uint)answer.Length));
        var copy = received.ToArray();
        CryptographicOperations.ZeroMemory(received);
        return copy;
    }

    /// <summary>
    /// After <see cref="CardResetException"/>: takes the card up again. It may be another key now, so read its
    /// identity and select before going on.
    /// </summary>
    public void Reconnect() => PcscFault.Check(Native.Reconnect(card, out protocol), ReaderName);

    /// <inheritdoc/>
    public IDisposable BeginTransaction()
    {
        PcscFault.Check(Native.BeginTransaction(card), ReaderName);
        return new Transaction(this);
    }

    /// <summary>Closes the line and resets the card, so that no proof stays behind for the next program.</summary>
    public void Dispose()
    {
        if (!isOpen) return;
        isOpen = false;
        _ = Native.Disconnect(card, Pcsc.ResetCard);
    }

    private sealed class Transaction(PcscConnection connection) : IDisposable
    {
        public void Dispose()
        {
            // A card that is gone has no transaction to end.
            if (connection.isOpen) _ = Native.EndTransaction(connection.card, Pcsc.LeaveCard);
        }
    }
}

internal static class PcscFault
{
    public static void Check(uint rc, string reader)
    {
        if (rc == Pcsc.Ok) return;
        throw rc switch
        {
            Pcsc.RemovedCardWarning or Pcsc.NoSmartCard or Pcsc.ReaderUnavailable or Pcsc.UnknownReader =>
                new CardRemovedException(reader),
            Pcsc.ResetCardWarning => new CardResetException(reader),
            Pcsc.NoService or Pcsc.ServiceStopped =>
                new SmartCardException("The smart-card service does not run. Start pcscd (on Windows: SCardSvr)."),
            Pcsc.SharingViolation => new SmartCardException(
                $"Another program holds the key in \"{reader}\" for itself. Close it and try again."),
            _ => new SmartCardException($"The smart-card service reports error {rc:X8}."),
        };
    }
}
