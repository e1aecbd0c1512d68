using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using SecurityKeys.Cards;

namespace SecurityKeys.Management;

/// <summary>What a YubiKey's interfaces offer, as bits (yubikit management.py, CAPABILITY).</summary>
[Flags]
public enum Capabilities
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The OTP slots.</summary>
    Otp = 0x01,

    /// <summary>FIDO U2F.</summary>
    U2f = 0x02,

    /// <summary>OpenPGP.</summary>
    OpenPgp = 0x08,

    /// <summary>PIV.</summary>
    Piv = 0x10,

    /// <summary>OATH.</summary>
    Oath = 0x20,

    /// <summary>YubiHSM Auth.</summary>
    HsmAuth = 0x100,

    /// <summary>FIDO2.</summary>
    Fido2 = 0x200,
}

/// <summary>The device's shape.</summary>
public enum FormFactor
{
    /// <summary>Not told, or one this version does not know.</summary>
    Unknown = 0,

    /// <summary>USB-A, key ring.</summary>
    UsbAKeychain = 1,

    /// <summary>USB-A, nano.</summary>
    UsbANano = 2,

    /// <summary>USB-C, key ring.</summary>
    UsbCKeychain = 3,

    /// <summary>USB-C, nano.</summary>
    UsbCNano = 4,

    /// <summary>USB-C and Lightning.</summary>
    UsbCLightning = 5,

    /// <summary>USB-A with fingerprint reader.</summary>
    UsbABio = 6,

    /// <summary>USB-C with fingerprint reader.</summary>
    UsbCBio = 7,
}

/// <summary>What the device says of itself; <see cref="Serial"/> is null on the makes that have none.</summary>
public sealed record DeviceInfo(
    uint? Serial, Version Firmware, FormFactor FormFactor, bool IsFips, bool IsLocked,
    Capabilities UsbSupported, Capabilities UsbEnabled, Capabilities NfcSupported, Capabilities NfcEnabled);

/// <summary>The management application of a YubiKey (yubikit management.py).</summary>
public sealed class ManagementApplication
{
    /// <summary>Bytes of a configuration lock code.</summary>
    public const int LockCodeLength = 16;

    private static readonly Version ReadConfigFirmware = new(4, 1, 0);
    private static readonly Version ConfigFirmware = new(5, 0, 0);
    private readonly AppletChannel channel;

    private ManagementApplication(AppletChannel channel, Version firmware) =>
        (this.channel, Firmware) = (channel, firmware);

    /// <summary>The application identifier.</summary>
    public static ReadOnlySpan<byte> Aid => [0xA0, 0x00, 0x00, 0x05, 0x27, 0x47, 0x11, 0x17];

    /// <summary>The firmware the application names when it is selected.</summary>
    public Version Firmware { get; }

    /// <summary>Selects the application; null when there is none (not a YubiKey, or an old one).</summary>
    public static ManagementApplication? TrySelect(ISmartCardConnection connection)
    {
        var channel = new AppletChannel(connection);
        if (channel.TrySelect(Aid) is not { } answer) return null;

        // "Virtual mgr - FW version 5.4.3": the last word is the version.
        var text = Encoding.ASCII.GetString(answer.Span);
        var last = text[(text.LastIndexOf(' ') + 1)..];
        if (!Version.TryParse(last, out var firmware) || firmware.Build < 0)
            throw new BadCardAnswerException("The management application names no firmware version.");
        return new ManagementApplication(channel, firmware);
    }

    /// <summary>
    /// READ CONFIG: serial, firmware, form factor, what is there and what is switched on. Before firmware 4.1 there is
    /// no such command (yubikit management.py): only the firmware is told.
    /// </summary>
    public DeviceInfo ReadDeviceInfo()
    {
        if (Firmware < ReadConfigFirmware)
            return new DeviceInfo(null, Firmware, FormFactor.Unknown, IsFips: false, IsLocked: false,
                Capabilities.None, Capabilities.None, Capabilities.None, Capabilities.None);
        var answer = channel.Send("read device information", new CommandApdu(0x00, 0x1D, 0x00, 0x00));
        if (answer.IsEmpty || answer.Span[0] != answer.Length - 1)
            throw new BadCardAnswerException("The device information has the wrong length.");

        var data = answer[1..];
        var shape = (int)Number(data, 0x04);
        var usb = (Capabilities)Number(data, 0x01);
        var serial = Number(data, 0x02);
        return new DeviceInfo(
            serial == 0 ? null : serial,
            Tlv.Find(data, 0x05) is { Length: 3 } v ? new Version(v.Span[0], v.Span[1], v.Span[2]) : Firmware,
            Enum.IsDefined((FormFactor)(shape & 0x0F)) ? (FormFactor)(shape & 0x0F) : FormFactor.Unknown,
            IsFips: (shape & 0x80) != 0,
            IsLocked: Number(data, 0x0A) == 1,
            usb,
            Tlv.Find(data, 0x03) is null ? usb : (Capabilities)Number(data, 0x03),
            (Capabilities)Number(data, 0x0D),
            (Capabilities)Number(data, 0x0E));
    }

    /// <summary>
    /// WRITE CONFIG: switches applications on USB on or off (firmware 5). The lock code is needed when one is set.
    /// The device may restart and fall out of the reader.
    /// </summary>
    public void SetUsbEnabled(Capabilities enabled, ReadOnlySpan<byte> lockCode = default)
    {
        Span<byte> bits = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(bits, (ushort)enabled);
        using var config = new TlvWriter();
        config.Raw(0x0C, 0x00);
        if (!lockCode.IsEmpty) config.Add(0x0B, CheckLockCode(lockCode));
        WriteConfig(config.Add(0x03, bits));
    }

    /// <summary>Sets, changes or (16 zero bytes) removes the lock code that guards the configuration.</summary>
    public void SetLockCode(ReadOnlySpan<byte> next, ReadOnlySpan<byte> current = default)
    {
        using var config = new TlvWriter();
        if (!current.IsEmpty) config.Add(0x0B, CheckLockCode(current));
        WriteConfig(config.Add(0x0A, CheckLockCode(next)));
    }

    private void WriteConfig(TlvWriter config)
    {
        if (Firmware < ConfigFirmware)
            throw new NotOnThisFirmwareException("Device configuration", ConfigFirmware, Firmware);
        var data = new byte[1 + config.Written.Length];
        try
        {
            data[0] = (byte)config.Written.Length;
            config.Written.Span.CopyTo(data.AsSpan(1));
            channel.Send("write the device configuration", new CommandApdu(0x00, 0x1C, 0x00, 0x00, data));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(data);
        }
    }

    private static ReadOnlySpan<byte> CheckLockCode(ReadOnlySpan<byte> code) =>
        code.Length == LockCodeLength ? code : throw new ArgumentException($"A lock code has {LockCodeLength} bytes.");

    private static uint Number(ReadOnlyMemory<byte> data, int tag)
    {
        uint value = 0;
        if (Tlv.Find(data, tag) is not { } bytes) return 0;
        if (bytes.Length > 4) throw new BadCardAnswerException("A number in the device information is too long.");
        foreach (var b in bytes.Span) value = (value << 8) | b;
        return value;
    }
}
