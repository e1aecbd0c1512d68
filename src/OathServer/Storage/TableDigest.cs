using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;

namespace OathServer.Storage;

/// <summary>A digest over the rows of a table that does not depend on their order, as two databases sort text
/// differently: the sum of the rows' SHA-256, modulo 2^256.</summary>
internal sealed class TableDigest : IDisposable
{
    private static readonly BigInteger Modulus = BigInteger.One << 256;

    private readonly IncrementalHash row = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private BigInteger sum;

    public long Rows { get; private set; }

    /// <summary>Adds the next value of the row: its kind, its length, its bytes.</summary>
    public void Add(object? value)
    {
        switch (value)
        {
            case null:
                Add('n', []);
                break;
            case string text:
                Add('s', Encoding.UTF8.GetBytes(text));
                break;
            case byte[] bytes:
                Add('b', bytes);
                break;
            case Guid guid:
                Add('g', guid.ToByteArray(bigEndian: true));
                break;
            case double real:
                AddNumber('d', BitsOf(real));
                break;
            case bool truth:
                AddNumber('i', truth ? 1 : 0);
                break;
            default:
                AddNumber('i', Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture));
                break;
        }
    }

    public void EndRow()
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        row.GetHashAndReset(hash);
        sum = (sum + new BigInteger(hash, isUnsigned: true, isBigEndian: true)) % Modulus;
        Rows++;
    }

    /// <summary>The first 128 bits, in hexadecimal.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[SHA256.HashSizeInBytes];
        bytes.Clear();
        _ = sum.TryWriteBytes(bytes, out _, isUnsigned: true);
        return Convert.ToHexStringLower(SHA256.HashData(bytes).AsSpan(0, 16));
    }

    public void Dispose() => row.Dispose();

    private static long BitsOf(double real)
    {
        Span<byte> bytes = stackalloc byte[sizeof(double)];
        BinaryPrimitives.WriteDoubleBigEndian(bytes, real);
        return BinaryPrimitives.ReadInt64BigEndian(bytes);
    }

    private void AddNumber(char kind, long number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(bytes, number);
        Add(kind, bytes);
    }

    private void Add(char kind, ReadOnlySpan<byte> bytes)
    {
        Span<byte> head = stackalloc byte[5];
        head[0] = (byte)kind;
        BinaryPrimitives.WriteInt32BigEndian(head[1..], bytes.Length);
        row.AppendData(head);
        row.AppendData(bytes);
    }
}
