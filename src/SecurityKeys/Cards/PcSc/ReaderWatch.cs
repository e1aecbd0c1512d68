using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace SecurityKeys.Cards.PcSc;

/// <summary>What happened at the readers.</summary>
public enum ReaderChange
{
    /// <summary>A reader was attached.</summary>
    ReaderArrived,

    /// <summary>A reader is gone.</summary>
    ReaderLeft,

    /// <summary>A key was inserted.</summary>
    KeyInserted,

    /// <summary>A key was pulled.</summary>
    KeyRemoved,
}

/// <summary>One change at one reader.</summary>
public sealed record ReaderEvent(ReaderChange Change, string Reader, ReadOnlyMemory<byte> AnswerToReset);

/// <summary>Readers and keys arriving and leaving, as they do; what is already there comes first.</summary>
public static class ReaderWatch
{
    private const uint WaitMilliseconds = 2000; // only how long a notification lost by the driver can go unseen

    /// <summary>Watches until cancelled.</summary>
    public static async IAsyncEnumerable<ReaderEvent> WatchAsync(
        [EnumeratorCancellation] CancellationToken cancel = default)
    {
        var events = Channel.CreateUnbounded<ReaderEvent>(new() { SingleReader = true, SingleWriter = true });
        using var context = new PcscContext();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        // The call blocks in native code: a thread of its own, woken by SCardCancel.
        var watching = Task.Factory.StartNew(() => Watch(context, events.Writer, stop.Token),
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            await foreach (var change in events.Reader.ReadAllAsync(cancel).ConfigureAwait(false)) yield return change;
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            while (!watching.IsCompleted)
            {
                context.Cancel();
                await Task.WhenAny(watching, Task.Delay(20, CancellationToken.None)).ConfigureAwait(false);
            }
        }
    }

    private static void Watch(PcscContext context, ChannelWriter<ReaderEvent> events, CancellationToken stop)
    {
        try
        {
            var known = new Dictionary<string, ReaderState>(StringComparer.Ordinal);
            var plugged = new ReaderState { Reader = Pcsc.ReadersChanging, Atr = [] };
            while (!stop.IsCancellationRequested)
            {
                Compare(known, context.ListReaders(), events);
                ReaderState[] states = [plugged, .. known.Values];
                var rc = context.WaitForChange(WaitMilliseconds, states);
                if (rc is Pcsc.Timeout or Pcsc.Cancelled or Pcsc.UnknownReader or Pcsc.ReaderUnavailable) continue;
                PcscFault.Check(rc, "");
                plugged.Current = states[0].Event & ~Pcsc.StateChanged;
                foreach (var state in states.AsSpan(1)) known[state.Reader] = Take(known[state.Reader], state, events);
            }
            events.TryComplete();
        }
        catch (SmartCardException e)
        {
            events.TryComplete(e);
        }
    }

    private static void Compare(
        Dictionary<string, ReaderState> known, IReadOnlyList<string> present, ChannelWriter<ReaderEvent> events)
    {
        foreach (var gone in known.Keys.Except(present).ToList())
        {
            if ((known[gone].Current & Pcsc.StatePresent) != 0)
                events.TryWrite(new ReaderEvent(ReaderChange.KeyRemoved, gone, default));
            known.Remove(gone);
            events.TryWrite(new ReaderEvent(ReaderChange.ReaderLeft, gone, default));
        }
        foreach (var reader in present.Where(r => !known.ContainsKey(r)))
        {
            known[reader] = new ReaderState { Reader = reader, Atr = [] };
            events.TryWrite(new ReaderEvent(ReaderChange.ReaderArrived, reader, default));
        }
    }

    private static ReaderState Take(ReaderState before, ReaderState now, ChannelWriter<ReaderEvent> events)
    {
        var status = PcscContext.Status(now);
        var was = (before.Current & Pcsc.StatePresent) != 0;
        // The upper half counts insertions: a key swapped faster than we looked is told as two events.
        var swapped = was && status.HasCard && before.Current >> 16 != now.Event >> 16;
        if (was && (!status.HasCard || swapped))
            events.TryWrite(new ReaderEvent(ReaderChange.KeyRemoved, now.Reader, default));
        if (status.HasCard && (!was || swapped))
            events.TryWrite(new ReaderEvent(ReaderChange.KeyInserted, now.Reader, status.AnswerToReset));
        now.Current = now.Event & ~Pcsc.StateChanged;
        return now;
    }
}
