using System.Security.Cryptography;

namespace SecurityKeys.Cards;

/// <summary>
/// Talks to the selected application of a card: splits long commands, collects long answers, and bounds both, so
/// that a hostile or broken card can neither hang nor flood the caller.
/// </summary>
public sealed class AppletChannel(ISmartCardConnection connection, byte getResponseInstruction = 0xC0)
{
    /// <summary>The longest answer that is collected.</summary>
    public const int AnswerBytesMax = 65536;

    /// <summary>The most GET RESPONSE commands for one answer.</summary>
    public const int GetResponsesMax = 256;

    private const byte ChainingBit = 0x10; // ISO 7816-4, 5.1.1.1

    /// <summary>The line underneath.</summary>
    public ISmartCardConnection Connection { get; } = connection;

    /// <summary>Long commands go with extended length instead of chaining. Off: chaining works on more cards.</summary>
    public bool ExtendedLength { get; init; }

    /// <summary>
    /// SELECT by application identifier (ISO 7816-4, 7.1.1); null when the card has no such application.
    /// </summary>
    public ReadOnlyMemory<byte>? TrySelect(ReadOnlySpan<byte> aid)
    {
        var answer = Transmit(new CommandApdu(0x00, 0xA4, 0x04, 0x00, aid.ToArray()));
        if (answer.Status == StatusWord.Ok) return answer.Data;
        // yubikit core/smartcard.py: these three mean "not there", other refusals are faults.
        if (answer.Status == StatusWord.NotFound || answer.Status == StatusWord.UnknownInstruction
            || answer.Status == StatusWord.WrongP1P2 || answer.Status == StatusWord.NotSupported
            || answer.Status == StatusWord.UnknownClass)
            return null;
        throw new CardStatusException("select an application", answer.Status);
    }

    /// <summary>
    /// Sends a command and returns its data; any status but 9000 is a <see cref="CardStatusException"/>.
    /// </summary>
    public ReadOnlyMemory<byte> Send(string what, CommandApdu command)
    {
        var answer = Transmit(command);
        return answer.Status == StatusWord.Ok ? answer.Data : throw new CardStatusException(what, answer.Status);
    }

    /// <summary>Sends a command of any length and collects the whole answer, whatever its status.</summary>
    public ResponseApdu Transmit(CommandApdu command)
    {
        if (ExtendedLength && command.Data.Length > CommandApdu.ShortDataMax)
            return Collect(Exchange(command.EncodeExtended()), command.Cla);

        while (command.Data.Length > CommandApdu.ShortDataMax)
        {
            var part = command with
            {
                Cla = (byte)(command.Cla | ChainingBit),
                Data = command.Data[..CommandApdu.ShortDataMax],
                Le = null,
            };
            var taken = Exchange(part.Encode());
            if (taken.Status != StatusWord.Ok) return taken;
            command = command with { Data = command.Data[CommandApdu.ShortDataMax..] };
        }

        var answer = Exchange(command.Encode());
        // 6Cxx: wrong Le, xx is the right one (ISO 7816-4, 5.6). Asked again once only.
        if (answer.Status.Sw1 == 0x6C) answer = Exchange((command with { Le = answer.Status.Sw2 }).Encode());
        return Collect(answer, command.Cla);
    }

    private ResponseApdu Collect(ResponseApdu answer, byte cla)
    {
        if (!answer.Status.HasMoreData) return answer;

        using var whole = new MemoryStream();
        for (var round = 0; answer.Status.HasMoreData; round++)
        {
            if (round == GetResponsesMax) throw new BadCardAnswerException("The card's answer does not end.");
            whole.Write(answer.Data.Span);
            if (whole.Length > AnswerBytesMax) throw new BadCardAnswerException("The card's answer is too long.");
            // Secure messaging and logical channel bits of the class carry on, the chaining bit does not.
            answer = Exchange(new CommandApdu((byte)(cla & 0x03), getResponseInstruction, 0x00, 0x00,
                Le: answer.Status.Sw2).Encode());
        }
        whole.Write(answer.Data.Span);
        if (whole.Length > AnswerBytesMax) throw new BadCardAnswerException("The card's answer is too long.");
        return new ResponseApdu(whole.ToArray(), answer.Status);
    }

    private ResponseApdu Exchange(byte[] command)
    {
        try
        {
            var answer = Connection.Transmit(command);
            if (answer.Length > AnswerBytesMax + 2) throw new BadCardAnswerException("The card's answer is too long.");
            return ResponseApdu.Parse(answer);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(command);
        }
    }
}
