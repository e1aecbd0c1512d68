using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using SecurityKeys;

namespace OathServer.Provisioning;

/// <summary>A PUK with what is needed to make it again.</summary>
internal sealed record MadePuk(byte[] Digits, int MasterVersion, int Attempt);

/// <summary>
/// The PUK of a key from the PUK master secret and the key's CUID: HMAC-SHA-256 over a tagged, length-prefixed text, its
/// first 128 bits modulo 10^digits; all 256 for more digits or another alphabet. Weak values are skipped by the attempt number, which the record keeps.
/// </summary>
/// <remarks>Text: <c>"puk" 00 | u16 length, profile | 00 | u32 master version | 00 | u16 length, CUID | 00 | u8 attempt</c>,
/// numbers big-endian, texts UTF-8. The profile's name is part of it: one CUID in two rollouts has two PUKs.</remarks>
internal static class PukDerivation
{
    /// <summary>The CUID with how it was read, e.g. <c>DeviceSerial:00BC614E</c>: the same bytes read in two ways are two keys.</summary>
    public static string Tagged(string source, string cuid) => $"{source}:{cuid}";

    /// <summary>First attempt that is not weak.</summary>
    public static MadePuk Derive(
        ReadOnlySpan<byte> master, int masterVersion, string profile, string cuid, int digits, string alphabet = SecretRule.Digits)
    {
        for (var attempt = 0; attempt <= byte.MaxValue; attempt++)
        {
            var made = At(master, masterVersion, profile, cuid, digits, attempt, alphabet);
            if (!SecretDigits.IsWeak(made, alphabet))
            {
                return new MadePuk(made, masterVersion, attempt);
            }
        }

        throw new InvalidOperationException("256 weak values in a row: this master secret is not random.");
    }

    /// <summary>The value of a stated attempt, as a record says.</summary>
    public static byte[] At(ReadOnlySpan<byte> master, int masterVersion, string profile, string cuid, int digits, int attempt, string alphabet = SecretRule.Digits)
    {
        using var text = new MemoryStream();
        text.Write("puk\0"u8);
        Write(text, profile);
        text.WriteByte(0);
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, masterVersion);
        text.Write(number);
        text.WriteByte(0);
        Write(text, cuid);
        text.WriteByte(0);
        text.WriteByte(checked((byte)attempt));
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(master, text.ToArray(), mac);
        // What fits digits was derived so from the first day; a wider value takes all the bits there are.
        var isDigits = alphabet == SecretRule.Digits && digits <= 16;
        var digitsOut = SecretDigits.Reduce(isDigits ? mac[..16] : mac, digits, alphabet);
        CryptographicOperations.ZeroMemory(mac);
        return digitsOut;
    }

    private static void Write(MemoryStream text, string part)
    {
        var bytes = Encoding.UTF8.GetBytes(part);
        Span<byte> length = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(length, checked((ushort)bytes.Length));
        text.Write(length);
        text.Write(bytes);
    }
}
