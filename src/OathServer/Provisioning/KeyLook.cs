using System.Globalization;
using SecurityKeys.Cards;
using SecurityKeys.Fido;
using SecurityKeys.Management;
using SecurityKeys.OathApplet;
using SecurityKeys.OtpSlots;
using SecurityKeys.Piv;

namespace OathServer.Provisioning;

/// <summary>What a key says of itself, read without spending a try and without changing anything.</summary>
internal sealed record KeyLook(Cuid Cuid, string? DeviceSerial, string Model, Version? Firmware, PivLook? Piv, OathLook? Oath, SlotsLook? Slots, FidoInfo? Fido)
{
    /// <exception cref="SmartCardException">The key was pulled, reset, or offers no identity.</exception>
    public static KeyLook Read(ISmartCardConnection connection)
    {
        var device = ManagementApplication.TrySelect(connection)?.ReadDeviceInfo();
        var cuid = device?.Serial is { } serial ? Cuid.FromSerial(serial)
            : CuidReading.Read(connection) ?? throw new SmartCardException("This key offers no identity to keep a record under.");
        var piv = ReadPiv(connection, out var firmware);
        return new KeyLook(
            cuid, device?.Serial?.ToString(CultureInfo.InvariantCulture), device is null ? "PIV card" : "YubiKey",
            device?.Firmware ?? firmware, piv, ReadOath(connection), ReadSlots(connection), FidoApplication.TrySelect(connection)?.GetInfo());
    }

    private static PivLook? ReadPiv(ISmartCardConnection connection, out Version? firmware)
    {
        firmware = null;
        if (PivApplication.TrySelect(connection) is not { } piv)
        {
            return null;
        }

        firmware = piv.Firmware;
        var management = piv.ReadManagementKeyMetadata();
        if (management is null && piv.Firmware is not null)
        {
            // Wrong management keys cost no tries, so trying the factory key is a free look.
            management = new ManagementKeyMetadata(ManagementKeyAlgorithm.TripleDes,
                piv.AuthenticateManagementKey(PivApplication.FactoryManagementKey, ManagementKeyAlgorithm.TripleDes), TouchNeeded: false);
        }

        return new PivLook(piv.Firmware is not null, piv.ReadPinMetadata(), piv.ReadPukMetadata(), management, piv.ReadPinTriesLeft());
    }

    private static OathLook? ReadOath(ISmartCardConnection connection) =>
        OathApplication.TrySelect(connection) is { } oath
            ? new OathLook(oath.Firmware, oath.Locked, oath.Locked ? [] : oath.List())
            : null;

    private static SlotsLook? ReadSlots(ISmartCardConnection connection) =>
        OtpSlotsApplication.TrySelect(connection) is { } slots
            ? new SlotsLook(slots.IsSlot1Configured, slots.IsSlot2Configured)
            : null;
}

/// <summary>Which OTP slots are configured; what they hold cannot be read.</summary>
internal sealed record SlotsLook(bool IsSlot1Configured, bool IsSlot2Configured);

/// <summary>The PIV application. Metadata is null where the key cannot tell.</summary>
internal sealed record PivLook(
    bool IsYubico, PinMetadata? Pin, PinMetadata? Puk, ManagementKeyMetadata? ManagementKey, int? PinTriesLeft);

/// <summary>The OATH application.</summary>
internal sealed record OathLook(Version Firmware, bool Locked, IReadOnlyList<OathCredential> Credentials);
