using System.Text;

namespace SecurityKeys.Cards.PcSc;

/// <summary>A key (or nothing) in a reader.</summary>
public sealed record ReaderStatus(string Reader, bool HasCard, ReadOnlyMemory<byte> AnswerToReset);

/// <summary>The system's smart-card service: lists readers and opens keys.</summary>
public sealed class PcscContext : IDisposable
{
    private static readonly PcscNative Native = PcscNative.Current;
    private readonly nint handle;
    private bool isOpen;

    /// <summary>Opens the service; a plain <see cref="SmartCardException"/> says so when it does not run.</summary>
    public PcscContext()
    {
        try
        {
            PcscFault.Check(Native.EstablishContext(out handle), "");
            isOpen = true;
        }
        catch (DllNotFoundException e)
        {
            throw new SmartCardException("The smart-card library is not installed (on Debian: libpcsclite1).", e);
        }
    }

    /// <summary>The readers' names, as the system lists them.</summary>
    public IReadOnlyList<string> ListReaders()
    {
        uint length = 0;
        var rc = Native.ListReaders(handle, null, ref length);
        if (rc == Pcsc.NoReaders || (rc == Pcsc.Ok && length == 0)) return [];
        PcscFault.Check(rc, "");
        var names = new byte[length];
        rc = Native.ListReaders(handle, names, ref length);
        if (rc == Pcsc.NoReaders) return [];
        PcscFault.Check(rc, "");
        var text = (OperatingSystem.IsWindows() ? Encoding.Unicode : Encoding.UTF8).GetString(names, 0, (int)length);
        return text.Split('\0', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>Every reader with what is in it, without touching a card.</summary>
    public IReadOnlyList<ReaderStatus> ListStatuses()
    {
        var states = ListReaders().Select(r => new ReaderState { Reader = r, Atr = [] }).ToArray();
        if (states.Length == 0) return [];
        PcscFault.Check(Native.GetStatusChange(handle, 0, states), "");
        return [.. states.Select(Status)];
    }

    /// <summary>
    /// Opens the key in a reader, shared with other programs; use a transaction around what belongs together.
    /// </summary>
    public PcscConnection Connect(string reader)
    {
        PcscFault.Check(Native.Connect(handle, reader, out var card, out var protocol), reader);
        var atr = ListStatuses().FirstOrDefault(s => s.Reader == reader)?.AnswerToReset ?? default;
        return new PcscConnection(card, protocol, reader, atr);
    }

    internal uint WaitForChange(uint milliseconds, ReaderState[] states) =>
        Native.GetStatusChange(handle, milliseconds, states);

    internal void Cancel() => _ = Native.Cancel(handle);

    internal static ReaderStatus Status(ReaderState state)
    {
        var present = (state.Event & Pcsc.StatePresent) != 0 && (state.Event & Pcsc.StateMute) == 0;
        return new ReaderStatus(state.Reader, present, present ? state.Atr : default(ReadOnlyMemory<byte>));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!isOpen) return;
        isOpen = false;
        _ = Native.ReleaseContext(handle);
    }
}
