using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using OtpNet;

namespace Oath.Tests;

/// <summary>What others say a code is: Otp.NET up to eight digits, the framework's HMAC for any number.</summary>
internal static class OtpNetOracle
{
    public static OtpNet.Hotp Create(OathAlgorithm algorithm, byte[] secret, int digits) =>
        new(secret, Mode(algorithm), digits);

    // Otp.NET takes the counter as a signed number and writes the same eight bytes.
    public static uint Code(OtpNet.Hotp hotp, ulong counter) =>
        uint.Parse(hotp.ComputeHOTP(unchecked((long)counter)), CultureInfo.InvariantCulture);

    /// <summary>The truncated value before any modulo, by the framework.</summary>
    public static uint Value(OathAlgorithm algorithm, byte[] secret, ulong counter)
    {
        byte[] message = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(message, counter);
        byte[] digest = algorithm switch
        {
            OathAlgorithm.Sha1 => HMACSHA1.HashData(secret, message),
            OathAlgorithm.Sha256 => HMACSHA256.HashData(secret, message),
            _ => HMACSHA512.HashData(secret, message),
        };
        return BinaryPrimitives.ReadUInt32BigEndian(digest.AsSpan(digest[^1] & 15)) & 0x7FFFFFFF;
    }

    private static OtpHashMode Mode(OathAlgorithm algorithm) => algorithm switch
    {
        OathAlgorithm.Sha1 => OtpHashMode.Sha1,
        OathAlgorithm.Sha256 => OtpHashMode.Sha256,
        _ => OtpHashMode.Sha512,
    };
}
