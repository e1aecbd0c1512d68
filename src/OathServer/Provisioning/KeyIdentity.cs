using System.Buffers.Binary;
using System.Globalization;
using OathServer.Storage;
using SecurityKeys.Cards;

namespace OathServer.Provisioning;

/// <summary>Which record a key stands under. A key offers several identities, and may offer more after it was provisioned
/// (a CHUID) or fewer through another reader; a record keeps the one it was made with, and how that was read.</summary>
internal static class KeyIdentity
{
    /// <summary>The record of the key, looked for in the order of the identities; null when it has none yet.</summary>
    public static KeyRecord? RecordOf(IReadOnlyList<KeyRecord> records, IReadOnlyList<Cuid> offered) =>
        offered.Select(c => records.FirstOrDefault(r => r.Cuid == c.Text && IsKeyOf(r, offered))).FirstOrDefault(r => r is not null);

    /// <summary>Read the same way, and not of another device: a CHUID can be copied to a second key, a serial cannot.</summary>
    public static bool IsKeyOf(KeyRecord record, IReadOnlyList<Cuid> offered) =>
        offered.Any(c => c.Text == record.Cuid && c.Source.ToString() == record.CuidSource)
        && (record.DeviceSerial is null || offered.FirstOrDefault(c => c.Source == CuidSource.DeviceSerial) is not { Text.Length: > 0 } serial
            || SerialOf(serial) == record.DeviceSerial);

    private static string SerialOf(Cuid cuid) =>
        BinaryPrimitives.ReadUInt32BigEndian(cuid.ToBytes()).ToString(CultureInfo.InvariantCulture);
}
