using System.Buffers.Binary;
using System.Globalization;
using SecurityKeys;
using SecurityKeys.Cards;
using SecurityKeys.External;
using SecurityKeys.Fido;
using SecurityKeys.Management;
using SecurityKeys.OathApplet;
using SecurityKeys.OtpSlots;
using SecurityKeys.Piv;

namespace OathServer.Provisioning;

/// <summary>What a key says of itself, read without spending a try and without changing anything.
/// <see cref="Cuid"/> is the one its record stands under, or the first it offers; the empty one when it offers none.</summary>
internal sealed record KeyLook(
    Cuid Cuid, IReadOnlyList<Cuid> Offered, string? DeviceSerial, string Model, Version? Firmware, PivLook? Piv, OathLook? Oath,
    SlotsLook? Slots, FidoInfo? Fido, ExternalLook? External = null)
{
    /// <summary>What PIN and PUK of this make may look like, and their factory values.</summary>
    public KeyProfile Rules => External?.Info.Profile ?? (Piv is { IsYubico: true } ? KeyProfile.YubiKey : KeyProfile.Piv);

    /// <summary>The same of a smart card that is in hand already.</summary>
    public static KeyProfile RulesOf(ISmartCardConnection connection) =>
        PivApplication.TrySelect(connection)?.Firmware is null ? KeyProfile.Piv : KeyProfile.YubiKey;

    /// <inheritdoc cref="Read"/>
    public static async Task<KeyLook> ReadAsync(ReaderSession session, CancellationToken cancel)
    {
        if (session.External is not { } key)
        {
            return Read(session.Card);
        }

        var cuid = await key.ReadCuidAsync(cancel);
        return new KeyLook(cuid, [cuid], null, key.Info.Name, null, null, null, null, null,
            new ExternalLook(key.Info, await key.ReadPropertiesAsync(cancel)));
    }

    /// <exception cref="SmartCardException">The key was pulled or reset, or is no security key that we know.</exception>
    public static KeyLook Read(ISmartCardConnection connection)
    {
        var device = ManagementApplication.TrySelect(connection)?.ReadDeviceInfo();
        var offered = CuidReading.Offered(connection);
        var serial = offered.Where(c => c.Source == CuidSource.DeviceSerial).Select(c => (uint?)BinaryPrimitives.ReadUInt32BigEndian(c.ToBytes())).FirstOrDefault();
        var piv = ReadPiv(connection, out var firmware);
        if (piv is null && offered.Count == 0)
        {
            throw new SmartCardException("This card offers no identity to keep a record under, and no PIV application to write one to.");
        }

        return new KeyLook(
            offered.Count > 0 ? offered[0] : default, offered, serial?.ToString(CultureInfo.InvariantCulture),
            device is null && serial is null ? "PIV card" : "YubiKey",
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

        return new PivLook(piv.Firmware is not null, piv.ReadPinMetadata(), piv.ReadPukMetadata(), management, piv.ReadPinTriesLeft(),
            HasChuid: piv.GetChuid() is not null, HasCcc: piv.GetCcc() is not null);
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

/// <summary>A key behind a driver: what the driver says of itself, and the key of itself.</summary>
internal sealed record ExternalLook(ExternalDriverInfo Info, ExternalKeyProperties Properties)
{
    public bool Offers(string operation) => Info.Operations.Contains(operation);
}

/// <summary>Which OTP slots are configured; what they hold cannot be read.</summary>
internal sealed record SlotsLook(bool IsSlot1Configured, bool IsSlot2Configured);

/// <summary>The PIV application. Metadata is null where the key cannot tell.</summary>
internal sealed record PivLook(
    bool IsYubico, PinMetadata? Pin, PinMetadata? Puk, ManagementKeyMetadata? ManagementKey, int? PinTriesLeft,
    bool HasChuid, bool HasCcc);

/// <summary>The OATH application.</summary>
internal sealed record OathLook(Version Firmware, bool Locked, IReadOnlyList<OathCredential> Credentials);
