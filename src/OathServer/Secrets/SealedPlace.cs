using System.Buffers.Binary;
using System.Text;

namespace OathServer.Secrets;

/// <summary>Where a sealed value belongs: it opens nowhere else. The four parts are the associated data of its cipher.</summary>
internal readonly record struct SealedPlace(string Table, string Row, string Column, int Version = 1)
{
    public static SealedPlace TokenSecret(string serial, int generation) => new("tokens", serial, "secret", generation);

    public static SealedPlace TokenPin(string serial, int version) => new("token_pins", serial, "verifier", version);

    public static SealedPlace RecordPin(string cuid) => new("records", cuid, "pin");

    public static SealedPlace RecordPuk(string cuid) => new("records", cuid, "puk");

    public static SealedPlace RecordManagementKey(string cuid) => new("records", cuid, "management-key");

    public static SealedPlace StepOld(Guid job, int ordinal) => new("provisioning_steps", $"{job:N}/{ordinal}", "old");

    public static SealedPlace StepNew(Guid job, int ordinal) => new("provisioning_steps", $"{job:N}/{ordinal}", "new");

    public static SealedPlace ServerSecret(string purpose, int version) => new("server_secrets", purpose, "value", version);

    public static SealedPlace CookieKey(string name) => new("cookie_keys", name, "value");

    public static SealedPlace WebhookSecret(string name) => new("webhooks", name, "secret");

    public static SealedPlace Canary(string keyId) => new("sealing_keys", keyId, "canary");

    /// <summary>Length-prefixed, so that no two places write the same bytes.</summary>
    internal byte[] AssociatedData()
    {
        var size = 4 + Prefixed(Table) + Prefixed(Row) + Prefixed(Column);
        var data = new byte[size];
        BinaryPrimitives.WriteInt32BigEndian(data, Version);
        var rest = data.AsSpan(4);
        foreach (var part in (ReadOnlySpan<string>)[Table, Row, Column])
        {
            var length = Encoding.UTF8.GetBytes(part, rest[2..]);
            BinaryPrimitives.WriteUInt16BigEndian(rest, checked((ushort)length));
            rest = rest[(2 + length)..];
        }

        return data;
    }

    private static int Prefixed(string part) => 2 + Encoding.UTF8.GetByteCount(part);
}
