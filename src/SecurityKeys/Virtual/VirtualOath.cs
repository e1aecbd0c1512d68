using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using OtpNet;
using SecurityKeys.Cards;
using SecurityKeys.OathApplet;

namespace SecurityKeys.Virtual;

/// <summary>The OATH application. Its codes come from Otp.NET, not from anything in this project.</summary>
internal sealed class VirtualOath : IVirtualApplet
{
    private sealed class Credential
    {
        public required string Name { get; set; }
        public required byte Kind { get; init; }
        public required int Digits { get; init; }
        public required byte[] Secret { get; init; }
        public bool Touch { get; init; }
        public uint MovingFactor { get; set; }
        public OathType Type => (OathType)(Kind & 0xF0);
        public OathAlgorithm Algorithm => (OathAlgorithm)(Kind & 0x0F);
        public Credential Copy() => (Credential)MemberwiseClone();
    }

    private readonly VirtualKeyOptions options;
    private readonly List<Credential> credentials = [];
    private byte[] salt = RandomNumberGenerator.GetBytes(8);
    private byte[]? accessKey;
    private byte[] challenge = [];
    private bool validated;

    public VirtualOath(VirtualKeyOptions options) => this.options = options;

    private VirtualOath(VirtualOath other)
    {
        options = other.options;
        credentials = [.. other.credentials.Select(c => c.Copy())];
        salt = [.. other.salt];
        accessKey = other.accessKey is null ? null : [.. other.accessKey];
    }

    public bool Answers(ReadOnlySpan<byte> aid) => aid.Length >= 7 && aid.StartsWith(OathApplication.Aid);

    public IVirtualApplet Clone() => new VirtualOath(this);

    public void PowerOff() => validated = false;

    public IReadOnlyList<VirtualOathContents> Peek() => [.. credentials.Select(c => new VirtualOathContents(
        c.Name, c.Type, c.Algorithm, c.Digits, [.. c.Secret], c.MovingFactor, c.Touch))];

    public ResponseApdu Select()
    {
        validated = false;
        using var writer = new TlvWriter();
        writer.Add(0x79,
            [(byte)options.Firmware.Major, (byte)options.Firmware.Minor, (byte)options.Firmware.Build]);
        writer.Add(0x71, salt);
        if (accessKey is not null)
        {
            challenge = RandomNumberGenerator.GetBytes(8);
            writer.Add(0x74, challenge).Add(0x7B, [0x01]);
        }
        return Ok(writer.ToArray());
    }

    public ResponseApdu Process(CommandApdu command)
    {
        var open = accessKey is null || validated;
        if (!open && command.Ins is not (0xA3 or 0x04)) return Refuse(StatusWord.SecurityNotSatisfied);
        try
        {
            return command.Ins switch
            {
                0x01 => Put(command.Data),
                0x02 => Delete(command.Data),
                0x03 => SetCode(command.Data),
                0x04 => Reset(command),
                0x05 when options.Firmware >= new Version(5, 3, 1) => Rename(command.Data),
                0xA1 => List(),
                0xA2 => Calculate(command),
                0xA3 => Validate(command.Data),
                0xA4 => CalculateAll(command),
                _ => Refuse(StatusWord.UnknownInstruction),
            };
        }
        catch (BadCardAnswerException)
        {
            return Refuse(StatusWord.WrongData); // not well-formed TLV
        }
    }

    private ResponseApdu Put(ReadOnlyMemory<byte> data)
    {
        var rest = TakeWithoutProperty(data, out var touch);
        var name = Tlv.Require(rest, 0x71);
        var key = Tlv.Require(rest, 0x73).Span;
        if (name.Length is 0 or > OathName.BytesMax || key.Length is < 2 + 14 or > 2 + 64)
            return Refuse(StatusWord.WrongData);
        var (kind, digits) = (key[0], key[1]);
        if ((kind & 0xF0) is not (0x10 or 0x20) || (kind & 0x0F) is not (1 or 2 or 3) || digits is < 6 or > 8)
            return Refuse(StatusWord.WrongData);

        uint movingFactor = 0;
        if (Tlv.Find(rest, 0x7A) is { } initial)
        {
            if (initial.Length != 4) return Refuse(StatusWord.WrongData);
            movingFactor = BinaryPrimitives.ReadUInt32BigEndian(initial.Span);
        }
        var text = Encoding.UTF8.GetString(name.Span);
        var at = credentials.FindIndex(c => c.Name == text);
        if (at < 0 && credentials.Count >= options.OathCapacity) return Refuse(StatusWord.Full);

        var credential = new Credential
        {
            Name = text,
            Kind = kind,
            Digits = digits,
            Secret = key[2..].ToArray(),
            Touch = touch,
            MovingFactor = movingFactor,
        };
        if (at < 0) credentials.Add(credential);
        else credentials[at] = credential;
        return Ok();
    }

    // The property (78, one byte, no length) stands between key and counter and is not TLV: cut it out.
    private static ReadOnlyMemory<byte> TakeWithoutProperty(ReadOnlyMemory<byte> data, out bool touch)
    {
        touch = false;
        var span = data.Span;
        var at = 0;
        for (var i = 0; i < 2; i++)
        {
            if (span.Length < at + 2 || span.Length < at + 2 + span[at + 1]) throw new BadCardAnswerException("TLV");
            at += 2 + span[at + 1];
        }
        if (span.Length < at + 2 || span[at] != 0x78) return data;
        touch = (span[at + 1] & 0x02) != 0;
        return (byte[])[.. span[..at], .. span[(at + 2)..]];
    }

    private ResponseApdu Delete(ReadOnlyMemory<byte> data)
    {
        var name = Name(data);
        return credentials.RemoveAll(c => c.Name == name) > 0 ? Ok() : Refuse(StatusWord.DataInvalid);
    }

    private ResponseApdu Rename(ReadOnlyMemory<byte> data)
    {
        var names = Tlv.ReadAll(data);
        if (names.Count != 2 || names.Any(n => n.Tag != 0x71 || n.Value.Length is 0 or > OathName.BytesMax))
            return Refuse(StatusWord.WrongData);
        var next = Encoding.UTF8.GetString(names[1].Value.Span);
        var credential = Find(Encoding.UTF8.GetString(names[0].Value.Span));
        if (credential is null || (Find(next) is { } other && other != credential))
            return Refuse(StatusWord.DataInvalid);
        credential.Name = next;
        return Ok();
    }

    private ResponseApdu List()
    {
        using var writer = new TlvWriter();
        foreach (var c in credentials) writer.Add(0x72, [c.Kind, .. Encoding.UTF8.GetBytes(c.Name)]);
        return Ok(writer.ToArray());
    }

    private ResponseApdu Calculate(CommandApdu command)
    {
        if (Find(Name(command.Data)) is not { } credential) return Refuse(StatusWord.DataInvalid);
        var step = Tlv.Require(command.Data, 0x74);
        if (credential.Touch && !options.IsTouched) return Refuse(StatusWord.ConditionsNotSatisfied);

        ulong factor;
        if (credential.Type == OathType.Hotp)
        {
            factor = credential.MovingFactor;
            unchecked { credential.MovingFactor++; }
        }
        else
        {
            if (step.Length != 8) return Refuse(StatusWord.WrongData);
            factor = BinaryPrimitives.ReadUInt64BigEndian(step.Span);
        }
        using var writer = new TlvWriter();
        return Ok(command.P2 == 0x01
            ? writer.Add(0x76, Truncated(credential, factor)).ToArray()
            : writer.Add(0x75, [(byte)credential.Digits, .. Hmac(credential, factor)]).ToArray());
    }

    private ResponseApdu CalculateAll(CommandApdu command)
    {
        var step = Tlv.Require(command.Data, 0x74);
        if (step.Length != 8) return Refuse(StatusWord.WrongData);
        var factor = BinaryPrimitives.ReadUInt64BigEndian(step.Span);
        using var writer = new TlvWriter();
        foreach (var c in credentials)
        {
            writer.Add(0x71, Encoding.UTF8.GetBytes(c.Name));
            if (c.Type == OathType.Hotp) writer.Add(0x77, [(byte)c.Digits]); // only named: a code would use it up
            else if (c.Touch) writer.Add(0x7C, [(byte)c.Digits]);
            else if (command.P2 == 0x01) writer.Add(0x76, Truncated(c, factor));
            else writer.Add(0x75, [(byte)c.Digits, .. Hmac(c, factor)]);
        }
        return Ok(writer.ToArray());
    }

    private ResponseApdu SetCode(ReadOnlyMemory<byte> data)
    {
        var key = Tlv.Require(data, 0x73);
        if (key.IsEmpty)
        {
            accessKey = null;
            return Ok();
        }
        var proof = Tlv.Require(data, 0x75);
        var candidate = key[1..].ToArray();
        var expected = HMACSHA1.HashData(candidate, Tlv.Require(data, 0x74).Span);
        if (!CryptographicOperations.FixedTimeEquals(expected, proof.Span)) return Refuse(StatusWord.DataInvalid);
        accessKey = candidate;
        validated = true;
        return Ok();
    }

    private ResponseApdu Validate(ReadOnlyMemory<byte> data)
    {
        if (accessKey is null) return Refuse(StatusWord.DataInvalid);
        var expected = HMACSHA1.HashData(accessKey, challenge);
        if (!CryptographicOperations.FixedTimeEquals(expected, Tlv.Require(data, 0x75).Span))
            return Refuse(StatusWord.WrongData);
        validated = true;
        using var writer = new TlvWriter();
        return Ok(writer.Add(0x75, HMACSHA1.HashData(accessKey, Tlv.Require(data, 0x74).Span)).ToArray());
    }

    private ResponseApdu Reset(CommandApdu command)
    {
        if (command.P1 != 0xDE || command.P2 != 0xAD) return Refuse(StatusWord.WrongP1P2);
        credentials.Clear();
        accessKey = null;
        salt = RandomNumberGenerator.GetBytes(8);
        return Ok();
    }

    private Credential? Find(string name) => credentials.Find(c => c.Name == name);

    private static string Name(ReadOnlyMemory<byte> data) => Encoding.UTF8.GetString(Tlv.Require(data, 0x71).Span);

    // Otp.NET gives up to eight digits, and the applet shows no more: the reduced value is told instead of all 31 bits.
    private static byte[] Truncated(Credential credential, ulong factor)
    {
        var mode = credential.Algorithm switch
        {
            OathAlgorithm.Sha1 => OtpHashMode.Sha1,
            OathAlgorithm.Sha256 => OtpHashMode.Sha256,
            _ => OtpHashMode.Sha512,
        };
        var code = new Hotp(credential.Secret, mode, hotpSize: 8).ComputeHOTP(unchecked((long)factor));
        var answer = new byte[5];
        answer[0] = (byte)credential.Digits;
        BinaryPrimitives.WriteUInt32BigEndian(answer.AsSpan(1), uint.Parse(code, CultureInfo.InvariantCulture));
        return answer;
    }

    private static byte[] Hmac(Credential credential, ulong factor)
    {
        Span<byte> message = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(message, factor);
        return credential.Algorithm switch
        {
            OathAlgorithm.Sha1 => HMACSHA1.HashData(credential.Secret, message),
            OathAlgorithm.Sha256 => HMACSHA256.HashData(credential.Secret, message),
            _ => HMACSHA512.HashData(credential.Secret, message),
        };
    }

    private static ResponseApdu Ok(params byte[] data) => new(data, StatusWord.Ok);

    private static ResponseApdu Refuse(StatusWord status) => new(default, status);
}
