using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Pskc.Tests;

/// <summary>Signatures: what is verified is what is read, and who signed is who was trusted.</summary>
public sealed class SignatureTests : IDisposable
{
    private readonly TestCa ca = new();

    public void Dispose() => ca.Dispose();

    private PskcReadOptions Trusting => new() { TrustAnchors = [ca.Root] };

    private string Signed(string? id = "c1")
    {
        using var none = ContainerProtection.None();
        return Encoding.UTF8.GetString(Containers.Write(new() { Protection = none, Id = id, Signer = ca.Signer },
            Containers.Hotp("GOOD1"), Containers.Hotp("GOOD2")));
    }

    [Fact]
    public void A_signed_container_is_read_and_its_signer_named()
    {
        var read = Containers.Read(Encoding.UTF8.GetBytes(Signed()), Trusting, out var header, out var warnings);

        Assert.Equal((2, "CN=Signer"), (read.Count, header.SignerSubject));
        Assert.Empty(warnings);
    }

    [Fact]
    public void White_space_and_a_mark_before_the_declaration_do_not_hinder_it()
    {
        Assert.Equal(2, Containers.Read(Encoding.UTF8.GetBytes("\n \n" + Signed()), Trusting).Count);
        Assert.Equal(2, Containers.Read([0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes(Signed())], Trusting).Count);
    }

    [Fact]
    public void A_signed_and_encrypted_container_is_verified_then_opened()
    {
        using var protection = ContainerProtection.PreSharedKey(Containers.Key16);
        using var key = KeySource.PreSharedKey(Containers.Key16);
        var file = Containers.Write(new() { Protection = protection, Signer = ca.Signer }, Containers.Hotp("S"));

        Assert.NotNull(Containers.Read(file, Trusting with { Key = key }).Single().Keys[0].Secret);
    }

    [Fact]
    public void Without_trust_anchors_a_signature_is_not_checked_and_a_warning_says_so()
    {
        Containers.Read(Encoding.UTF8.GetBytes(Signed()), null, out var header, out var warnings);

        Assert.Null(header.SignerSubject);
        Assert.Contains("not checked", warnings.Single().What, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unsigned_file_is_refused_where_a_signature_is_wanted() =>
        Assert.Equal(PskcFault.SignatureMissing, Containers.Refused(Containers.WithKey(""), Trusting).Fault);

    [Fact]
    public void Another_root_is_not_trusted()
    {
        using var other = new TestCa();

        var fault = Containers.Refused(Signed(), new() { TrustAnchors = [other.Root] });

        Assert.Equal(PskcFault.SignatureInvalid, fault.Fault);
        Assert.Contains("does not lead to a trust anchor", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_signers_own_certificate_may_be_the_anchor() =>
        Assert.Equal(2, Containers.Read(Encoding.UTF8.GetBytes(Signed()), new() { TrustAnchors = [ca.Signer] }).Count);

    public static TheoryData<string> Attacks() =>
    [
        "changed serial", "added package", "removed package", "wrapped in a new root", "second signature",
        "signature moved into a package", "reference to another element", "extra transform", "no enveloped transform",
        "two references", "changed digest", "changed signature value", "certificate swapped", "HMAC in place of RSA", "no certificate",
    ];

    [Theory, MemberData(nameof(Attacks))]
    public void A_forged_container_is_refused(string attack)
    {
        var file = Signed();
        var signature = file[file.IndexOf("<Signature", StringComparison.Ordinal)..(file.IndexOf("</Signature>", StringComparison.Ordinal) + 12)];
        var evil = "<KeyPackage><Key Id=\"evil\" /></KeyPackage>";
        using var mallory = new TestCa();
        var forged = attack switch
        {
            "changed serial" => file.Replace("GOOD1", "EVIL1", StringComparison.Ordinal),
            "added package" => file.Replace(signature, evil + signature, StringComparison.Ordinal),
            "removed package" => file[..file.IndexOf("<KeyPackage>", StringComparison.Ordinal)] + file[(file.IndexOf("</KeyPackage>", StringComparison.Ordinal) + 13)..],
            "wrapped in a new root" => "<KeyContainer Version=\"1.0\" Id=\"c2\" xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\">" + evil
                + "<Extensions>" + file[(file.IndexOf("?>", StringComparison.Ordinal) + 2)..] + "</Extensions></KeyContainer>",
            "second signature" => file.Replace(signature, signature + signature, StringComparison.Ordinal),
            "signature moved into a package" => file.Replace(signature, "", StringComparison.Ordinal).Replace("</KeyPackage>", signature + "</KeyPackage>", StringComparison.Ordinal),
            "reference to another element" => file.Replace("URI=\"\"", "URI=\"#GOOD1\"", StringComparison.Ordinal),
            "extra transform" => file.Replace("<Transforms>", "<Transforms><Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\"/>", StringComparison.Ordinal),
            "no enveloped transform" => file.Replace("<Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\" />", "", StringComparison.Ordinal),
            "two references" => file.Replace("</Reference>", "</Reference><Reference URI=\"\"/>", StringComparison.Ordinal),
            "changed digest" => Flip(file, "<DigestValue>"),
            "changed signature value" => Flip(file, "<SignatureValue>"),
            "certificate swapped" => file.Replace(Convert.ToBase64String(ca.Signer.RawData), Convert.ToBase64String(mallory.Signer.RawData), StringComparison.Ordinal),
            "HMAC in place of RSA" => file.Replace("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2000/09/xmldsig#hmac-sha1", StringComparison.Ordinal),
            _ => file[..file.IndexOf("<KeyInfo>", StringComparison.Ordinal)] + file[(file.IndexOf("</KeyInfo>", StringComparison.Ordinal) + 10)..],
        };

        Assert.NotEqual(file, forged);
        Assert.Equal(PskcFault.SignatureInvalid, Containers.Refused(forged, Trusting).Fault);
        Assert.Equal(15, Attacks().Count);
    }

    [Fact]
    public void A_forger_with_a_certificate_of_his_own_is_refused()
    {
        using var mallory = new TestCa();
        using var none = ContainerProtection.None();
        var file = Containers.Write(new() { Protection = none, Signer = mallory.Signer, SignerChain = [mallory.Root, ca.Root] }, Containers.Hotp("S"));

        Assert.Equal(PskcFault.SignatureInvalid, Containers.Refused(file, Trusting).Fault);
    }

    [Fact]
    public void Signatures_of_the_corpus_verify_and_a_change_in_any_of_them_shows()
    {
        Assert.SkipWhen(Corpus.Folder is null, Corpus.Absent);
        string[] names =
        [
            "oath-toolkit/debian-2.6.7-examples/pskc-hotp-signed.xml",
            "oath-toolkit/libpskc/examples/pskc-hotp-signed.xml",
            "oath-toolkit/pskctool/tests/pskc-all-signed.xml",
        ];
        foreach (var name in names)
        {
            var text = File.ReadAllText(Path.Combine(Corpus.Folder!, name));
            var start = text.IndexOf("<X509Certificate>", StringComparison.Ordinal) + 17;
            var end = text.IndexOf('<', start);
            // Their roots are not in the files; the signer's own certificate is the anchor.
            using var anchor = X509CertificateLoader.LoadCertificate(Convert.FromBase64String(text[start..end]));
            var options = new PskcReadOptions { TrustAnchors = [anchor] };

            Assert.NotEmpty(Containers.Read(Encoding.UTF8.GetBytes(text), options, out _, out var warnings));
            Assert.Contains(warnings, warning => warning.What.Contains("SHA-1", StringComparison.Ordinal));
            Assert.Equal(PskcFault.SignatureInvalid,
                Containers.Refused(text.Replace("MTIzNDU2Nzg5", "MTIzNDU2Nzg4", StringComparison.Ordinal), options).Fault);
        }
    }

    private static string Flip(string file, string element)
    {
        var at = file.IndexOf(element, StringComparison.Ordinal) + element.Length;
        return file[..at] + (file[at] == 'A' ? 'B' : 'A') + file[(at + 1)..];
    }
}
