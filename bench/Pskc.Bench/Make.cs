using System.Globalization;
using System.Security.Cryptography;

namespace Pskc.Bench;

/// <summary>Makes a shipment of HOTP keys, indented as vendors' files are.</summary>
internal static class Make
{
    public static int Run(string path, int count, string? keyHex)
    {
        using var protection = keyHex is null
            ? ContainerProtection.None()
            : ContainerProtection.PreSharedKey(Convert.FromHexString(keyHex));
        PskcWriter.WriteFile(path, new PskcWriteOptions { Protection = protection }, Packages(count));
        return 0;
    }

    private static IEnumerable<KeyPackage> Packages(int count)
    {
        for (var i = 1; i <= count; i++)
        {
            var serial = string.Create(CultureInfo.InvariantCulture, $"BEN{i:D8}");
            yield return new KeyPackage
            {
                Manufacturer = "OATH Demo Keys",
                SerialNo = serial,
                Keys =
                [
                    new Key
                    {
                        Id = serial,
                        Algorithm = KeyAlgorithm.Hotp,
                        Issuer = "OathServer bench",
                        ResponseFormat = new ResponseFormat(ValueEncoding.Decimal, 6),
                        Secret = RandomNumberGenerator.GetBytes(20),
                        Counter = RandomNumberGenerator.GetInt32(1_000_000),
                    },
                ],
            };
        }
    }
}
