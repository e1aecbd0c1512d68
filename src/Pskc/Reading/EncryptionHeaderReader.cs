using Pskc.Encryption;
using Pskc.Xml;

namespace Pskc.Reading;

/// <summary>Reads EncryptionKey and MACMethod of a container, and what the drafts had in their place.</summary>
internal static class EncryptionHeaderReader
{
    /// <summary>EncryptionKey, a <c>ds:KeyInfoType</c> (RFC 6030 sections 6.1 to 6.3).</summary>
    public static void ReadEncryptionKey(XmlCursor xml, EncryptionHeader header, PskcLimits limits)
    {
        header.Kind = EncryptionKind.PreSharedKey;
        var open = xml.Open();
        while (xml.Next(open))
        {
            switch (xml.CryptoName)
            {
                case "KeyName" or "MasterKeyName" or "CarriedKeyName":
                    AddName(xml, header);
                    break;
                case "DerivedKey":
                    ReadDerivedKey(xml, header, limits);
                    break;
                case "X509Data" or "KeyValue":
                    header.Kind = EncryptionKind.PrivateKey;
                    ReadX509(xml, header);
                    break;
                case "EncryptedKey":
                    header.WrappedKey = ReadWrappedKey(xml, header);
                    break;
                default:
                    xml.Skip();
                    break;
            }
        }
    }

    private static void AddName(XmlCursor xml, EncryptionHeader header)
    {
        if (xml.TextOrNull() is { } name && header.KeyNames.Count < 16)
        {
            header.KeyNames.Add(name);
        }
    }

    private static void ReadX509(XmlCursor xml, EncryptionHeader header)
    {
        var open = xml.Open();
        while (xml.Next(open))
        {
            if (xml.CryptoName == "X509Certificate")
            {
                header.RecipientCertificate ??= Values.Base64(xml, "X509Certificate");
            }
            else
            {
                xml.Skip();
            }
        }
    }

    private static EncryptedData ReadWrappedKey(XmlCursor xml, EncryptionHeader header)
    {
        var data = EncryptedData.Read(xml);
        if (data.Algorithm is not null && ValueAlgorithm.Find(data.Algorithm) is { IsRsa: true })
        {
            header.Kind = EncryptionKind.PrivateKey;
        }
        return data;
    }

    private static void ReadDerivedKey(XmlCursor xml, EncryptionHeader header, PskcLimits limits)
    {
        header.Kind = EncryptionKind.Passphrase;
        var open = xml.Open();
        while (xml.Next(open))
        {
            switch (xml.CryptoName)
            {
                case "KeyDerivationMethod":
                    var algorithm = xml.Attribute("Algorithm", "algorithm")?.Trim() ?? "";
                    if (!Pbkdf2.IsUri(algorithm))
                    {
                        throw xml.Fault(PskcFault.UnsupportedAlgorithm, "the key derivation " +
                            $"'{PskcException.Printable(algorithm)}' is not known; PBKDF2 is.");
                    }
                    ReadDerivation(xml, header, limits);
                    break;
                case "MasterKeyName" or "CarriedKeyName":
                    AddName(xml, header);
                    break;
                default:
                    xml.Skip();
                    break;
            }
        }
        if (header.Derivation is null)
        {
            throw xml.Fault(PskcFault.BadStructure, "the passphrase derivation does not say how to derive.");
        }
    }

    private static void ReadDerivation(XmlCursor xml, EncryptionHeader header, PskcLimits limits)
    {
        var open = xml.Open();
        while (xml.Next(open))
        {
            if (xml.CryptoName == "PBKDF2-params")
            {
                header.Derivation = ReadParameters(xml, limits);
            }
            else
            {
                xml.Skip();
            }
        }
        if (header.Derivation is null)
        {
            throw xml.Fault(PskcFault.BadStructure, "the passphrase derivation has no PBKDF2-params.");
        }
    }

    private static Pbkdf2 ReadParameters(XmlCursor xml, PskcLimits limits)
    {
        byte[]? salt = null;
        long? iterations = null, keyLength = null;
        string? prf = null;
        var open = xml.Open();
        while (xml.Next(open))
        {
            switch (xml.CryptoName)
            {
                case "Salt":
                    salt = ReadSalt(xml);
                    break;
                case "IterationCount":
                    iterations = Values.Integer(xml, "IterationCount", xml.Text());
                    break;
                case "KeyLength":
                    keyLength = Values.Integer(xml, "KeyLength", xml.Text());
                    break;
                case "PRF":
                    prf = xml.Attribute("Algorithm");
                    xml.Skip();
                    break;
                default:
                    xml.Skip();
                    break;
            }
        }
        return Checked(xml, salt, iterations, keyLength, prf, limits);
    }

    private static byte[]? ReadSalt(XmlCursor xml)
    {
        byte[]? salt = null;
        var open = xml.Open();
        while (xml.Next(open))
        {
            if (xml.CryptoName == "Specified")
            {
                salt = Values.Base64(xml, "Salt");
            }
            else
            {
                xml.Skip();
            }
        }
        return salt;
    }

    private static Pbkdf2 Checked(
        XmlCursor xml, byte[]? salt, long? iterations, long? keyLength, string? prf, PskcLimits limits)
    {
        if (salt is null || iterations is null or 0)
        {
            throw xml.Fault(PskcFault.BadStructure, "the passphrase derivation has no salt or no iteration count.");
        }
        if (iterations > limits.MaxPbkdf2Iterations)
        {
            throw xml.Fault(PskcFault.LimitExceeded, $"the file asks for {iterations} PBKDF2 iterations, more than " +
                $"{limits.MaxPbkdf2Iterations} (PskcLimits.MaxPbkdf2Iterations).");
        }
        if (keyLength is 0 or > 64)
        {
            throw xml.Fault(PskcFault.BadValue, $"the derived key is to have {keyLength} octets; no cipher here takes that.");
        }
        return new Pbkdf2(salt, (int)iterations, (int?)keyLength, prf);
    }

    /// <summary>MACMethod (RFC 6030 section 6.1.1).</summary>
    public static void ReadMacMethod(XmlCursor xml, EncryptionHeader header)
    {
        header.HasMacMethod = true;
        header.MacLine = xml.Line;
        header.MacAlgorithm = xml.Attribute("Algorithm", "algorithm")?.Trim();
        var open = xml.Open();
        while (xml.Next(open))
        {
            switch (xml.CryptoName)
            {
                case "MACKey":
                    header.MacKey = EncryptedData.Read(xml);
                    break;
                case "MACKeyReference":
                    header.MacKeyReference = xml.TextOrNull();
                    break;
                default:
                    xml.Skip();
                    break;
            }
        }
    }

    /// <summary>MACAlgorithm of draft-ietf-keyprov-pskc-02: the URI as text.</summary>
    public static void ReadMacAlgorithm(XmlCursor xml, EncryptionHeader header)
    {
        header.HasMacMethod = true;
        header.MacLine = xml.Line;
        header.MacAlgorithm = xml.TextOrNull();
    }

    /// <summary>DigestMethod of draft-hoyer: present even in files that encrypt nothing.</summary>
    public static void ReadDigestMethod(XmlCursor xml, EncryptionHeader header)
    {
        header.HasMacMethod = header.DefaultAlgorithm is not null;
        header.MacLine = xml.Line;
        header.MacAlgorithm = xml.Attribute("Algorithm", "algorithm")?.Trim();
        xml.Skip();
    }

    /// <summary>EncryptionMethod of draft-hoyer: one algorithm, perhaps password-based, for the whole file.</summary>
    public static void ReadContainerMethod(XmlCursor xml, EncryptionHeader header, PskcLimits limits)
    {
        var algorithm = xml.Attribute("Algorithm", "algorithm")?.Trim() ?? "";
        byte[]? salt = null;
        long? iterations = null;
        var open = xml.Open();
        while (xml.Next(open))
        {
            switch (xml.CryptoName)
            {
                case "PBESalt":
                    salt = Values.Base64(xml, "PBESalt");
                    break;
                case "PBEIterationCount":
                    iterations = Values.Integer(xml, "PBEIterationCount", xml.Text());
                    break;
                case "IV":
                    header.DefaultIv = Values.Base64(xml, "IV");
                    break;
                default:
                    xml.Skip();
                    break;
            }
        }
        if (algorithm.Equals("NONE", StringComparison.OrdinalIgnoreCase))
        {
            return;
        }
        header.DefaultAlgorithm = algorithm;
        header.Kind = EncryptionKind.PreSharedKey;
        if (algorithm.StartsWith("PBE", StringComparison.OrdinalIgnoreCase))
        {
            header.Kind = EncryptionKind.Passphrase;
            var octets = algorithm.Contains("3DES112", StringComparison.OrdinalIgnoreCase)
                ? 16 : ValueAlgorithm.Find(algorithm)?.KeyOctets;
            header.Derivation = Checked(xml, salt, iterations, octets, prf: null, limits);
        }
    }
}
