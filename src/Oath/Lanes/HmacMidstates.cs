using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Oath.Lanes;

/// <summary>The hash states after the first block of HMAC's halves: K ^ ipad, K ^ opad (RFC 2104 section 4).</summary>
internal static unsafe class HmacMidstates
{
    private const byte InnerPad = 0x36, OuterPad = 0x5C;
    private const int LargestBlock = 128;

    /// <summary>Writes the inner state, then the outer one.</summary>
    public static void Derive(OathAlgorithm algorithm, ReadOnlySpan<byte> secret, Span<byte> midstates)
    {
        Span<byte> padded = stackalloc byte[LargestBlock];
        padded.Clear();
        Span<byte> block = padded[..(algorithm == OathAlgorithm.Sha512 ? 128 : 64)];
        try
        {
            // RFC 2104 section 2: a key longer than a block is hashed first.
            if (secret.Length <= block.Length)
                secret.CopyTo(block);
            else
                Hash(algorithm, secret, block);

            int half = midstates.Length / 2;
            Absorb(algorithm, block, InnerPad, midstates[..half]);
            Absorb(algorithm, block, OuterPad, midstates[half..]);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(padded);
        }
    }

    private static void Hash(OathAlgorithm algorithm, ReadOnlySpan<byte> secret, Span<byte> digest)
    {
        switch (algorithm)
        {
            case OathAlgorithm.Sha1:
                SHA1.HashData(secret, digest);
                break;
            case OathAlgorithm.Sha256:
                SHA256.HashData(secret, digest);
                break;
            default:
                SHA512.HashData(secret, digest);
                break;
        }
    }

    private static void Absorb(OathAlgorithm algorithm, ReadOnlySpan<byte> block, byte pad, Span<byte> midstate)
    {
        fixed (byte* destination = midstate)
        {
            if (algorithm == OathAlgorithm.Sha512)
            {
                ulong* words = stackalloc ulong[16];
                for (int t = 0; t < 16; t++)
                    words[t] = BinaryPrimitives.ReadUInt64BigEndian(block[(t * 8)..]) ^ (0x01010101_01010101ul * pad);
                RoundConstants.Sha512Initial.CopyTo(new Span<ulong>(destination, 8));
                Sha512Lanes<ScalarLanes64, ulong>.Absorb(words, (ulong*)destination);
                new Span<ulong>(words, 16).Clear();
                return;
            }

            uint* halves = stackalloc uint[16];
            for (int t = 0; t < 16; t++)
                halves[t] = BinaryPrimitives.ReadUInt32BigEndian(block[(t * 4)..]) ^ (0x01010101u * pad);
            if (algorithm == OathAlgorithm.Sha1)
            {
                RoundConstants.Sha1Initial.CopyTo(new Span<uint>(destination, 5));
                Sha1Lanes<ScalarLanes32, uint>.Absorb(halves, (uint*)destination);
            }
            else
            {
                RoundConstants.Sha256Initial.CopyTo(new Span<uint>(destination, 8));
                Sha256Lanes<ScalarLanes32, uint>.Absorb(halves, (uint*)destination);
            }

            new Span<uint>(halves, 16).Clear();
        }
    }
}
