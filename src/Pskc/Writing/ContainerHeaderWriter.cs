using System.Xml;
using Pskc.Xml;

namespace Pskc.Writing;

/// <summary>Writes KeyContainer, EncryptionKey and MACMethod (RFC 6030 sections 4 and 6).</summary>
internal static class ContainerHeaderWriter
{
    public static void Write(XmlWriter xml, PskcWriteOptions options, ValueSeal? seal)
    {
        xml.WriteStartDocument();
        xml.WriteStartElement("KeyContainer", Ns.Rfc6030);
        xml.WriteAttributeString("Version", "1.0");
        if (options.Id is not null)
        {
            xml.WriteAttributeString("Id", XmlConvert.VerifyNCName(options.Id));
        }
        if (seal is null)
        {
            return;
        }
        // Declared once at the root; every encrypted value uses them.
        xml.WriteAttributeString("xmlns", "ds", null, Ns.Ds);
        xml.WriteAttributeString("xmlns", "xenc", null, Ns.Xenc);
        xml.WriteStartElement("EncryptionKey", Ns.Rfc6030);
        switch (options.Protection.Kind)
        {
            case EncryptionKind.Passphrase:
                WriteDerivedKey(xml, options.Protection);
                break;
            case EncryptionKind.PrivateKey:
                xml.WriteStartElement("X509Data", Ns.Ds);
                xml.WriteElementString("X509Certificate", Ns.Ds,
                    Convert.ToBase64String(options.Protection.Certificate!.RawData));
                xml.WriteEndElement();
                break;
            default:
                xml.WriteElementString("KeyName", Ns.Ds, options.Protection.KeyName);
                break;
        }
        xml.WriteEndElement();
        if (seal.Mac is not null)
        {
            xml.WriteStartElement("MACMethod", Ns.Rfc6030);
            xml.WriteAttributeString("Algorithm", seal.Mac.Uri);
            xml.WriteStartElement("MACKey", Ns.Rfc6030);
            WriteEncrypted(xml, seal, seal.SealedMacKey!);
            xml.WriteEndElement();
            xml.WriteEndElement();
        }
    }

    /// <summary>The inside of an EncryptedDataType.</summary>
    public static void WriteEncrypted(XmlWriter xml, ValueSeal seal, byte[] cipher)
    {
        xml.WriteStartElement("EncryptionMethod", Ns.Xenc);
        xml.WriteAttributeString("Algorithm", seal.Algorithm.Uri);
        xml.WriteEndElement();
        xml.WriteStartElement("CipherData", Ns.Xenc);
        xml.WriteStartElement("CipherValue", Ns.Xenc);
        xml.WriteBase64(cipher, 0, cipher.Length);
        xml.WriteEndElement();
        xml.WriteEndElement();
    }

    /// <summary>
    /// As RFC 6030 figure 7 has it, which is what peers read: parameters in PKCS#5's namespace, children in none.
    /// </summary>
    private static void WriteDerivedKey(XmlWriter xml, ContainerProtection protection)
    {
        xml.WriteStartElement("xenc11", "DerivedKey", Ns.Xenc11);
        xml.WriteStartElement("KeyDerivationMethod", Ns.Xenc11);
        xml.WriteAttributeString("Algorithm", Ns.Pkcs5 + "pbkdf2");
        xml.WriteStartElement("pkcs5", "PBKDF2-params", Ns.Pkcs5);
        xml.WriteStartElement("Salt", "");
        xml.WriteStartElement("Specified", "");
        xml.WriteBase64(protection.Salt, 0, protection.Salt.Length);
        xml.WriteEndElement();
        xml.WriteEndElement();
        xml.WriteElementString("IterationCount", "", XmlConvert.ToString(protection.Iterations));
        xml.WriteElementString("KeyLength", "", XmlConvert.ToString(protection.Key.Length));
        if (protection.Prf.Name != "SHA1")
        {
            xml.WriteStartElement("PRF", "");
            xml.WriteAttributeString("Algorithm",
                "http://www.w3.org/2001/04/xmldsig-more#hmac-" + protection.Prf.Name!.ToLowerInvariant());
            xml.WriteEndElement();
        }
        xml.WriteEndElement();
        xml.WriteEndElement();
        xml.WriteElementString("MasterKeyName", Ns.Xenc11, protection.KeyName);
        xml.WriteEndElement();
    }
}
