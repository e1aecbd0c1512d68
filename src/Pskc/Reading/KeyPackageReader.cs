using System.Buffers;
using Pskc.Encryption;
using Pskc.Xml;

namespace Pskc.Reading;

/// <summary>
/// Reads one KeyPackage, or a draft's Device, in the order of the schema (RFC 6030 sections 4.2 and 4.3).
/// </summary>
internal sealed class KeyPackageReader(
    XmlCursor xml, Dialect dialect, bool valuesAreEncrypted, PskcLimits limits, Action<int, string> warn)
{
    public RawPackage Read(RawPackage package)
    {
        var open = xml.Open();
        while (xml.Next(open))
        {
            switch (xml.PskcName)
            {
                case "DeviceInfo" or "DeviceId":
                    ReadDevice(package);
                    break;
                case "CryptoModuleInfo":
                    ReadModule(package);
                    break;
                case "Key":
                case "Secret" when dialect == Dialect.DraftHoyer00:
                    if (package.Keys.Count == limits.MaxKeysPerPackage)
                    {
                        throw xml.Fault(PskcFault.LimitExceeded,
                            $"a key package holds more than {limits.MaxKeysPerPackage} keys (PskcLimits.MaxKeysPerPackage).");
                    }
                    var key = new RawKey
                    {
                        Line = xml.Line,
                        Id = Trimmed(xml.Attribute("Id", "KeyId", "SecretId")),
                        AlgorithmUri = Trimmed(xml.Attribute("Algorithm", "KeyAlgorithm", "SecretAlgorithm")),
                    };
                    package.Keys.Add(key);
                    ReadKey(key);
                    break;
                default:
                    AddExtension(package.Extensions);
                    break;
            }
        }
        return package;
    }

    private static readonly SearchValues<char> hexadecimal = SearchValues.Create("0123456789abcdefABCDEF");
    private static readonly SearchValues<char> base32 = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");

    private static string? Trimmed(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();

    private void AddExtension(List<string> extensions)
    {
        if (extensions.Count == 16)
        {
            throw xml.Fault(PskcFault.LimitExceeded, "there are more than 16 extensions in one place.");
        }
        extensions.Add(xml.OuterXml());
    }

    private void ReadDevice(RawPackage package)
    {
        var open = xml.Open();
        while (xml.Next(open))
        {
            switch (xml.PskcName)
            {
                case "Manufacturer":
                    package.Manufacturer = xml.TextOrNull();
                    break;
                case "SerialNo":
                    package.SerialNo = xml.TextOrNull();
                    break;
                case "Model":
                    package.Model = xml.TextOrNull();
                    break;
                case "IssueNo":
                    package.IssueNo = xml.TextOrNull();
                    break;
                case "DeviceBinding":
                    package.DeviceBinding = xml.TextOrNull();
                    break;
                case "StartDate" or "Start":
                    package.StartDate = Values.Date(xml, "StartDate");
                    break;
                case "ExpiryDate" or "Expiry":
                    package.ExpiryDate = Values.Date(xml, "ExpiryDate");
                    break;
                case "UserId":
                    package.UserId = xml.TextOrNull();
                    break;
                default:
                    AddExtension(package.Extensions);
                    break;
            }
        }
    }

    private void ReadModule(RawPackage package)
    {
        var open = xml.Open();
        while (xml.Next(open))
        {
            if (xml.PskcName == "Id")
            {
                package.CryptoModuleId = xml.TextOrNull();
            }
            else
            {
                xml.Skip();
            }
        }
    }

    // One key is read at a time; the names of its children are few.
    private readonly List<string> seen = new(capacity: 16);

    private bool IsSecond(string name)
    {
        if (name.Length == 0 || seen.Contains(name))
        {
            return name.Length > 0;
        }
        seen.Add(name);
        return false;
    }

    private void ReadKey(RawKey key)
    {
        seen.Clear();
        var open = xml.Open();
        while (xml.Next(open))
        {
            var name = xml.PskcName;
            // Two of one kind, and two readers see two different keys.
            if (name != "Data" && name != "Extensions" && IsSecond(name))
            {
                throw xml.Fault(PskcFault.BadStructure, $"the key has two {PskcException.Printable(name)} elements.");
            }
            ReadKeyChild(key, name);
        }
    }

    private void ReadKeyChild(RawKey key, string name)
    {
        switch (name)
        {
            case "Issuer":
                key.Issuer = xml.TextOrNull();
                break;
            case "Usage":
                ReadUsage(key);
                ReadParameters(key);
                break;
            case "AlgorithmParameters":
                ReadParameters(key);
                break;
            case "KeyProfileId":
                key.KeyProfileId = xml.TextOrNull();
                break;
            case "KeyReference":
                key.KeyReference = xml.TextOrNull();
                break;
            case "FriendlyName":
                key.FriendlyName = xml.TextOrNull();
                break;
            case "Data":
                ReadData(key);
                break;
            case "UserId":
                key.UserId = xml.TextOrNull();
                break;
            case "Policy":
                key.Policy = PolicyReader.Read(xml);
                break;
            case "StartDate":
                key.StartDate = Values.Date(xml, name);
                break;
            case "ExpiryDate":
                key.ExpiryDate = Values.Date(xml, name);
                break;
            default:
                AddExtension(key.Extensions);
                break;
        }
    }

    /// <summary>The drafts wrote <c>Usage OTP="true"</c> where the RFC has Policy and KeyUsage.</summary>
    private void ReadUsage(RawKey key)
    {
        foreach (var use in xml.AttributeNames().ToList())
        {
            if (Values.Boolean(xml, $"Usage {PskcException.Printable(use)}", xml.Attribute(use)) == true)
            {
                key.Usage.Add(use);
            }
        }
    }

    private void ReadParameters(RawKey key)
    {
        var open = xml.Open();
        while (xml.Next(open))
        {
            switch (xml.PskcName)
            {
                case "Suite":
                    // privacyIDEA writes the hash as an attribute of an empty element.
                    var hash = dialect == Dialect.PrivacyIdea ? xml.Attribute("hashalgo") : null;
                    key.Suite = xml.TextOrNull() ?? hash;
                    break;
                case "ChallengeFormat":
                    key.ChallengeFormat = new ChallengeFormat(
                        Encoding("ChallengeFormat"), Number("Min"), Number("Max"), CheckDigits("ChallengeFormat"));
                    xml.Skip();
                    break;
                case "ResponseFormat":
                    key.ResponseFormat = new ResponseFormat(
                        Encoding("ResponseFormat"), Number("Length", "length"), CheckDigits("ResponseFormat"));
                    xml.Skip();
                    break;
                default:
                    AddExtension(key.Extensions);
                    break;
            }
        }
    }

    private ValueEncoding? Encoding(string element) =>
        Values.Encoding(xml, element, xml.Attribute("Encoding", "Format", "format"));

    private int? Number(string name, string? alternative = null) =>
        Values.Small(xml, name, xml.Attribute(name, alternative));

    // The schema has CheckDigits, the RFC's text and figures CheckDigit.
    private bool? CheckDigits(string element) =>
        Values.Boolean(xml, $"{element} CheckDigits", xml.Attribute("CheckDigits", "CheckDigit"));

    private void ReadData(RawKey key)
    {
        if (xml.Attribute("Name") is { } legacyName)
        {
            ReadLegacyData(key, legacyName);
            return;
        }
        var open = xml.Open();
        while (xml.Next(open))
        {
            var name = xml.PskcName;
            if (IsSecond(name))
            {
                throw xml.Fault(PskcFault.BadStructure, $"the key has two {PskcException.Printable(name)} values.");
            }
            switch (name)
            {
                case "Secret":
                    key.Secret = ReadValue(isSecret: true, name);
                    break;
                case "Counter":
                    key.Counter = ReadValue(isSecret: false, name);
                    break;
                case "Time":
                    key.Time = ReadValue(isSecret: false, name);
                    break;
                case "TimeInterval":
                    key.TimeInterval = ReadValue(isSecret: false, name);
                    break;
                case "TimeDrift":
                    key.TimeDrift = ReadValue(isSecret: false, name);
                    break;
                default:
                    AddExtension(key.Extensions);
                    break;
            }
        }
    }

    private RawValue? ReadValue(bool isSecret, string name)
    {
        var value = new RawValue { Line = xml.Line };
        var open = xml.Open();
        while (xml.Next(open))
        {
            switch (xml.PskcName)
            {
                case "PlainValue" when isSecret:
                    var text = xml.Text();
                    WarnOfOtherCodings(text);
                    value.Octets = Values.Base64OrNull(text) ?? throw xml.Fault(PskcFault.BadValue, "the secret is not " +
                        "Base64. A character may have been lost or added on the way; fetch the file again.");
                    break;
                case "PlainValue":
                    value.Text = xml.TextOrNull();
                    break;
                case "EncryptedValue":
                    value.Encrypted = EncryptedData.Read(xml);
                    break;
                case "ValueMAC":
                    value.Mac = Values.Base64(xml, "ValueMAC");
                    break;
                default:
                    xml.Skip();
                    break;
            }
        }
        if (value.Encrypted is not null && (value.Octets is not null || value.Text is not null))
        {
            throw xml.Fault(PskcFault.BadStructure, $"{name} has a plain and an encrypted value; which one counts?");
        }
        return value.Encrypted is null && value.Octets is null && value.Text is null ? null : value;
    }

    // Base32 and hexadecimal secrets are valid Base64 too, and then mean another secret.
    private void WarnOfOtherCodings(ReadOnlySpan<char> text)
    {
        if (text.Length is 32 or 40 or 64
            && (!text.ContainsAnyExcept(hexadecimal) || !text.ContainsAnyExcept(base32)))
        {
            warn(xml.Line, "the secret is read as Base64, as the standard says, but its text looks like hexadecimal or " +
                "Base32. If codes never match, ask the sender.");
        }
    }

    /// <summary>Draft-hoyer: <c>Data Name="COUNTER"</c> with Value and ValueDigest, all Base64.</summary>
    private void ReadLegacyData(RawKey key, string name)
    {
        var line = xml.Line;
        byte[]? octets = null, mac = null;
        var open = xml.Open();
        while (xml.Next(open))
        {
            switch (xml.PskcName)
            {
                case "Value":
                    octets = Values.Base64(xml, "Value");
                    break;
                case "ValueDigest":
                    mac = Values.Base64(xml, "ValueDigest");
                    break;
                default:
                    xml.Skip();
                    break;
            }
        }
        if (octets is null)
        {
            return;
        }
        // ActivIdentity leaves integers plain in an encrypted file; they are too short to be ciphertext.
        var isPlain = !valuesAreEncrypted || (mac is null && octets.Length < 16 && name != "SECRET");
        var value = isPlain
            ? new RawValue { Line = line, Octets = octets }
            : new RawValue { Line = line, Mac = mac, Encrypted = new EncryptedData { Cipher = octets, Line = line } };
        switch (name.ToUpperInvariant())
        {
            case "SECRET":
                key.Secret = value;
                break;
            case "COUNTER":
                key.Counter = value;
                break;
            case "TIME":
                key.Time = value;
                break;
            case "TIME_INTERVAL" or "TIMEINTERVAL":
                key.TimeInterval = value;
                break;
            case "TIME_DRIFT" or "TIMEDRIFT":
                key.TimeDrift = value;
                break;
            default:
                warn(line, $"the value '{PskcException.Printable(name)}' is not known and was not read.");
                break;
        }
    }
}
