using SecurityKeys.Cards;
using SecurityKeys.Fido;
using SecurityKeys.Management;
using SecurityKeys.OathApplet;
using SecurityKeys.OtpSlots;
using SecurityKeys.Piv;

namespace SecurityKeys;

/// <summary>What can be seen of the PIV application. Null: the key cannot tell.</summary>
/// <param name="Pin">Default flag and tries of the PIN; null below firmware 5.3 and on other makes.</param>
/// <param name="Puk">The same of the PUK.</param>
/// <param name="ManagementKey">Algorithm and default flag of the management key.</param>
/// <param name="PinTriesLeft">Tries left for the PIN, which older firmware and other makes tell too.</param>
/// <param name="ChuidGuid">The GUID of the CHUID as hexadecimal digits.</param>
/// <param name="CardIdentifier">The card identifier of the CCC as hexadecimal digits.</param>
public sealed record PivReport(
    PinMetadata? Pin, PinMetadata? Puk, ManagementKeyMetadata? ManagementKey, int? PinTriesLeft,
    string? ChuidGuid, string? CardIdentifier);

/// <summary>What can be seen of the OATH application; the list is null while an access code hides it.</summary>
public sealed record OathReport(bool IsLocked, IReadOnlyList<OathCredential>? Credentials);

/// <summary>Which OTP slots are in use.</summary>
public sealed record OtpSlotsReport(bool IsSlot1Configured, bool IsSlot2Configured);

/// <summary>What can be seen of FIDO2.</summary>
public sealed record FidoReport(FidoInfo? Info, int? PinTriesLeft);

/// <summary>
/// What a key says of itself without a PIN, and without spending a try. An application the key does not have, or does
/// not offer through this reader, is null.
/// </summary>
public sealed record SecurityKeyReport
{
    /// <summary>The reader it is in.</summary>
    public required string Reader { get; init; }

    /// <summary>Its identity; null on a card that offers none.</summary>
    public Cuid? Cuid { get; init; }

    /// <summary>The device's serial number, where it has one.</summary>
    public uint? Serial { get; init; }

    /// <summary>The firmware, where it tells.</summary>
    public Version? Firmware { get; init; }

    /// <summary>Device information of a YubiKey.</summary>
    public DeviceInfo? Device { get; init; }

    /// <summary>PIV.</summary>
    public PivReport? Piv { get; init; }

    /// <summary>OATH.</summary>
    public OathReport? Oath { get; init; }

    /// <summary>The OTP slots.</summary>
    public OtpSlotsReport? OtpSlots { get; init; }

    /// <summary>FIDO2.</summary>
    public FidoReport? Fido { get; init; }

    /// <summary>The names of the applications that answered.</summary>
    public IReadOnlyList<string> Applications =>
    [
        .. Device is null ? [] : new[] { "Management" }, .. Piv is null ? [] : new[] { "PIV" },
        .. Oath is null ? [] : new[] { "OATH" }, .. OtpSlots is null ? [] : new[] { "OTP" },
        .. Fido is null ? [] : new[] { "FIDO2" },
    ];

    /// <summary>Asks the key, within one transaction. Selecting applications forgets a PIN verified before.</summary>
    public static SecurityKeyReport Read(ISmartCardConnection connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        using var transaction = connection.BeginTransaction();
        var device = ManagementApplication.TrySelect(connection)?.ReadDeviceInfo();
        var serial = CuidReading.ReadSerial(connection, device);
        var slots = OtpSlotsApplication.TrySelect(connection);
        var piv = PivApplication.TrySelect(connection);
        var pivReport = piv is null ? null : ReadPiv(piv);
        return new SecurityKeyReport
        {
            Reader = connection.ReaderName,
            Device = device,
            Serial = serial,
            Firmware = device?.Firmware ?? piv?.Firmware ?? slots?.Firmware,
            OtpSlots = slots is null ? null : new OtpSlotsReport(slots.IsSlot1Configured, slots.IsSlot2Configured),
            Piv = pivReport,
            Oath = ReadOath(connection),
            Fido = ReadFido(connection),
            Cuid = CuidReading.Read(connection),
        };
    }

    private static PivReport ReadPiv(PivApplication piv) => new(
        piv.ReadPinMetadata(), piv.ReadPukMetadata(), piv.ReadManagementKeyMetadata(), piv.ReadPinTriesLeft(),
        piv.GetChuid() is { } chuid ? Convert.ToHexString(chuid.CardId.Span) : null,
        piv.GetCcc() is { } ccc ? Convert.ToHexString(ccc.CardIdentifier.Span) : null);

    private static OathReport? ReadOath(ISmartCardConnection connection) =>
        OathApplication.TrySelect(connection) is not { } oath ? null
            : new OathReport(oath.Locked, oath.Locked ? null : oath.List());

    private static FidoReport? ReadFido(ISmartCardConnection connection)
    {
        if (FidoApplication.TrySelect(connection) is not { } fido) return null;
        var info = fido.GetInfo();
        return new FidoReport(info, info?.PinIsSet == true ? fido.GetPinTriesLeft() : null);
    }
}
