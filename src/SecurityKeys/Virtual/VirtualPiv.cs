using System.Security.Cryptography;
using SecurityKeys.Cards;
using SecurityKeys.Piv;

namespace SecurityKeys.Virtual;

/// <summary>
/// PIV as SP 800-73-4 part 2 has it, with Yubico's additions unless the key is a plain PIV card.
/// PIN, PUK, objects and housekeeping are here; keys and proofs in the other part.
/// </summary>
internal sealed partial class VirtualPiv : IVirtualApplet
{
    private const int ObjectBytesMax = 3052; // what a YubiKey takes for one object
    private static readonly byte[] Aid = [0xA0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00, 0x01, 0x00];

    private readonly VirtualKeyOptions options;
    private readonly Dictionary<int, byte[]> objects = [];
    private readonly VirtualReference pin = new("123456"u8.ToArray());
    private readonly VirtualReference puk = new("12345678"u8.ToArray());
    private bool pinVerified;

    public VirtualPiv(VirtualKeyOptions options)
    {
        this.options = options;
        managementAlgorithm = FactoryAlgorithm;
        if (options is { IsPlainPivCard: true, HasIssuerObjects: true }) WriteIssuerObjects();
        else if (IsYubico) MakeAttestationKey();
    }

    private VirtualPiv(VirtualPiv other)
    {
        options = other.options;
        objects = new(other.objects);
        pin = other.pin.Clone();
        puk = other.puk.Clone();
        managementKey = [.. other.managementKey];
        managementAlgorithm = other.managementAlgorithm;
        managementTouch = other.managementTouch;
        slots = new(other.slots);
        attestationCertificate = other.attestationCertificate;
    }

    private bool IsYubico => !options.IsPlainPivCard;

    public bool Answers(ReadOnlySpan<byte> aid) => aid.Length >= 5 && Aid.AsSpan().StartsWith(aid);

    public ResponseApdu Select()
    {
        PowerOff();
        // Application property template (part 2, table 3): version of the AID, tag allocation authority.
        return Ok([
            0x61, 0x11, 0x4F, 0x06, 0x00, 0x00, 0x10, 0x00, 0x01, 0x00,
            0x79, 0x07, 0x4F, 0x05, 0xA0, 0x00, 0x00, 0x03, 0x08]);
    }

    public void PowerOff()
    {
        pinVerified = false;
        ForgetProofs();
    }

    public IVirtualApplet Clone() => new VirtualPiv(this);

    public VirtualPivContents Peek() => new(
        pin.Value, pin.TriesLeft, pin.TriesTotal, puk.Value, puk.TriesLeft, puk.TriesTotal,
        [.. managementKey], managementAlgorithm);

    public ResponseApdu Process(CommandApdu command) => command.Ins switch
    {
        0x20 => Verify(command),
        0x24 => ChangeReference(command),
        0x2C => ResetRetryCounter(command),
        0x87 => GeneralAuthenticate(command),
        0x47 => GenerateKey(command),
        0xCB => GetData(command),
        0xDB => PutData(command),
        0xF7 when IsYubico && options.Firmware >= new Version(5, 3, 0) => GetMetadata(command),
        0xF8 when IsYubico && options.Firmware.Major >= 5 => GetSerial(),
        0xF9 when IsYubico => Attest(command),
        0xFA when IsYubico => SetRetries(command),
        0xFB when IsYubico => Reset(),
        0xFD when IsYubico => GetVersion(),
        0xFF when IsYubico => SetManagementKey(command),
        _ => Refuse(StatusWord.UnknownInstruction),
    };

    private ResponseApdu Verify(CommandApdu command)
    {
        if (command.P2 != PivApplication.PinReference) return Refuse(StatusWord.ReferenceNotFound);
        if (command.P1 == 0xFF && command.Data.IsEmpty)
        {
            pinVerified = false; // part 2, 3.2.1: P1 FF takes the proof back
            return Ok();
        }
        if (command.P1 != 0x00) return Refuse(StatusWord.IncorrectP1P2);
        if (command.Data.IsEmpty) return pinVerified ? Ok() : Refuse(pin.Status);
        if (command.Data.Length != PivApplication.PaddedLength) return Refuse(StatusWord.WrongData);

        pinVerified = pin.Try(command.Data.Span);
        return pinVerified ? Ok() : Refuse(pin.Status);
    }

    private ResponseApdu ChangeReference(CommandApdu command)
    {
        VirtualReference? reference = command.P2 switch
        {
            PivApplication.PinReference => pin,
            PivApplication.PukReference => puk,
            _ => null,
        };
        if (reference is null) return Refuse(StatusWord.ReferenceNotFound);
        if (command.P1 != 0x00) return Refuse(StatusWord.IncorrectP1P2);
        if (!TakePair(command, reference, out var next, out var refusal)) return refusal;

        reference.Set(next);
        if (reference == pin) pinVerified = true;
        return Ok();
    }

    private ResponseApdu ResetRetryCounter(CommandApdu command)
    {
        if (command.P2 != PivApplication.PinReference) return Refuse(StatusWord.ReferenceNotFound);
        if (command.P1 != 0x00) return Refuse(StatusWord.IncorrectP1P2);
        if (!TakePair(command, puk, out var next, out var refusal)) return refusal;

        pin.Set(next);
        pinVerified = false;
        return Ok();
    }

    // The old value is compared first: tools block a PIN on purpose with values that could never be set.
    private static bool TakePair(
        CommandApdu command, VirtualReference reference, out ReadOnlySpan<byte> next, out ResponseApdu refusal)
    {
        next = default;
        if (command.Data.Length != 2 * PivApplication.PaddedLength)
        {
            refusal = Refuse(StatusWord.WrongData);
            return false;
        }
        if (!reference.Try(command.Data.Span[..PivApplication.PaddedLength]))
        {
            refusal = Refuse(reference.Status);
            return false;
        }
        next = command.Data.Span[PivApplication.PaddedLength..];
        refusal = Refuse(StatusWord.WrongData);
        return VirtualReference.IsWellFormed(next);
    }

    private ResponseApdu SetRetries(CommandApdu command)
    {
        if (!managementProved || !pinVerified) return Refuse(StatusWord.SecurityNotSatisfied);
        if (command.P1 == 0 || command.P2 == 0) return Refuse(StatusWord.WrongData);
        pin.Restore(command.P1);
        puk.Restore(command.P2);
        pinVerified = false;
        return Ok();
    }

    private ResponseApdu Reset()
    {
        if (pin.TriesLeft != 0 || puk.TriesLeft != 0) return Refuse(StatusWord.ConditionsNotSatisfied);
        pin.Restore(3);
        puk.Restore(3);
        var kept = objects.GetValueOrDefault(PivObject.AttestationCertificate);
        objects.Clear();
        if (kept is not null) objects[PivObject.AttestationCertificate] = kept;
        ResetKeys();
        PowerOff();
        return Ok();
    }

    private ResponseApdu GetVersion() =>
        Ok([(byte)options.Firmware.Major, (byte)options.Firmware.Minor, (byte)options.Firmware.Build]);

    private ResponseApdu GetSerial() => Ok(Cuid.FromSerial(options.Serial).ToBytes());

    private ResponseApdu GetMetadata(CommandApdu command)
    {
        using var writer = new TlvWriter();
        switch (command.P2)
        {
            case PivApplication.PinReference:
            case PivApplication.PukReference:
                var reference = command.P2 == PivApplication.PinReference ? pin : puk;
                writer.Add(0x01, [0xFF]).Add(0x05, [(byte)(reference.IsDefault ? 1 : 0)])
                    .Add(0x06, [(byte)reference.TriesTotal, (byte)reference.TriesLeft]);
                return Ok(writer.ToArray());
            case PivApplication.ManagementKeyReference:
                var isDefault = managementAlgorithm == FactoryAlgorithm
                    && managementKey.AsSpan().SequenceEqual(PivApplication.FactoryManagementKey);
                writer.Add(0x01, [(byte)managementAlgorithm]).Add(0x02, [0x00, (byte)(managementTouch ? 2 : 1)])
                    .Add(0x05, [(byte)(isDefault ? 1 : 0)]);
                return Ok(writer.ToArray());
            default:
                return GetSlotMetadata(command.P2);
        }
    }

    private ResponseApdu GetData(CommandApdu command)
    {
        if (command.P1 != 0x3F || command.P2 != 0xFF) return Refuse(StatusWord.IncorrectP1P2);
        if (!TryReadName(command.Data, out var tag, out _)) return Refuse(StatusWord.WrongData);
        if (tag == 0x7E)
        {
            // Discovery object (part 1, 3.3.2): the AID and the PIN usage policy "application PIN only".
            return Ok([0x7E, 0x12, 0x4F, 0x0B, .. Aid, 0x5F, 0x2F, 0x02, 0x40, 0x00]);
        }
        if (!objects.TryGetValue(tag, out var value)) return Refuse(StatusWord.NotFound);
        if (tag == PivObject.Printed && !pinVerified) return Refuse(StatusWord.SecurityNotSatisfied);
        using var writer = new TlvWriter();
        return Ok(writer.Add(0x53, value).ToArray());
    }

    private ResponseApdu PutData(CommandApdu command)
    {
        if (command.P1 != 0x3F || command.P2 != 0xFF) return Refuse(StatusWord.IncorrectP1P2);
        if (!managementProved) return Refuse(StatusWord.SecurityNotSatisfied);
        if (!TryReadName(command.Data, out var tag, out var rest)) return Refuse(StatusWord.WrongData);
        if (!TryFind(rest, 0x53, out var value)) return Refuse(StatusWord.WrongData);
        if (value.Length > ObjectBytesMax) return Refuse(StatusWord.Full);
        if (value.IsEmpty) objects.Remove(tag);
        else objects[tag] = value.ToArray();
        return Ok();
    }

    private void WriteIssuerObjects()
    {
        // As an issuer would: derived from the serial, so that clones of the options agree.
        var seed = SHA256.HashData(Cuid.FromSerial(options.Serial).ToBytes());
        objects[PivObject.Chuid] = new Chuid(seed.AsSpan(0, 16), new DateOnly(2035, 1, 1)).Encode();
        objects[PivObject.CardCapabilities] = new CardCapabilities(
            [0xA0, 0x00, 0x00, 0x01, 0x16, 0xFF, 0x02, .. seed.AsSpan(16, 14)]).Encode();
    }

    private static bool TryReadName(ReadOnlyMemory<byte> data, out int tag, out ReadOnlyMemory<byte> rest)
    {
        tag = 0;
        rest = default;
        if (data.Length < 3 || data.Span[0] != 0x5C || data.Span[1] is 0 or > 3 || data.Length < 2 + data.Span[1])
            return false;
        foreach (var b in data.Span.Slice(2, data.Span[1])) tag = (tag << 8) | b;
        rest = data[(2 + data.Span[1])..];
        return true;
    }

    private static bool TryFind(ReadOnlyMemory<byte> data, int tag, out ReadOnlyMemory<byte> value)
    {
        value = default;
        try
        {
            if (Tlv.Find(data, tag) is not { } found) return false;
            value = found;
            return true;
        }
        catch (BadCardAnswerException)
        {
            return false;
        }
    }

    private static ResponseApdu Ok(params byte[] data) => new(data, StatusWord.Ok);

    private static ResponseApdu Refuse(StatusWord status) => new(default, status);
}
