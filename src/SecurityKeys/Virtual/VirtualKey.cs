using SecurityKeys.Cards;

namespace SecurityKeys.Virtual;

/// <summary>
/// A security key in software with the behaviour of the real applications: wrong tries count, a blocked PIN stays
/// blocked, asking for a code moves the counter. Speaks APDUs only; in process by <see cref="Connect"/>, behind a
/// virtual reader by <see cref="VpcdCard"/>. For tests and demonstrations: its secrets lie in ordinary memory.
/// </summary>
public sealed class VirtualKey
{
    private readonly Lock gate = new();
    private readonly List<IVirtualApplet> applets = [];
    private IVirtualApplet? selected;
    private MemoryStream? chain;
    private ReadOnlyMemory<byte> remaining;
    private StatusWord remainingStatus;
    private int insertion;
    private bool isInserted = true;
    private int? pullBefore;
    private int? pullAfter;

    /// <summary>A factory-fresh key.</summary>
    public VirtualKey(VirtualKeyOptions? options = null)
    {
        Options = options ?? new VirtualKeyOptions();
        Piv = new VirtualPiv(Options);
        applets.Add(Piv);
        if (Options is { IsPlainPivCard: true, HasIssuerObjects: true }) applets.Add(new VirtualIssuerDomain(Options));
        if (!Options.IsPlainPivCard)
        {
            Oath = new VirtualOath(Options);
            applets.Add(Oath);
            applets.Add(new VirtualManagement(Options));
            Slots = new VirtualOtpSlots(Options);
            applets.Add(Slots);
            Fido = new VirtualFido(Options);
            applets.Add(Fido);
        }
    }

    private VirtualKey(VirtualKey other)
    {
        Options = other.Options;
        applets.AddRange(other.applets.Select(a => a.Clone()));
        Piv = applets.OfType<VirtualPiv>().Single();
        Oath = applets.OfType<VirtualOath>().SingleOrDefault();
        Slots = applets.OfType<VirtualOtpSlots>().SingleOrDefault();
        Fido = applets.OfType<VirtualFido>().SingleOrDefault();
    }

    /// <summary>What kind of key this is.</summary>
    public VirtualKeyOptions Options { get; }

    /// <summary>A YubiKey's answer to reset, ending in its name.</summary>
    public ReadOnlyMemory<byte> AnswerToReset { get; } =
        Convert.FromHexString("3BFD1300008131FE158073C021C057597562694B657940");

    /// <summary>APDUs taken since the key was made, the lost ones included.</summary>
    public int ApduCount { get; private set; }

    /// <summary>Whether the key is in its reader.</summary>
    public bool IsInserted
    {
        get
        {
            lock (gate) return isInserted;
        }
    }

    /// <summary>What the key holds, for tests: nobody could see this on a real one.</summary>
    public VirtualKeyContents Peek()
    {
        lock (gate) return new VirtualKeyContents(Piv.Peek(), Oath?.Peek() ?? [], Slots?.Peek() ?? [], Fido?.Peek());
    }

    internal VirtualPiv Piv { get; }

    internal VirtualOath? Oath { get; }

    internal VirtualOtpSlots? Slots { get; }

    internal VirtualFido? Fido { get; }

    /// <summary>
    /// Touches the key: what HOTP slot 1 (a short touch) or 2 (a long one) types; null when it types none.
    /// </summary>
    public string? Touch(int slot)
    {
        lock (gate) return Slots?.Touch(slot);
    }

    /// <summary>
    /// Inserts the key if it was pulled, and opens a line to it. Lines from before the pull stay dead.
    /// </summary>
    public ISmartCardConnection Connect()
    {
        lock (gate)
        {
            isInserted = true;
            return new VirtualConnection(this, insertion);
        }
    }

    /// <summary>Pulls the key: power, selection and everything proved are gone; what is written stays.</summary>
    public void Pull()
    {
        lock (gate) PullNow();
    }

    /// <summary>
    /// Pulls the key before the <paramref name="n"/>-th APDU from now (1 is the next): it never arrives.
    /// </summary>
    public void PullBefore(int n)
    {
        lock (gate) (pullBefore, pullAfter) = (n, null);
    }

    /// <summary>
    /// Pulls the key after the <paramref name="n"/>-th APDU from now: it is carried out, its answer lost.
    /// </summary>
    public void PullAfter(int n)
    {
        lock (gate) (pullBefore, pullAfter) = (null, n);
    }

    /// <summary>A key with the same contents, as it would be after a restart.</summary>
    public VirtualKey Clone()
    {
        lock (gate) return new VirtualKey(this);
    }

    /// <summary>Power off and on again: volatile state is gone.</summary>
    public void PowerCycle()
    {
        lock (gate) PowerOff();
    }

    /// <summary>One APDU in, one answer out, as the chip would; never throws for bad bytes.</summary>
    public byte[] Process(ReadOnlySpan<byte> apdu)
    {
        lock (gate)
        {
            ApduCount++;
            if (!CommandApdu.TryParse(apdu, out var command)) return Status(StatusWord.WrongLength);
            return Answer(command).Encode();
        }
    }

    private byte[] Transmit(int line, ReadOnlySpan<byte> apdu)
    {
        lock (gate)
        {
            if (!isInserted || line != insertion) throw new CardRemovedException(Options.ReaderName);
            if (pullBefore is { } before && (pullBefore = before - 1) == 0) PullNow();
            if (!isInserted) throw new CardRemovedException(Options.ReaderName);

            var answer = Process(apdu);
            if (pullAfter is { } after && (pullAfter = after - 1) == 0) PullNow();
            return isInserted ? answer : throw new CardRemovedException(Options.ReaderName);
        }
    }

    private ResponseApdu Answer(CommandApdu command)
    {
        // ISO 7816-4, 5.1.1.1: bit 5 of the class says that more of this command follows.
        if ((command.Cla & 0x10) != 0)
        {
            chain ??= new MemoryStream();
            if (chain.Length + command.Data.Length > CommandApdu.ExtendedDataMax)
            {
                chain = null;
                return new ResponseApdu(default, StatusWord.WrongLength);
            }
            chain.Write(command.Data.Span);
            return new ResponseApdu(default, StatusWord.Ok);
        }
        if (chain is not null)
        {
            chain.Write(command.Data.Span);
            command = command with { Data = chain.ToArray() };
            chain = null;
        }

        if (command is { Ins: 0xA4, P1: 0x04 }) return Select(command);
        // GET RESPONSE, which the OATH applet calls SEND REMAINING.
        if (command.Ins == (selected is VirtualOath ? 0xA5 : 0xC0)) return Next(command);

        remaining = default;
        if (selected is null) return new ResponseApdu(default, StatusWord.UnknownInstruction);
        return Split(selected.Process(command), command);
    }

    private ResponseApdu Select(CommandApdu command)
    {
        remaining = default;
        foreach (var applet in applets)
        {
            if (!applet.Answers(command.Data.Span)) continue;
            selected = applet;
            return Split(applet.Select(), command);
        }
        return new ResponseApdu(default, StatusWord.NotFound);
    }

    private ResponseApdu Split(ResponseApdu answer, CommandApdu command)
    {
        // A short command takes 256 bytes at most, an extended one says how many.
        var most = command.Le is null or 0 && command.Data.Length <= CommandApdu.ShortDataMax ? 256
            : command.Le is > 0 ? command.Le.Value : CommandApdu.ExtendedDataMax + 1;
        if (answer.Data.Length <= most) return answer;
        remaining = answer.Data;
        remainingStatus = answer.Status;
        return Take(most);
    }

    private ResponseApdu Next(CommandApdu command) =>
        remaining.IsEmpty
            ? new ResponseApdu(default, StatusWord.ConditionsNotSatisfied)
            : Take(command.Le is null or 0 ? 256 : command.Le.Value);

    private ResponseApdu Take(int most)
    {
        var part = remaining[..Math.Min(most, remaining.Length)];
        remaining = remaining[part.Length..];
        var status = remaining.IsEmpty
            ? remainingStatus
            : new StatusWord((ushort)(0x6100 | (remaining.Length > 255 ? 0 : remaining.Length)));
        return new ResponseApdu(part, status);
    }

    private void PullNow()
    {
        isInserted = false;
        insertion++;
        pullBefore = pullAfter = null;
        PowerOff();
    }

    private void PowerOff()
    {
        selected = null;
        chain = null;
        remaining = default;
        foreach (var applet in applets) applet.PowerOff();
    }

    private static byte[] Status(StatusWord status) => new ResponseApdu(default, status).Encode();

    private sealed class VirtualConnection(VirtualKey key, int line) : ISmartCardConnection
    {
        public string ReaderName => key.Options.ReaderName;

        public ReadOnlyMemory<byte> AnswerToReset => key.AnswerToReset;

        public byte[] Transmit(ReadOnlySpan<byte> command) => key.Transmit(line, command);

        public IDisposable BeginTransaction() => new Nothing();

        public void Dispose()
        {
        }

        private sealed class Nothing : IDisposable
        {
            public void Dispose()
            {
            }
        }
    }
}
