using SecurityKeys.GlobalPlatform;
using SecurityKeys.Management;
using SecurityKeys.OtpSlots;
using SecurityKeys.Piv;

namespace SecurityKeys.Cards;

/// <summary>
/// Reads a key's identity in the stated order, from what outlives a reset to what does not: device serial, chip
/// production data, PIV GUID, PIV card identifier. A record keeps under which of them it stands, so that one written
/// to the key later never changes the record's key: look for a record under any that is <see cref="Offered"/>.
/// </summary>
public static class CuidReading
{
    /// <summary>The first identity in the stated order, or null when the key offers none of the four.</summary>
    public static Cuid? Read(ISmartCardConnection connection) => Offered(connection) is [var first, ..] ? first : null;

    /// <summary>Every identity the key offers, in the stated order; empty when there is none.</summary>
    public static IReadOnlyList<Cuid> Offered(ISmartCardConnection connection)
    {
        var found = new List<Cuid>(4);
        if (ReadSerial(connection, ManagementApplication.TrySelect(connection)?.ReadDeviceInfo()) is { } serial)
            found.Add(Cuid.FromSerial(serial));
        if (Cplc.TryRead(connection) is { } cplc) found.Add(cplc.ToCuid());
        if (PivApplication.TrySelect(connection) is not { } piv) return found;
        if (piv.GetChuid() is { } chuid && chuid.CardId.Span.IndexOfAnyExcept((byte)0) >= 0)
            found.Add(Cuid.FromBytes(chuid.CardId.Span, CuidSource.ChuidGuid));
        if (piv.GetCcc() is { } ccc) found.Add(Cuid.FromBytes(ccc.CardIdentifier.Span, CuidSource.CccCardId));
        return found;
    }

    /// <summary>
    /// A YubiKey's serial: from its device information, or where that has none (before firmware 5) from the OTP
    /// application; null when neither shows one. Selects that application.
    /// </summary>
    public static uint? ReadSerial(ISmartCardConnection connection, DeviceInfo? device)
    {
        if (device?.Serial is { } serial) return serial;
        try
        {
            return OtpSlotsApplication.TrySelect(connection)?.ReadSerial() is { } shown and not 0 ? shown : null;
        }
        catch (CardStatusException)
        {
            return null; // a slot's configuration may keep the serial from software
        }
    }
}
