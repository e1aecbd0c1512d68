using System.Runtime.InteropServices;

namespace SecurityKeys.Cards.PcSc;

/// <summary>winscard: DWORD has 32 bits, handles are as long as pointers. Not run here.</summary>
internal sealed unsafe partial class PcscWindows : PcscNative
{
    private const string Library = "winscard.dll";

    public override uint EstablishContext(out nint context)
    {
        var rc = (uint)SCardEstablishContext(Pcsc.ScopeSystem, 0, 0, out var handle);
        context = handle;
        return rc;
    }

    public override uint ReleaseContext(nint context) => (uint)SCardReleaseContext(context);

    public override uint Cancel(nint context) => (uint)SCardCancel(context);

    public override uint ListReaders(nint context, byte[]? names, ref uint length)
    {
        // This one counts in characters; the caller counts in bytes.
        var characters = names is null ? 0 : length / 2;
        uint rc;
        fixed (byte* first = names) rc = (uint)SCardListReaders(context, null, (char*)first, ref characters);
        length = characters * 2;
        return rc;
    }

    public override uint Connect(nint context, string reader, out nint card, out uint protocol)
    {
        var rc = (uint)SCardConnect(
            context, reader, Pcsc.ShareShared, Pcsc.ProtocolAny, out var handle, out var active);
        card = handle;
        protocol = active;
        return rc;
    }

    public override uint Reconnect(nint card, out uint protocol)
    {
        var rc = (uint)SCardReconnect(
            card, Pcsc.ShareShared, Pcsc.ProtocolAny, Pcsc.LeaveCard, out var active);
        protocol = active;
        return rc;
    }

    public override uint Disconnect(nint card, uint disposition) => (uint)SCardDisconnect(card, disposition);

    public override uint BeginTransaction(nint card) => (uint)SCardBeginTransaction(card);

    public override uint EndTransaction(nint card, uint disposition) =>
        (uint)SCardEndTransaction(card, disposition);

    public override uint Transmit(
        nint card, uint protocol, ReadOnlySpan<byte> command, byte[] answer, ref uint length)
    {
        var request = new IoRequest { Protocol = protocol, Length = (uint)sizeof(IoRequest) };
        uint size = length;
        uint rc;
        fixed (byte* sent = command)
        fixed (byte* received = answer)
        {
            rc = (uint)SCardTransmit(
                card, &request, sent, (uint)command.Length, null, received, ref size);
        }
        length = size;
        return rc;
    }

    public override uint GetStatusChange(nint context, uint milliseconds, ReaderState[] states)
    {
        var native = new NativeState[states.Length];
        try
        {
            for (var i = 0; i < states.Length; i++)
            {
                native[i].Reader = Marshal.StringToHGlobalUni(states[i].Reader);
                native[i].Current = states[i].Current;
            }
            uint rc;
            fixed (NativeState* first = native)
                rc = (uint)SCardGetStatusChange(context, milliseconds, first, (uint)native.Length);
            for (var i = 0; i < states.Length; i++)
            {
                states[i].Event = native[i].Event;
                var length = Math.Min((int)native[i].AtrLength, AtrBytesMax);
                fixed (byte* atr = native[i].Atr) states[i].Atr = new ReadOnlySpan<byte>(atr, length).ToArray();
            }
            return rc;
        }
        finally
        {
            foreach (var state in native) Marshal.FreeHGlobal(state.Reader);
        }
    }

    private const int AtrBytesMax = 33;

    // Aligned; the ATR has 36 bytes (winscard.h).
    [StructLayout(LayoutKind.Sequential)]
    private struct NativeState
    {
        public nint Reader;
        public nint UserData;
        public uint Current;
        public uint Event;
        public uint AtrLength;
        public fixed byte Atr[36];
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct IoRequest
    {
        public uint Protocol;
        public uint Length;
    }

    [LibraryImport(Library)]
    private static partial int SCardEstablishContext(uint scope, nint reserved1, nint reserved2, out nint context);

    [LibraryImport(Library)]
    private static partial int SCardReleaseContext(nint context);

    [LibraryImport(Library)]
    private static partial int SCardCancel(nint context);

    [LibraryImport(Library, EntryPoint = "SCardListReadersW", StringMarshalling = StringMarshalling.Utf16)]
    private static partial int SCardListReaders(nint context, string? groups, char* readers, ref uint length);

    [LibraryImport(Library, EntryPoint = "SCardConnectW", StringMarshalling = StringMarshalling.Utf16)]
    private static partial int SCardConnect(
        nint context, string reader, uint share, uint protocols, out nint card, out uint protocol);

    [LibraryImport(Library)]
    private static partial int SCardReconnect(
        nint card, uint share, uint protocols, uint disposition, out uint protocol);

    [LibraryImport(Library)]
    private static partial int SCardDisconnect(nint card, uint disposition);

    [LibraryImport(Library)]
    private static partial int SCardBeginTransaction(nint card);

    [LibraryImport(Library)]
    private static partial int SCardEndTransaction(nint card, uint disposition);

    [LibraryImport(Library)]
    private static partial int SCardTransmit(
        nint card, IoRequest* request, byte* command, uint commandLength, IoRequest* answered, byte* answer,
        ref uint answerLength);

    [LibraryImport(Library, EntryPoint = "SCardGetStatusChangeW")]
    private static partial int SCardGetStatusChange(nint context, uint timeout, NativeState* states, uint count);
}
