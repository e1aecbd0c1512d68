using OtpNet;

namespace OathServer.Tests;

/// <summary>Codes as another implementation makes them.</summary>
internal static class Codes
{
    public static readonly byte[] Secret = "12345678901234567890"u8.ToArray();

    public static string Hotp(byte[] secret, long counter, int digits = 6) => new Hotp(secret, OtpHashMode.Sha1, digits).ComputeHOTP(counter);

    public static string Totp(byte[] secret, DateTimeOffset at, int digits = 6) => new Totp(secret, 30, OtpHashMode.Sha1, digits).ComputeTotp(at.UtcDateTime);
}
