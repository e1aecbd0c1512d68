using System.Runtime.InteropServices;

namespace SecurityKeys.Cards.PcSc;

/// <summary>PCSC.framework: everything has 32 bits, structures are packed. Not run here.</summary>
internal sealed unsafe partial class PcscApple : PcscNative
{
    private const string Library = "/System/Library/Frameworks/PCSC.framework/PCSC";

    public override uint EstablishContext(out nint context)
    {
        var rc = (uint)SCardEstablishContext(Pcsc.ScopeSystem, 0, 0, out var handle);
        context = handle;
        return rc;
    }

    public override uint ReleaseContext(nint context) => (uint)SCardReleaseContext((int)context);

    public override uint Cancel(nint context) => (uint)SCardCancel((int)context);

    public override uint ListReaders(nint context, byte[]? names, ref uint length)
    {
        uint size = length;
        uint rc;
        fixed (byte* first = names) rc = (uint)SCardListReaders((int)context, null, first, ref size);
        length = (uint)size;
        return rc;
    }

    public override uint Connect(nint context, string reader, out nint card, out uint protocol)
    {
        var rc = (uint)SCardConnect(
            (int)context, reader, Pcsc.ShareShared, Pcsc.ProtocolAny, out var handle, out var active);
        card = handle;
        protocol = active;
        return rc;
    }

    public override uint Reconnect(nint card, out uint protocol)
    {
        var rc = (uint)SCardReconnect(
            (int)card, Pcsc.ShareShared, Pcsc.ProtocolAny, Pcsc.LeaveCard, out var active);
        protocol = active;
        return rc;
    }

    public override uint Disconnect(nint card, uint disposition) => (uint)SCardDisconnect((int)card, disposition);

    public override uint BeginTransaction(nint card) => (uint)SCardBeginTransaction((int)card);

    public override uint EndTransaction(nint card, uint disposition) =>
        (uint)SCardEndTransaction((int)card, disposition);

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
                (int)card, &request, sent, (uint)command.Length, null, received, ref size);
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
                native[i].Reader = Marshal.StringToCoTaskMemUTF8(states[i].Reader);
                native[i].Current = states[i].Current;
            }
            uint rc;
            fixed (NativeState* first = native)
                rc = (uint)SCardGetStatusChange((int)context, milliseconds, first, (uint)native.Length);
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
            foreach (var state in native) Marshal.FreeCoTaskMem(state.Reader);
        }
    }

    private const int AtrBytesMax = 33;

    // 61 bytes, packed (PCSC/wintypes.h, pragma pack 1).
    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private struct NativeState
    {
        public nint Reader;
        public nint UserData;
        public uint Current;
        public uint Event;
        public uint AtrLength;
        public fixed byte Atr[33];
    }

    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private struct IoRequest
    {
        public uint Protocol;
        public uint Length;
    }

    [LibraryImport(Library)]
    private static partial int SCardEstablishContext(uint scope, nint reserved1, nint reserved2, out int context);

    [LibraryImport(Library)]
    private static partial int SCardReleaseContext(int context);

    [LibraryImport(Library)]
    private static partial int SCardCancel(int context);

    [LibraryImport(Library, EntryPoint = "SCardListReaders", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SCardListReaders(int context, string? groups, byte* readers, ref uint length);

    [LibraryImport(Library, EntryPoint = "SCardConnect", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SCardConnect(
        int context, string reader, uint share, uint protocols, out int card, out uint protocol);

    [LibraryImport(Library)]
    private static partial int SCardReconnect(
        int card, uint share, uint protocols, uint disposition, out uint protocol);

    [LibraryImport(Library)]
    private static partial int SCardDisconnect(int card, uint disposition);

    [LibraryImport(Library)]
    private static partial int SCardBeginTransaction(int card);

    [LibraryImport(Library)]
    private static partial int SCardEndTransaction(int card, uint disposition);

    [LibraryImport(Library)]
    private static partial int SCardTransmit(
        int card, IoRequest* request, byte* command, uint commandLength, IoRequest* answered, byte* answer,
        ref uint answerLength);

    [LibraryImport(Library, EntryPoint = "SCardGetStatusChange")]
    private static partial int SCardGetStatusChange(int context, uint timeout, NativeState* states, uint count);
}
