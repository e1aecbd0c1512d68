using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Pskc.Tests;

/// <summary>Other people's tools judge what we write, and we what they write.</summary>
public sealed class PeerTests : IDisposable
{
    private const string PythonReader = """
        import sys, pskc
        p = pskc.PSKC(sys.argv[1])
        if sys.argv[2] == 'key': p.encryption.key = bytes.fromhex(sys.argv[3])
        if sys.argv[2] == 'passphrase': p.encryption.derive_key(sys.argv[3])
        for k in p.keys: print(k.serial, k.id, k.secret.hex(), k.counter, k.time_interval)
        """;

    private readonly string folder = Directory.CreateTempSubdirectory("pskc-peers").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    public static TheoryData<ValueEncryption, int, bool> PythonReads()
    {
        var data = new TheoryData<ValueEncryption, int, bool>();
        foreach (var octets in (int[])[16, 24, 32])
        {
            data.Add(ValueEncryption.AesCbcHmacSha1, octets, true);
            data.Add(ValueEncryption.AesCbcHmacSha256, octets, true);
            data.Add(ValueEncryption.AesCbcHmacSha1, octets, false);
            data.Add(ValueEncryption.AesKeyWrap, octets, false);
        }
        data.Add(ValueEncryption.TripleDesCbcHmacSha1, 24, true);
        return data;
    }

    [Theory, MemberData(nameof(PythonReads))]
    public void Python_pskc_reads_what_we_encrypt(ValueEncryption encryption, int octets, bool integers)
    {
        Assert.Equal(13, PythonReads().Count);
        var key = RandomNumberGenerator.GetBytes(octets);
        using var protection = ContainerProtection.PreSharedKey(key, encryption: encryption);
        var packages = Shipment();
        var file = Stored(Containers.Write(new() { Protection = protection, EncryptIntegers = integers }, packages));

        var seen = Run("/usr/bin/python3", "-c", PythonReader, file, "key", Convert.ToHexString(key));

        Assert.Equal(Expected(packages), seen);
    }

    [Fact]
    public void Python_pskc_reads_what_we_close_with_a_passphrase_and_what_we_leave_open()
    {
        var packages = Shipment();
        using var passphrase = ContainerProtection.Passphrase("a pass phrase", iterations: 2000);
        using var none = ContainerProtection.None();
        var closed = Stored(Containers.Write(new() { Protection = passphrase }, packages));
        var open = Stored(Containers.Write(new() { Protection = none }, packages));

        Assert.Equal(Expected(packages), Run("/usr/bin/python3", "-c", PythonReader, closed, "passphrase", "a pass phrase"));
        Assert.Equal(Expected(packages), Run("/usr/bin/python3", "-c", PythonReader, open, "none"));
    }

    [Fact]
    public void Pskctool_finds_every_form_we_write_valid_by_the_schema_and_reads_plain_files()
    {
        var packages = Shipment();
        using var none = ContainerProtection.None();
        using var passphrase = ContainerProtection.Passphrase("p", iterations: 1000, prf: HashAlgorithmName.SHA256);
        foreach (var protection in Enum.GetValues<ValueEncryption>()
            .Select(encryption => ContainerProtection.PreSharedKey(Containers.Key16, encryption: encryption)).Append(none).Append(passphrase))
        {
            using (protection)
            {
                var file = Stored(Containers.Write(new() { Protection = protection, Id = "c1", EncryptIntegers = true }, packages));

                // Its exit status lies; its word is what counts.
                Assert.Equal("OK", Run("/usr/bin/pskctool", "--validate", file).Trim());
            }
        }
        using var plain = ContainerProtection.None();
        var seen = Run("/usr/bin/pskctool", "--info", Stored(Containers.Write(new() { Protection = plain }, packages)));
        Assert.All(packages, package => Assert.Contains(
            $"Key Secret (base64): {Convert.ToBase64String(package.Keys[0].Secret!)}", seen, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Pskctool_verifies_what_we_sign_and_sees_a_change(bool indent)
    {
        using var ca = new TestCa();
        using var none = ContainerProtection.None();
        var octets = Containers.Write(new() { Protection = none, Id = "c1", Signer = ca.Signer, Indent = indent }, Shipment());
        var anchor = Path.Combine(folder, "ca.pem");
        File.WriteAllText(anchor, ca.Root.ExportCertificatePem());

        var changed = Encoding.UTF8.GetString(octets).Replace("P0001", "P0009", StringComparison.Ordinal);

        Assert.Equal("OK", Run("/usr/bin/pskctool", "--verify", "--verify-crt", anchor, Stored(octets)).Trim());
        Assert.DoesNotContain("OK",
            Run("/usr/bin/pskctool", "--verify", "--verify-crt", anchor, Stored(Encoding.UTF8.GetBytes(changed))), StringComparison.Ordinal);
    }

    [Fact]
    public void We_verify_what_pskctool_signs_without_a_reference_URI_and_see_a_change()
    {
        using var ca = new TestCa();
        using var none = ContainerProtection.None();
        var plain = Stored(Containers.Write(new() { Protection = none }, Shipment()));
        var (key, certificate) = (Path.Combine(folder, "s.key"), Path.Combine(folder, "s.pem"));
        File.WriteAllText(key, ca.Signer.GetRSAPrivateKey()!.ExportRSAPrivateKeyPem());
        File.WriteAllText(certificate, ca.Signer.ExportCertificatePem());
        var signed = Run("/usr/bin/pskctool", "--sign", "--sign-key", key, "--sign-crt", certificate, plain);
        Assert.Contains("<Reference>", signed, StringComparison.Ordinal);
        var options = new PskcReadOptions { TrustAnchors = [ca.Root] };

        var read = Containers.Read(Encoding.UTF8.GetBytes(signed), options, out var header, out _);

        Assert.Equal(5, read.Count);
        Assert.Equal("CN=Signer", header.SignerSubject);
        Assert.Equal(PskcFault.SignatureInvalid,
            Containers.Refused(signed.Replace("P0001", "P0009", StringComparison.Ordinal), options).Fault);
    }

    private static KeyPackage[] Shipment() =>
    [
        .. Enumerable.Range(1, 5).Select(i =>
            Containers.Hotp($"P{i:D4}", counter: i switch { 1 => 48, 2 => 12336, 3 => 0, 4 => 70_000, _ => 13618 })),
    ];

    private static string Expected(KeyPackage[] packages) => string.Concat(packages.Select(package =>
        string.Create(CultureInfo.InvariantCulture,
            $"{package.SerialNo} {package.Keys[0].Id} {Convert.ToHexStringLower(package.Keys[0].Secret!)} {package.Keys[0].Counter} None\n")));

    private string Stored(byte[] octets)
    {
        var path = Path.Combine(folder, Guid.NewGuid().ToString("N") + ".pskcxml");
        File.WriteAllBytes(path, octets);
        return path;
    }

    private static string Run(string program, params string[] arguments)
    {
        Assert.SkipUnless(File.Exists(program), $"{program} is not installed; ./test installs it");
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.SkipWhen(errors.Result.Contains("No module named", StringComparison.Ordinal), "python3-pskc is not installed");
        return output;
    }
}
