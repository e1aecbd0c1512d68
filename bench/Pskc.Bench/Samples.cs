using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Pskc.Bench;

/// <summary>Makes the files of samples/pskc anew. Their keys are public and must never be used.</summary>
internal static class Samples
{
    private const string Passphrase = "correct horse battery staple";

    public static int Write(string folder)
    {
        Directory.CreateDirectory(Path.Combine(folder, "invalid"));
        var key = RandomNumberGenerator.GetBytes(16);
        File.WriteAllText(At("shipment.key.hex"), Convert.ToHexStringLower(key) + "\n");
        File.WriteAllText(At("passphrase.txt"), Passphrase + "\n");
        using var preShared = ContainerProtection.PreSharedKey(key);
        using var none = ContainerProtection.None();
        Put("shipment.pskcxml", new() { Protection = preShared, Id = "demo-shipment-1" }, [.. Hotp("OSK", 30)]);
        Put("plain.pskcxml", new() { Protection = none, Id = "demo-plain" }, [.. Hotp("OSP", 3)]);
        using (var passphrase = ContainerProtection.Passphrase(Passphrase, iterations: 100_000))
        {
            Put("passphrase.pskcxml", new() { Protection = passphrase }, [.. Hotp("OSW", 3)]);
        }
        using (var strong = ContainerProtection.PreSharedKey(SHA256.HashData(key), encryption: ValueEncryption.AesGcm))
        {
            File.WriteAllText(At("gcm.key.hex"), Convert.ToHexStringLower(SHA256.HashData(key)) + "\n");
            Put("gcm.pskcxml", new() { Protection = strong, EncryptIntegers = true }, [.. Hotp("OSG", 3)]);
        }
        Put("totp.pskcxml", new() { Protection = preShared }, [.. Totp()]);
        WriteRecipient();
        WriteSigned(none);
        WriteInvalid();
        return 0;

        string At(string name) => Path.Combine(folder, name);

        void Put(string name, PskcWriteOptions options, KeyPackage[] packages)
        {
            PskcWriter.WriteFile(At(name), options, packages, overwrite: true);
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(At(name), UnixFileMode.UserRead | UnixFileMode.UserWrite
                    | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
            }
        }

        void WriteRecipient()
        {
            using var rsa = RSA.Create(2048);
            using var certificate = Certificate("CN=OATH Demo Recipient", rsa, issuer: null);
            using var protection = ContainerProtection.Recipient(certificate);
            Put("rsa.pskcxml", new() { Protection = protection }, [.. Hotp("OSR", 3)]);
            File.WriteAllText(At("rsa.private.pem"), rsa.ExportPkcs8PrivateKeyPem() + "\n");
        }

        void WriteSigned(ContainerProtection protection)
        {
            using var rootKey = RSA.Create(2048);
            using var root = Certificate("CN=OATH Demo CA", rootKey, issuer: null);
            using var signerKey = RSA.Create(2048);
            using var signer = Certificate("CN=OATH Demo Vendor", signerKey, root).CopyWithPrivateKey(signerKey);
            Put("signed.pskcxml", new() { Protection = protection, Id = "demo-signed", Signer = signer }, [.. Hotp("OSS", 3)]);
            File.WriteAllText(At("signed.ca.pem"), root.ExportCertificatePem() + "\n");
        }

        void WriteInvalid()
        {
            var shipment = File.ReadAllText(At("shipment.pskcxml"));
            var plain = File.ReadAllText(At("plain.pskcxml"));
            var signed = File.ReadAllText(At("signed.pskcxml"));
            var second = shipment.IndexOf("<ValueMAC>", shipment.IndexOf("OSK00000002", StringComparison.Ordinal), StringComparison.Ordinal);
            Invalid("wrong-mac", shipment[..(second + 10)] + (shipment[second + 10] == 'A' ? 'B' : 'A') + shipment[(second + 11)..]);
            var end = shipment.IndexOf("</ValueMAC>", second, StringComparison.Ordinal) + 11;
            Invalid("mac-stripped", shipment[..second] + shipment[end..]);
            Invalid("truncated", shipment[..(shipment.Length / 2)]);
            Invalid("duplicate-key", plain.Replace("OSP00000002", "OSP00000001", StringComparison.Ordinal));
            Invalid("not-pskc", "<?xml version=\"1.0\"?>\n<html><body>The page is not here.</body></html>\n");
            Invalid("not-xml", "OSK00000001,3132333435363738393031323334353637383930,0\n");
            Invalid("dtd", plain.Replace("<KeyContainer", "<!DOCTYPE KeyContainer [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>\n<KeyContainer", StringComparison.Ordinal));
            Invalid("version-2", plain.Replace("Version=\"1.0\"", "Version=\"2.0\"", StringComparison.Ordinal));
            Invalid("negative-counter", Regex(plain, "<Counter>", "</Counter>", "<PlainValue>-5</PlainValue>"));
            Invalid("bad-base64", Regex(plain, "<Secret>", "</Secret>", "<PlainValue>not*base64</PlainValue>"));
            Invalid("empty-secret", Regex(plain, "<Secret>", "</Secret>", "<PlainValue></PlainValue>"));
            Invalid("unknown-mac", shipment.Replace("#hmac-sha1", "#hmac-zha9", StringComparison.Ordinal));
            Invalid("unknown-cipher", shipment.Replace("#aes128-cbc", "#aes129-cbc", StringComparison.Ordinal));
            Invalid("mixed-namespaces", plain.Replace("<Secret>", "<Secret xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc:1.0\">", StringComparison.Ordinal));
            Invalid("forged-signature", signed.Replace("OSS00000001", "OSS00000009", StringComparison.Ordinal));
            Invalid("no-mac-at-all", WithoutMac(shipment));
        }

        void Invalid(string name, string text) =>
            File.WriteAllText(At($"invalid/{name}.pskcxml"), text, new UTF8Encoding(false));
    }

    private static string Regex(string text, string from, string to, string inside)
    {
        var start = text.IndexOf(from, StringComparison.Ordinal) + from.Length;
        return text[..start] + inside + text[text.IndexOf(to, start, StringComparison.Ordinal)..];
    }

    private static string WithoutMac(string text)
    {
        var start = text.IndexOf("<MACMethod", StringComparison.Ordinal);
        var end = text.IndexOf("</MACMethod>", StringComparison.Ordinal) + "</MACMethod>".Length;
        text = text[..start] + text[end..];
        while (text.IndexOf("<ValueMAC>", StringComparison.Ordinal) is var mac and >= 0)
        {
            text = text[..mac] + text[(text.IndexOf("</ValueMAC>", mac, StringComparison.Ordinal) + "</ValueMAC>".Length)..];
        }
        return text;
    }

    private static IEnumerable<KeyPackage> Hotp(string prefix, int count)
    {
        for (var i = 1; i <= count; i++)
        {
            var serial = string.Create(CultureInfo.InvariantCulture, $"{prefix}{i:D8}");
            // Shipments do not start at 0: tokens were tried at the factory. Some are past 16 bits on purpose.
            var counter = i % 5 == 0 ? RandomNumberGenerator.GetInt32(65_536, 1_000_000) : RandomNumberGenerator.GetInt32(1, 5_000);
            yield return Package(serial, new Key
            {
                Id = serial,
                Algorithm = KeyAlgorithm.Hotp,
                Issuer = "OATH Demo",
                ResponseFormat = new ResponseFormat(ValueEncoding.Decimal, 6),
                Secret = RandomNumberGenerator.GetBytes(20),
                Counter = counter,
            });
        }
    }

    private static IEnumerable<KeyPackage> Totp()
    {
        OtpHash[] hashes = [OtpHash.Sha1, OtpHash.Sha256, OtpHash.Sha512];
        for (var i = 0; i < hashes.Length; i++)
        {
            var serial = string.Create(CultureInfo.InvariantCulture, $"OST{i + 1:D8}");
            yield return Package(serial, new Key
            {
                Id = serial,
                Algorithm = KeyAlgorithm.Totp,
                Hash = hashes[i],
                Issuer = "OATH Demo",
                ResponseFormat = new ResponseFormat(ValueEncoding.Decimal, i == 0 ? 6 : 8),
                Secret = RandomNumberGenerator.GetBytes(i switch { 0 => 20, 1 => 32, _ => 64 }),
                Time = 0,
                TimeInterval = i == 2 ? 60 : 30,
            });
        }
    }

    private static KeyPackage Package(string serial, Key key) => new()
    {
        Manufacturer = "OATH Demo Keys",
        SerialNo = serial,
        Model = "Demo",
        Keys = [key],
    };

    private static X509Certificate2 Certificate(string subject, RSA key, X509Certificate2? issuer)
    {
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var start = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        if (issuer is not null)
        {
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
            request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
            return request.Create(issuer, start, start.AddYears(20), RandomNumberGenerator.GetBytes(8));
        }
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(start, start.AddYears(25));
    }
}
