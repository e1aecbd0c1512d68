using System.Security.Cryptography;
using System.Text;

namespace Pskc.Tests;

/// <summary>Wrong keys, changed values, missing MACs: one message, nothing returned.</summary>
public sealed class AuthenticityTests : IDisposable
{
    private readonly KeySource right = KeySource.PreSharedKey(Containers.Key16);

    public void Dispose() => right.Dispose();

    public static TheoryData<ValueEncryption> Encryptions() => [.. Enum.GetValues<ValueEncryption>()];

    [Theory, MemberData(nameof(Encryptions))]
    public void A_wrong_key_and_a_changed_value_give_one_message_that_names_the_key_package(ValueEncryption encryption)
    {
        Assert.Equal(6, Encryptions().Count);
        var file = Text(Make(encryption));
        using var wrong = KeySource.PreSharedKey(Convert.FromHexString("ff112233445566778899aabbccddee00"));

        var byKey = Containers.Refused(file, new() { Key = wrong });
        var byChange = Containers.Refused(Changed(file, "CipherValue", after: "SN1"), new() { Key = right });

        Assert.Equal(PskcFault.NotAuthentic, byKey.Fault);
        Assert.Equal((byKey.Message, byKey.Fault, byKey.Line, byKey.SerialNo), (byChange.Message, byChange.Fault, byChange.Line, byChange.SerialNo));
        Assert.Equal("SN1", byKey.SerialNo);
        Assert.Contains($"line {byKey.Line}, serial SN1: ", byKey.Message, StringComparison.Ordinal);
        Assert.Null(byKey.InnerException);
    }

    [Fact]
    public void A_wrong_MAC_is_the_same_message_again()
    {
        var file = Text(Make(ValueEncryption.AesCbcHmacSha256));

        var byMac = Containers.Refused(Changed(file, "ValueMAC", after: "SN1"), new() { Key = right });
        var byValue = Containers.Refused(Changed(file, "CipherValue", after: "SN1"), new() { Key = right });

        Assert.Equal(byValue.Message, byMac.Message);
    }

    [Fact]
    public void Bad_padding_and_bad_MAC_cannot_be_told_apart_at_any_octet()
    {
        var file = Text(Make(ValueEncryption.AesCbcHmacSha1));
        var start = file.IndexOf("<xenc:CipherValue>", file.IndexOf("SN1", StringComparison.Ordinal), StringComparison.Ordinal) + 18;
        var end = file.IndexOf('<', start);
        var cipher = Convert.FromBase64String(file[start..end]);
        var messages = new HashSet<string>();
        for (var i = 0; i < cipher.Length; i++)
        {
            cipher[i] ^= 0x11;
            messages.Add(Containers.Refused(file[..start] + Convert.ToBase64String(cipher) + file[end..], new() { Key = right }).Message);
            cipher[i] ^= 0x11;
        }
        messages.Add(Containers.Refused(file[..start] + Convert.ToBase64String(cipher[..^3]) + file[end..], new() { Key = right }).Message);
        messages.Add(Containers.Refused(file[..start] + Convert.ToBase64String(cipher[..4]) + file[end..], new() { Key = right }).Message);

        Assert.Single(messages);
    }

    [Fact]
    public void A_wrong_passphrase_is_the_same_fault()
    {
        using var protection = ContainerProtection.Passphrase("right", iterations: 10);
        using var wrong = KeySource.Passphrase("wrong");

        var fault = Containers.Refused(Containers.Write(new() { Protection = protection }, Containers.Hotp("SN1")), new() { Key = wrong });

        Assert.Equal((PskcFault.NotAuthentic, "SN1"), (fault.Fault, fault.SerialNo));
    }

    [Fact]
    public void A_stripped_MAC_is_refused_even_when_unauthenticated_files_are_allowed()
    {
        var file = Text(Make(ValueEncryption.AesCbcHmacSha1));
        var stripped = Without(file, "ValueMAC");

        Assert.Equal(PskcFault.MacMissing, Containers.Refused(stripped, new() { Key = right, AllowUnauthenticated = true }).Fault);
        Assert.Equal(PskcFault.MacMissing, Containers.Refused(Without(stripped, "MACMethod"), new() { Key = right }).Fault);
        Assert.Single(Containers.Read(Encoding.UTF8.GetBytes(Without(stripped, "MACMethod")),
            new() { Key = right, AllowUnauthenticated = true }, out _, out var warnings));
        Assert.Contains(warnings, warning => warning.What.Contains("without MAC", StringComparison.Ordinal));
    }

    [Fact]
    public void The_skip_policy_returns_the_key_without_secret_and_with_the_reason()
    {
        var file = Text(Make(ValueEncryption.AesCbcHmacSha1, "SN1", "SN2", "SN3"));

        var read = Containers.Read(Encoding.UTF8.GetBytes(Changed(file, "ValueMAC", after: "SN2")),
            new() { Key = right, MacPolicy = MacPolicy.SkipKey }, out _, out var warnings);

        Assert.Equal([true, false, true], read.Select(package => package.Keys[0].IsUsable));
        Assert.Null(read[1].Keys[0].Secret);
        Assert.Equal("its Secret does not authenticate", read[1].Keys[0].UnusableReason);
        Assert.Equal(["SN2"], warnings.Select(warning => warning.SerialNo));
    }

    [Fact]
    public void No_check_reads_a_file_with_a_wrong_MAC_and_says_so()
    {
        var file = Text(Make(ValueEncryption.AesCbcHmacSha1));

        var read = Containers.Read(Encoding.UTF8.GetBytes(Changed(file, "ValueMAC", after: "SN1")),
            new() { Key = right, MacPolicy = MacPolicy.NoCheck }, out _, out var warnings);

        Assert.NotNull(read.Single().Keys[0].Secret);
        Assert.Contains("not checked", warnings.Single().What, StringComparison.Ordinal);
    }

    [Fact]
    public void An_encrypted_file_without_key_says_which_key_it_wants()
    {
        var file = Make(ValueEncryption.AesCbcHmacSha1);
        using var passphrase = KeySource.Passphrase("p");
        using var tooLong = KeySource.PreSharedKey(new byte[32]);

        Assert.Contains("a pre-shared key named 'Pre-shared-key'", Containers.Refused(file).Message, StringComparison.Ordinal);
        Assert.Equal(PskcFault.KeyRequired, Containers.Refused(file).Fault);
        Assert.Equal(PskcFault.KeyRequired, Containers.Refused(file, new() { Key = passphrase }).Fault);
        Assert.Contains("16 octets; the one given has 32", Containers.Refused(file, new() { Key = tooLong }).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Structure_can_be_read_without_any_key()
    {
        var package = Containers.Read(Make(ValueEncryption.AesGcm), new() { StructureOnly = true }).Single();

        Assert.Equal(("SN1", null, false), (package.SerialNo, package.Keys[0].Secret, package.Keys[0].IsUsable));
    }

    [Fact]
    public void RSA_15_is_refused_unless_asked_for()
    {
        using var rsa = RSA.Create(2048);
        var secret = RandomNumberGenerator.GetBytes(20);
        var file = Containers.WithKey($"""
            <Data><Secret><EncryptedValue xmlns:xenc="http://www.w3.org/2001/04/xmlenc#">
            <xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#rsa_1_5"/>
            <xenc:CipherData><xenc:CipherValue>{Convert.ToBase64String(rsa.Encrypt(secret, RSAEncryptionPadding.Pkcs1))}</xenc:CipherValue></xenc:CipherData>
            </EncryptedValue></Secret></Data>
            """);
        using var key = KeySource.FromPem(rsa.ExportPkcs8PrivateKeyPem());

        Assert.Equal(PskcFault.UnsupportedAlgorithm, Containers.Refused(file, new() { Key = key }).Fault);
        Assert.Equal(secret, Containers.OnlyKey(file, new() { Key = key, AllowRsa15 = true }).Secret);
    }

    [Theory]
    [InlineData("http://www.w3.org/2009/xmlenc11#rsa-oaep", "sha256", "sha256")]
    [InlineData("http://www.w3.org/2009/xmlenc11#rsa-oaep", "sha512", "sha512")]
    [InlineData("http://www.w3.org/2009/xmlenc11#rsa-oaep", "sha256", "sha1")]
    [InlineData("http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p", "sha256", null)]
    [InlineData("http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p", null, null)]
    public void OAEP_is_read_with_the_digest_and_mask_it_names(string uri, string? digest, string? mask)
    {
        using var rsa = RSA.Create(2048);
        var secret = RandomNumberGenerator.GetBytes(20);
        var engine = new Org.BouncyCastle.Crypto.Encodings.OaepEncoding(new Org.BouncyCastle.Crypto.Engines.RsaEngine(),
            Org.BouncyCastle.Security.DigestUtilities.GetDigest(digest ?? "sha1"),
            Org.BouncyCastle.Security.DigestUtilities.GetDigest(mask ?? "sha1"), null);
        engine.Init(true, Org.BouncyCastle.Security.DotNetUtilities.GetRsaPublicKey(rsa));
        var file = Containers.WithKey($"""
            <Data><Secret><EncryptedValue xmlns:xenc="http://www.w3.org/2001/04/xmlenc#">
            <xenc:EncryptionMethod Algorithm="{uri}">
            {(digest is null ? "" : $"<DigestMethod xmlns=\"http://www.w3.org/2000/09/xmldsig#\" Algorithm=\"http://www.w3.org/2001/04/xmlenc#{digest}\"/>")}
            {(mask is null ? "" : $"<MGF xmlns=\"http://www.w3.org/2009/xmlenc11#\" Algorithm=\"http://www.w3.org/2009/xmlenc11#mgf1{mask}\"/>")}
            </xenc:EncryptionMethod>
            <xenc:CipherData><xenc:CipherValue>{Convert.ToBase64String(engine.ProcessBlock(secret, 0, 20))}</xenc:CipherValue></xenc:CipherData>
            </EncryptedValue></Secret></Data>
            """);
        using var key = KeySource.FromPem(rsa.ExportPkcs8PrivateKeyPem());

        Assert.Equal(secret, Containers.OnlyKey(file, new() { Key = key }).Secret);
    }

    [Fact]
    public void Two_algorithms_in_one_file_are_refused()
    {
        var file = Text(Make(ValueEncryption.AesCbcHmacSha1, "SN1", "SN2"));
        var second = file.LastIndexOf("#aes128-cbc", StringComparison.Ordinal);

        var mixed = file[..second] + "#aes128-gcm" + file[(second + 11)..];

        Assert.Equal(PskcFault.BadStructure, Containers.Refused(mixed, new() { Key = right }).Fault);
    }

    [Fact]
    public void Secrets_and_keys_are_cleared_on_dispose()
    {
        var package = Containers.Read(Make(ValueEncryption.AesCbcHmacSha1), new() { Key = right }).Single();
        var secret = package.Keys[0].Secret!;
        var source = (KeySource.PreSharedKeySource)KeySource.PreSharedKey(Containers.Key16);

        package.Dispose();
        source.Dispose();

        Assert.Equal(new byte[20], secret);
        Assert.Equal(new byte[16], source.Key);
    }

    private static byte[] Make(ValueEncryption encryption, params string[] serials)
    {
        using var protection = ContainerProtection.PreSharedKey(Containers.Key16, encryption: encryption);
        return Containers.Write(new() { Protection = protection },
            (serials.Length > 0 ? serials : ["SN1"]).Select(serial => Containers.Hotp(serial)));
    }

    private static string Text(byte[] octets) => Encoding.UTF8.GetString(octets);

    /// <summary>One character changed in the first such element after a place.</summary>
    private static string Changed(string file, string element, string after)
    {
        var at = file.IndexOf(element + ">", file.IndexOf(after, StringComparison.Ordinal), StringComparison.Ordinal) + element.Length + 3;
        return file[..at] + (file[at] == 'A' ? 'B' : 'A') + file[(at + 1)..];
    }

    private static string Without(string file, string element)
    {
        while (file.IndexOf("<" + element, StringComparison.Ordinal) is var start and >= 0)
        {
            var end = file.IndexOf($"</{element}>", start, StringComparison.Ordinal) + element.Length + 3;
            file = file[..start] + file[end..];
        }
        return file;
    }
}
