namespace SecurityKeys.Cards.PcSc;

/// <summary>One reader's state as asked and told by SCardGetStatusChange.</summary>
internal struct ReaderState
{
    public string Reader;
    public uint Current;
    public uint Event;
    public byte[] Atr;
}

/// <summary>
/// The PC/SC calls used here (PC/SC part 5; winscard.h), over the three shapes the interface has: on Linux a DWORD is
/// as long as a pointer, on Windows and macOS it has 32 bits, and on macOS handles have 32 bits too.
/// </summary>
internal abstract class PcscNative
{
    public static PcscNative Current { get; } =
        OperatingSystem.IsWindows() ? new PcscWindows()
        : OperatingSystem.IsMacOS() ? new PcscApple()
        : new PcscLinux();

    public abstract uint EstablishContext(out nint context);

    public abstract uint ReleaseContext(nint context);

    public abstract uint Cancel(nint context);

    /// <summary>Reader names, each ended by a zero, the list by another.</summary>
    public abstract uint ListReaders(nint context, byte[]? names, ref uint length);

    public abstract uint Connect(nint context, string reader, out nint card, out uint protocol);

    public abstract uint Reconnect(nint card, out uint protocol);

    public abstract uint Disconnect(nint card, uint disposition);

    public abstract uint BeginTransaction(nint card);

    public abstract uint EndTransaction(nint card, uint disposition);

    public abstract uint Transmit(nint card, uint protocol, ReadOnlySpan<byte> command, byte[] answer, ref uint length);

    public abstract uint GetStatusChange(nint context, uint milliseconds, ReaderState[] states);
}

/// <summary>Values of winscard.h, the same everywhere.</summary>
internal static class Pcsc
{
    public const uint Ok = 0;
    public const uint ScopeSystem = 2;
    public const uint ShareShared = 2;
    public const uint ProtocolAny = 1 | 2;
    public const uint LeaveCard = 0;
    public const uint ResetCard = 1;
    public const uint Cancelled = 0x80100002;
    public const uint Timeout = 0x8010000A;
    public const uint SharingViolation = 0x8010000B;
    public const uint NoSmartCard = 0x8010000C;
    public const uint UnknownReader = 0x80100009;
    public const uint ReaderUnavailable = 0x80100017;
    public const uint NoService = 0x8010001D;
    public const uint ServiceStopped = 0x8010001E;
    public const uint NoReaders = 0x8010002E;
    public const uint ResetCardWarning = 0x80100068;
    public const uint RemovedCardWarning = 0x80100069;
    public const uint StateChanged = 0x0002;
    public const uint StateUnknown = 0x0004;
    public const uint StateUnavailable = 0x0008;
    public const uint StatePresent = 0x0020;
    public const uint StateMute = 0x0200;

    /// <summary>The name under which readers coming and going are reported.</summary>
    public const string ReadersChanging = @"\\?PnP?\Notification";
}
