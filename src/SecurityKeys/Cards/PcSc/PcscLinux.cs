using System.Runtime.InteropServices;

namespace SecurityKeys.Cards.PcSc;

/// <summary>libpcsclite: DWORD and LONG are C's long, 64 bits on 64-bit systems.</summary>
internal sealed unsafe partial class PcscLinux : PcscNative
{
    private const string Library = "libpcsclite.so.1";

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
        nuint size = length;
        uint rc;
        fixed (byte* first = names) rc = (uint)SCardListReaders(context, null, first, ref size);
        length = (uint)size;
        return rc;
    }

    public override uint Connect(nint context, string reader, out nint card, out uint protocol)
    {
        var rc = (uint)SCardConnect(
            context, reader, Pcsc.ShareShared, Pcsc.ProtocolAny, out var handle, out var active);
        card = handle;
        protocol = (uint)active;
        return rc;
    }

    public override uint Reconnect(nint card, out uint protocol)
    {
        var rc = (uint)SCardReconnect(
            card, Pcsc.ShareShared, Pcsc.ProtocolAny, Pcsc.LeaveCard, out var active);
        protocol = (uint)active;
        return rc;
    }

    public override uint Disconnect(nint card, uint disposition) => (uint)SCardDisconnect(card, disposition);

    public override uint BeginTransaction(nint card) => (uint)SCardBeginTransaction(card);

    public override uint EndTransaction(nint card, uint disposition) =>
        (uint)SCardEndTransaction(card, disposition);

    public override uint Transmit(
        nint card, uint protocol, ReadOnlySpan<byte> command, byte[] answer, ref uint length)
    {
        var request = new IoRequest { Protocol = protocol, Length = (nuint)sizeof(IoRequest) };
        nuint size = length;
        uint rc;
        fixed (byte* sent = command)
        fixed (byte* received = answer)
        {
            rc = (uint)SCardTransmit(
                card, &request, sent, (nuint)command.Length, null, received, ref size);
        }
        length = (uint)size;
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
                rc = (uint)SCardGetStatusChange(context, milliseconds, first, (nuint)native.Length);
            for (var i = 0; i < states.Length; i++)
            {
                states[i].Event = (uint)native[i].Event;
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

    // 80 bytes on a 64-bit system.
    [StructLayout(LayoutKind.Sequential)]
    private struct NativeState
    {
        public nint Reader;
        public nint UserData;
        public nuint Current;
        public nuint Event;
        public nuint AtrLength;
        public fixed byte Atr[33];
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct IoRequest
    {
        public nuint Protocol;
        public nuint Length;
    }

    [LibraryImport(Library)]
    private static partial nint SCardEstablishContext(nuint scope, nint reserved1, nint reserved2, out nint context);

    [LibraryImport(Library)]
    private static partial nint SCardReleaseContext(nint context);

    [LibraryImport(Library)]
    private static partial nint SCardCancel(nint context);

    [LibraryImport(Library, EntryPoint = "SCardListReaders", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint SCardListReaders(nint context, string? groups, byte* readers, ref nuint length);

    [LibraryImport(Library, EntryPoint = "SCardConnect", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint SCardConnect(
        nint context, string reader, nuint share, nuint protocols, out nint card, out nuint protocol);

    [LibraryImport(Library)]
    private static partial nint SCardReconnect(
        nint card, nuint share, nuint protocols, nuint disposition, out nuint protocol);

    [LibraryImport(Library)]
    private static partial nint SCardDisconnect(nint card, nuint disposition);

    [LibraryImport(Library)]
    private static partial nint SCardBeginTransaction(nint card);

    [LibraryImport(Library)]
    private static partial nint SCardEndTransaction(nint card, nuint disposition);

    [LibraryImport(Library)]
    private static partial nint SCardTransmit(
        nint card, IoRequest* request, byte* command, nuint commandLength, IoRequest* answered, byte* answer,
        ref nuint answerLength);

    [LibraryImport(Library, EntryPoint = "SCardGetStatusChange")]
    private static partial nint SCardGetStatusChange(nint context, nuint timeout, NativeState* states, nuint count);
}
