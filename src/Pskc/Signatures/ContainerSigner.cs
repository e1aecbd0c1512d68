using System.Security.Cryptography.X509Certificates;
using System.Security.Cryptography.Xml;
using System.Xml;
using Pskc.Xml;

namespace Pskc.Signatures;

/// <summary>
/// Puts an enveloped signature over a whole container (RFC 6030 section 7), as every verifier knows it.
/// </summary>
internal static class ContainerSigner
{
    public static void Sign(Stream unsigned, Stream signed, X509Certificate2 signer, X509Certificate2Collection? chain)
    {
        using var rsa = signer.GetRSAPrivateKey()
            ?? throw new ArgumentException("The signer's certificate has no RSA private key with it.", nameof(signer));
        var document = SafeDocument.Load(unsigned);
        var signature = new SignedXml(document) { SigningKey = rsa };
        signature.SignedInfo!.CanonicalizationMethod = SignedXml.XmlDsigExcC14NTransformUrl;
        signature.SignedInfo.SignatureMethod = SignedXml.XmlDsigRSASHA256Url;
        var reference = new Reference("") { DigestMethod = SignedXml.XmlDsigSHA256Url };
        reference.AddTransform(new XmlDsigEnvelopedSignatureTransform());
        reference.AddTransform(new XmlDsigExcC14NTransform());
        signature.AddReference(reference);
        var data = new KeyInfoX509Data(signer);
        foreach (var certificate in chain ?? [])
        {
            data.AddCertificate(certificate);
        }
        signature.KeyInfo = new KeyInfo();
        signature.KeyInfo.AddClause(data);
        signature.ComputeSignature();
        document.DocumentElement!.AppendChild(document.ImportNode(signature.GetXml(), deep: true));
        using var writer = XmlWriter.Create(signed, new XmlWriterSettings
        {
            Encoding = new System.Text.UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
            CloseOutput = false,
        });
        document.Save(writer);
    }
}
