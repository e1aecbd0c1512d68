using Pskc.Xml;

namespace Pskc.Encryption;

/// <summary>An <c>EncryptedDataType</c> of XML Encryption, as an EncryptedValue, a MACKey or an EncryptedKey.</summary>
internal sealed class EncryptedData
{
    public string? Algorithm { get; set; }

    public ValueAlgorithm? Known { get; set; }

    public string? OaepDigest { get; set; }

    public string? OaepMask { get; set; }

    public byte[] Cipher { get; set; } = [];

    public int Line { get; init; }

    /// <summary>A ValueMAC that draft-ietf-keyprov-pskc-02 figure 5 put inside the EncryptedValue.</summary>
    public byte[]? MisplacedMac { get; set; }

    public static EncryptedData Read(XmlCursor xml)
    {
        var data = new EncryptedData { Line = xml.Line };
        var open = xml.Open();
        while (xml.Next(open))
        {
            switch (xml.CryptoName)
            {
                case "EncryptionMethod":
                    ReadMethod(xml, data);
                    break;
                case "CipherData":
                    ReadCipher(xml, data);
                    break;
                case "ValueMAC":
                    data.MisplacedMac = Values.Base64(xml, "ValueMAC");
                    break;
                default:
                    xml.Skip();
                    break;
            }
        }
        if (data.Cipher.Length == 0)
        {
            throw xml.Fault(PskcFault.BadStructure, "an encrypted value has no CipherValue.");
        }
        return data;
    }

    private static void ReadMethod(XmlCursor xml, EncryptedData data)
    {
        data.Algorithm = xml.Attribute("Algorithm", "algorithm")?.Trim();
        var open = xml.Open();
        while (xml.Next(open))
        {
            switch (xml.CryptoName)
            {
                case "EncryptionScheme": // PBES2, whose derivation stands in the header.
                    data.Algorithm = xml.Attribute("Algorithm")?.Trim() ?? data.Algorithm;
                    xml.Skip();
                    break;
                case "DigestMethod":
                    data.OaepDigest = xml.Attribute("Algorithm");
                    xml.Skip();
                    break;
                case "MGF":
                    data.OaepMask = xml.Attribute("Algorithm");
                    xml.Skip();
                    break;
                default:
                    xml.Skip();
                    break;
            }
        }
    }

    private static void ReadCipher(XmlCursor xml, EncryptedData data)
    {
        var open = xml.Open();
        while (xml.Next(open))
        {
            if (xml.CryptoName == "CipherValue")
            {
                data.Cipher = Values.Base64(xml, "CipherValue");
            }
            else if (xml.CryptoName == "CipherReference")
            {
                throw xml.Fault(PskcFault.UnsupportedAlgorithm,
                    "an encrypted value lies outside the file (CipherReference), which is never fetched.");
            }
            else
            {
                xml.Skip();
            }
        }
    }
}
