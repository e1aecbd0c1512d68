using System.Buffers.Binary;
using System.Security.Cryptography;

namespace OathServer.Storage;

/// <summary>Chains one node's batches of validations: each MAC covers the node, the sequence, the time, the MAC before
/// and the entries.</summary>
internal static class ValidationChain
{
    public const int MacSize = 32;

    public static byte[] Link(
        ReadOnlySpan<byte> key, int node, long sequence, long at, ReadOnlySpan<byte> previous, ReadOnlySpan<byte> entries)
    {
        using var mac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        Span<byte> head = stackalloc byte[4 + 8 + 8 + MacSize];
        head.Clear();
        BinaryPrimitives.WriteInt32BigEndian(head, node);
        BinaryPrimitives.WriteInt64BigEndian(head[4..], sequence);
        BinaryPrimitives.WriteInt64BigEndian(head[12..], at);
        previous.CopyTo(head[20..]);
        mac.AppendData(head);
        mac.AppendData(entries);
        return mac.GetHashAndReset();
    }
}
