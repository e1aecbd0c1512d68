using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Security.Cryptography.Xml;
using System.Xml;
using Pskc.Xml;

namespace Pskc.Signatures;

/// <summary>
/// Verifies the signature over a container (RFC 6030 section 7). SignedXml cannot: libpskc writes a Reference without
/// URI. And it takes more forms than are good: here one signature, child of the root, with one reference, to the root,
/// with no transform but removal of the signature and canonicalisation, so that what is verified is what is read.
/// </summary>
internal static class ContainerVerifier
{
    private const string Enveloped = SignedXml.XmlDsigEnvelopedSignatureTransformUrl;

    /// <summary>The signer's subject; throws when there is no signature to trust.</summary>
    public static (string Subject, string? Doubt) Verify(Stream container, PskcReadOptions options)
    {
        try
        {
            return Verify(SafeDocument.Load(container), options);
        }
        catch (Exception e) when (e is XmlException or CryptographicException or ArgumentException
            or InvalidOperationException or NotSupportedException)
        {
            throw new PskcException(PskcFault.SignatureInvalid,
                $"The signature of the file cannot be verified: {e.Message}", e);
        }
    }

    private static (string Subject, string? Doubt) Verify(XmlDocument document, PskcReadOptions options)
    {
        var signature = TheSignature(document);
        var info = Child(signature, "SignedInfo");
        var weak = VerifyReference(document, signature, info);
        var method = Attribute(Child(info, "SignatureMethod"), "Algorithm");
        var value = Octets(Child(signature, "SignatureValue"));
        var signedOctets = CanonicalSignedInfo(info);
        var certificates = Certificates(signature);
        IEnumerable<X509Certificate2> candidates = certificates.Count > 0 ? certificates : options.TrustAnchors!;
        try
        {
            foreach (var certificate in candidates)
            {
                if (SignatureMethod.Verify(certificate, method, signedOctets, value))
                {
                    SignerTrust.Check(certificate, certificates, options);
                    weak |= method.EndsWith("sha1", StringComparison.Ordinal);
                    return (certificate.Subject, weak ? "it is signed over SHA-1, which can be forged with effort." : null);
                }
            }
        }
        finally
        {
            foreach (var certificate in certificates)
            {
                certificate.Dispose();
            }
        }
        throw Invalid("the signature does not verify: the file was changed after it was signed, or the signer's " +
            "certificate is not in it nor among the trust anchors");
    }

    private static XmlElement TheSignature(XmlDocument document)
    {
        var all = document.GetElementsByTagName("Signature", "*");
        if (all.Count == 0)
        {
            throw new PskcException(PskcFault.SignatureMissing, "The file is not signed, and trust anchors were given, so " +
                "it must be. Ask the sender for a signed file, or import it without trust anchors if you trust its way here.");
        }
        if (all.Count > 1)
        {
            throw Invalid("there are several signatures; which one counts would be a guess");
        }
        var signature = (XmlElement)all[0]!;
        if (signature.NamespaceURI != Ns.Ds || signature.ParentNode != document.DocumentElement)
        {
            throw Invalid("the signature is not an XML signature directly under the container");
        }
        return signature;
    }

    /// <summary>Checks that the one reference covers the container; true when its digest is SHA-1.</summary>
    private static bool VerifyReference(XmlDocument document, XmlElement signature, XmlElement info)
    {
        var reference = Child(info, "Reference");
        var uri = reference.GetAttribute("URI");
        var id = document.DocumentElement!.GetAttribute("Id");
        if (uri.Length > 0 && (id.Length == 0 || uri != "#" + id))
        {
            throw Invalid($"the signature covers '{PskcException.Printable(uri)}', not the whole container");
        }
        var (transform, enveloped) = Transforms(reference);
        if (!enveloped)
        {
            throw Invalid("the signature's reference does not take the signature out");
        }
        var digestUri = Attribute(Child(reference, "DigestMethod"), "Algorithm");
        var hash = SignatureMethod.Digest(digestUri) ?? throw Invalid("its digest algorithm is not known");
        var bare = (XmlDocument)document.CloneNode(deep: true);
        bare.XmlResolver = null;
        var copy = (XmlElement)bare.GetElementsByTagName("Signature", Ns.Ds)[0]!;
        copy.ParentNode!.RemoveChild(copy);
        var actual = CryptographicOperations.HashData(hash, Canonical(transform, bare));
        if (!CryptographicOperations.FixedTimeEquals(actual, Octets(Child(reference, "DigestValue"))))
        {
            throw Invalid("the container is not what was signed: it was changed afterwards");
        }
        return hash == HashAlgorithmName.SHA1;
    }

    private static (Transform Canonicalisation, bool Enveloped) Transforms(XmlElement reference)
    {
        Transform? canonicalisation = null;
        var enveloped = false;
        var list = reference.ChildNodes.OfType<XmlElement>().SingleOrDefault(e => e.LocalName == "Transforms");
        foreach (var element in list?.ChildNodes.OfType<XmlElement>() ?? [])
        {
            var algorithm = Attribute(element, "Algorithm");
            if (algorithm == Enveloped && !enveloped && canonicalisation is null)
            {
                enveloped = true;
            }
            else if (canonicalisation is null && Canonicalisation(element, algorithm) is { } known)
            {
                canonicalisation = known;
            }
            else
            {
                throw Invalid($"its reference has the transform '{PskcException.Printable(algorithm)}', which is not " +
                    "allowed there: only removal of the signature and canonicalisation are");
            }
        }
        return (canonicalisation ?? new XmlDsigC14NTransform(), enveloped);
    }

    private static Transform? Canonicalisation(XmlElement element, string algorithm)
    {
        // Comments are not read, so they are not signed over either; the forms with comments see the same elements.
        var prefixes = element.ChildNodes.OfType<XmlElement>().FirstOrDefault(e => e.LocalName == "InclusiveNamespaces")
            ?.GetAttribute("PrefixList") ?? "";
        return algorithm switch
        {
            SignedXml.XmlDsigC14NTransformUrl => new XmlDsigC14NTransform(),
            SignedXml.XmlDsigC14NWithCommentsTransformUrl => new XmlDsigC14NWithCommentsTransform(),
            SignedXml.XmlDsigExcC14NTransformUrl => new XmlDsigExcC14NTransform(prefixes),
            SignedXml.XmlDsigExcC14NWithCommentsTransformUrl => new XmlDsigExcC14NWithCommentsTransform(prefixes),
            _ => null,
        };
    }

    private static byte[] CanonicalSignedInfo(XmlElement info)
    {
        var method = Child(info, "CanonicalizationMethod");
        var transform = Canonicalisation(method, Attribute(method, "Algorithm"))
            ?? throw Invalid("its canonicalisation is not known");
        var alone = new XmlDocument { PreserveWhitespace = true, XmlResolver = null };
        var root = (XmlElement)alone.ImportNode(info, deep: true);
        alone.AppendChild(root);
        // Taken out of the container it must keep the namespaces it stood in.
        for (var above = info.ParentNode as XmlElement; above is not null; above = above.ParentNode as XmlElement)
        {
            foreach (XmlAttribute attribute in above.Attributes)
            {
                if (attribute.NamespaceURI == "http://www.w3.org/2000/xmlns/" && !root.HasAttribute(attribute.Name))
                {
                    root.SetAttributeNode((XmlAttribute)alone.ImportNode(attribute, deep: true));
                }
            }
        }
        return Canonical(transform, alone);
    }

    private static byte[] Canonical(Transform transform, XmlDocument document)
    {
        transform.LoadInput(document);
        using var output = (Stream)transform.GetOutput(typeof(Stream));
        using var octets = new MemoryStream();
        output.CopyTo(octets);
        return octets.ToArray();
    }

    private static List<X509Certificate2> Certificates(XmlElement signature)
    {
        var found = new List<X509Certificate2>();
        foreach (var element in signature.GetElementsByTagName("X509Certificate", Ns.Ds).OfType<XmlElement>().Take(8))
        {
            try
            {
                found.Add(X509CertificateLoader.LoadCertificate(Octets(element)));
            }
            catch (CryptographicException)
            {
                // One that is none signs nothing.
            }
        }
        return found;
    }

    private static XmlElement Child(XmlElement parent, string name)
    {
        var found = parent.ChildNodes.OfType<XmlElement>().Where(e => e.LocalName == name && e.NamespaceURI == Ns.Ds).ToList();
        return found.Count == 1 ? found[0] : throw Invalid($"{parent.LocalName} has {found.Count} {name} elements instead of one");
    }

    private static string Attribute(XmlElement element, string name) => element.GetAttribute(name).Trim();

    private static byte[] Octets(XmlElement element) =>
        Values.Base64OrNull(element.InnerText.AsSpan().Trim()) ?? throw Invalid($"{element.LocalName} is not Base64");

    internal static PskcException Invalid(string why) => new(PskcFault.SignatureInvalid,
        $"The signature of the file is not to be trusted: {why}. Nothing of it may be used; check with the sender.");
}
