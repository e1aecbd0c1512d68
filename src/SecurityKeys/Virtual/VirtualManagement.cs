using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using SecurityKeys.Cards;
using SecurityKeys.Management;

namespace SecurityKeys.Virtual;

/// <summary>The management application: device information, switching applications, the lock code.</summary>
internal sealed class VirtualManagement : IVirtualApplet
{
    private const Capabilities Supported =
        Capabilities.Otp | Capabilities.U2f | Capabilities.Piv | Capabilities.Oath | Capabilities.Fido2;

    private readonly VirtualKeyOptions options;
    private Capabilities enabled = Supported;
    private byte[]? lockCode;

    public VirtualManagement(VirtualKeyOptions options) => this.options = options;

    public bool Answers(ReadOnlySpan<byte> aid) => aid.Length >= 8 && aid.StartsWith(ManagementApplication.Aid);

    public ResponseApdu Select() =>
        new(Encoding.ASCII.GetBytes($"Virtual mgr - FW version {options.Firmware.ToString(3)}"), StatusWord.Ok);

    public void PowerOff()
    {
    }

    public IVirtualApplet Clone() => new VirtualManagement(options) { enabled = enabled, lockCode = lockCode };

    public ResponseApdu Process(CommandApdu command) => command.Ins switch
    {
        0x1D when options.Firmware >= new Version(4, 1, 0) => new ResponseApdu(DeviceInformation(), StatusWord.Ok),
        0x1C => new ResponseApdu(default, Configure(command.Data)),
        _ => new ResponseApdu(default, StatusWord.UnknownInstruction),
    };

    /// <summary>The body as the OTP application's slot 13 gives it too.</summary>
    public byte[] DeviceInformation()
    {
        using var writer = new TlvWriter();
        writer.Add(0x01, Bits(Supported));
        // Firmware 4 leaves its serial to the OTP application.
        if (options.Firmware.Major >= 5) writer.Add(0x02, Cuid.FromSerial(options.Serial).ToBytes());
        writer.Add(0x03, Bits(enabled))
            .Add(0x04, [(byte)FormFactor.UsbAKeychain])
            .Add(0x05, [(byte)options.Firmware.Major, (byte)options.Firmware.Minor, (byte)options.Firmware.Build])
            .Add(0x06, [0x00, 0x00]).Add(0x07, [0x0F]).Add(0x08, [0x00])
            .Add(0x0D, Bits(Supported)).Add(0x0E, Bits(enabled)).Add(0x0A, [(byte)(lockCode is null ? 0 : 1)]);
        return [(byte)writer.Written.Length, .. writer.Written.Span];
    }

    private StatusWord Configure(ReadOnlyMemory<byte> data)
    {
        try
        {
            if (data.IsEmpty || data.Span[0] != data.Length - 1) return StatusWord.WrongData;
            var config = data[1..];
            if (lockCode is not null && !(Tlv.Find(config, 0x0B) is { } given
                && CryptographicOperations.FixedTimeEquals(lockCode, given.Span)))
                return StatusWord.SecurityNotSatisfied;

            if (Tlv.Find(config, 0x0A) is { } next)
            {
                if (next.Length != ManagementApplication.LockCodeLength) return StatusWord.WrongData;
                lockCode = next.Span.IndexOfAnyExcept((byte)0) < 0 ? null : next.ToArray();
            }
            if (Tlv.Find(config, 0x03) is { } usb)
            {
                var wanted = 0;
                foreach (var b in usb.Span) wanted = (wanted << 8) | b;
                enabled = (Capabilities)wanted & Supported;
            }
            return StatusWord.Ok;
        }
        catch (BadCardAnswerException)
        {
            return StatusWord.WrongData;
        }
    }

    private static byte[] Bits(Capabilities capabilities)
    {
        var bits = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(bits, (ushort)capabilities);
        return bits;
    }
}
