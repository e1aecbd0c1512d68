using SecurityKeys.GlobalPlatform;
using SecurityKeys.Management;
using SecurityKeys.Piv;

namespace SecurityKeys.Cards;

/// <summary>
/// Reads a key's identity in the stated order, from what outlives a reset to what does not: device serial, chip
/// production data, PIV GUID, PIV card identifier. What comes first on a key stays first after it is provisioned,
/// so a CHUID written later never changes the identity.
/// </summary>
public static class CuidReading
{
    /// <summary>The identity, or null when the key offers none of the four.</summary>
    public static Cuid? Read(ISmartCardConnection connection)
    {
        if (ManagementApplication.TrySelect(connection)?.ReadDeviceInfo().Serial is { } serial)
            return Cuid.FromSerial(serial);
        if (Cplc.TryRead(connection) is { } cplc) return cplc.ToCuid();
        if (PivApplication.TrySelect(connection) is not { } piv) return null;
        if (piv.GetChuid() is { } chuid && chuid.CardId.Span.IndexOfAnyExcept((byte)0) >= 0)
            return Cuid.FromBytes(chuid.CardId.Span, CuidSource.ChuidGuid);
        return piv.GetCcc() is { } ccc ? Cuid.FromBytes(ccc.CardIdentifier.Span, CuidSource.CccCardId) : null;
    }
}
