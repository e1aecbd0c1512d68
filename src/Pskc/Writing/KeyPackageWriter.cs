using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Xml;
using Pskc.Xml;

namespace Pskc.Writing;

/// <summary>Writes one KeyPackage in the order of the schema (RFC 6030 sections 4.2, 4.3 and 5).</summary>
internal sealed class KeyPackageWriter(XmlWriter xml, ValueSeal? seal, bool encryptIntegers)
{
    public void Write(KeyPackage package, Key? key)
    {
        if (key is not null)
        {
            Check(package, key);
        }
        Start("KeyPackage");
        WriteDevice(package);
        if (package.CryptoModuleId is not null)
        {
            Start("CryptoModuleInfo");
            Text("Id", package.CryptoModuleId);
            End();
        }
        if (key is not null)
        {
            WriteKey(key);
        }
        ExtensionWriter.Write(xml, package.Extensions);
        End();
    }

    private static void Check(KeyPackage package, Key key)
    {
        var which = $"The key {key.Id} of serial {package.SerialNo}";
        if (string.IsNullOrEmpty(key.Id))
        {
            throw new ArgumentException($"A key of serial {package.SerialNo} has no Id; RFC 6030 section 4.3.3 wants one.");
        }
        // Written without what was not understood, it would come out freer than it went in.
        if (!key.Policy.Usable)
        {
            throw new ArgumentException($"{which} has a policy that was not understood; it cannot be written faithfully.");
        }
        if (key.Counter < 0 || key.TimeInterval < 0 || key.Time is < 0 or > int.MaxValue)
        {
            throw new ArgumentException($"{which} has a counter, time or time interval out of range.");
        }
        if (key.Secret is { Length: 0 })
        {
            throw new ArgumentException($"{which} has an empty secret.");
        }
    }

    private void WriteDevice(KeyPackage package)
    {
        if ((package.Manufacturer ?? package.SerialNo ?? package.Model ?? package.IssueNo ?? package.DeviceBinding
            ?? package.UserId) is null && package.StartDate is null && package.ExpiryDate is null)
        {
            return;
        }
        Start("DeviceInfo");
        Text("Manufacturer", package.Manufacturer);
        Text("SerialNo", package.SerialNo);
        Text("Model", package.Model);
        Text("IssueNo", package.IssueNo);
        Text("DeviceBinding", package.DeviceBinding);
        Date("StartDate", package.StartDate);
        Date("ExpiryDate", package.ExpiryDate);
        Text("UserId", package.UserId);
        End();
    }

    private void WriteKey(Key key)
    {
        Start("Key");
        xml.WriteAttributeString("Id", key.Id);
        var algorithm = key.Algorithm is KeyAlgorithm.Hotp or KeyAlgorithm.Totp or KeyAlgorithm.Pin
            || (key.Algorithm == KeyAlgorithm.Ocra && key.Suite is not null)
            ? AlgorithmNames.Uri(key.Algorithm) : key.AlgorithmUri;
        if (algorithm is not null)
        {
            xml.WriteAttributeString("Algorithm", algorithm);
        }
        Text("Issuer", key.Issuer);
        WriteParameters(key);
        Text("KeyProfileId", key.KeyProfileId);
        Text("KeyReference", key.KeyReference);
        Text("FriendlyName", key.FriendlyName);
        WriteData(key);
        Text("UserId", key.UserId);
        WritePolicy(key.Policy);
        ExtensionWriter.Write(xml, key.Extensions);
        End();
    }

    private void WriteParameters(Key key)
    {
        var suite = key.Suite ?? (key.Hash is OtpHash.Sha256 or OtpHash.Sha512 ? AlgorithmNames.Suite(key.Hash.Value) : null);
        if (suite is null && key.ChallengeFormat is null && key.ResponseFormat is null)
        {
            return;
        }
        Start("AlgorithmParameters");
        Text("Suite", suite);
        if (key.ChallengeFormat is { } challenge)
        {
            Start("ChallengeFormat");
            Attribute("Encoding", challenge.Encoding);
            Attribute("Min", challenge.Min);
            Attribute("Max", challenge.Max);
            Attribute("CheckDigits", challenge.CheckDigits);
            End();
        }
        if (key.ResponseFormat is { } response)
        {
            Start("ResponseFormat");
            Attribute("Encoding", response.Encoding);
            Attribute("Length", response.Length);
            Attribute("CheckDigits", response.CheckDigits);
            End();
        }
        End();
    }

    private void WriteData(Key key)
    {
        if (key.Secret is null && key.Counter is null && key.Time is null && key.TimeInterval is null && key.TimeDrift is null)
        {
            return;
        }
        Start("Data");
        if (key.Secret is not null)
        {
            Start("Secret");
            if (seal is null)
            {
                Start("PlainValue");
                xml.WriteBase64(key.Secret, 0, key.Secret.Length);
                End();
            }
            else
            {
                Sealed(key.Secret);
            }
            End();
        }
        Span<byte> octets = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(octets, key.Counter ?? 0);
        Integer("Counter", key.Counter, octets);
        Small("Time", (int?)key.Time);
        Small("TimeInterval", key.TimeInterval);
        Small("TimeDrift", key.TimeDrift);
        End();
    }

    private void Small(string name, int? value)
    {
        Span<byte> octets = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(octets, value ?? 0);
        Integer(name, value, octets);
    }

    /// <summary>
    /// Encrypted integers are 8 octets for Counter and 4 for the others, big-endian, which nobody misreads.
    /// </summary>
    private void Integer(string name, long? value, ReadOnlySpan<byte> octets)
    {
        if (value is null)
        {
            return;
        }
        Start(name);
        if (seal is not null && encryptIntegers)
        {
            Sealed(octets);
        }
        else
        {
            Text("PlainValue", XmlConvert.ToString(value.Value));
        }
        End();
    }

    private void Sealed(ReadOnlySpan<byte> value)
    {
        var cipher = seal!.Encrypt(value);
        Start("EncryptedValue");
        ContainerHeaderWriter.WriteEncrypted(xml, seal, cipher);
        End();
        if (seal.Authenticate(cipher) is { } mac)
        {
            Start("ValueMAC");
            xml.WriteBase64(mac, 0, mac.Length);
            End();
            CryptographicOperations.ZeroMemory(mac);
        }
    }

    private void WritePolicy(KeyPolicy policy)
    {
        if (policy.StartDate is null && policy.ExpiryDate is null && policy.KeyUsage.Count == 0
            && policy.NumberOfTransactions is null && policy.Pin is null)
        {
            return;
        }
        Start("Policy");
        Date("StartDate", policy.StartDate);
        Date("ExpiryDate", policy.ExpiryDate);
        if (policy.Pin is { } pin)
        {
            Start("PINPolicy");
            Attribute("PINKeyId", pin.PinKeyId);
            Attribute("PINUsageMode", pin.UsageMode);
            Attribute("MaxFailedAttempts", pin.MaxFailedAttempts);
            Attribute("MinLength", pin.MinLength);
            Attribute("MaxLength", pin.MaxLength);
            Attribute("PINEncoding", pin.Encoding);
            End();
        }
        foreach (var use in policy.KeyUsage)
        {
            Text("KeyUsage", use);
        }
        Text("NumberOfTransactions", policy.NumberOfTransactions is { } number ? XmlConvert.ToString(number) : null);
        End();
    }

    private void Start(string name) => xml.WriteStartElement(name, Ns.Rfc6030);

    private void End() => xml.WriteEndElement();

    private void Text(string name, string? value)
    {
        if (value is not null)
        {
            xml.WriteElementString(name, Ns.Rfc6030, value);
        }
    }

    private void Date(string name, DateTimeOffset? date) => Text(name, date?.UtcDateTime is { } utc
        ? XmlConvert.ToString(utc, XmlDateTimeSerializationMode.Utc) : null);

    private void Attribute(string name, object? value)
    {
        if (value is not null)
        {
            xml.WriteAttributeString(name, value switch
            {
                ValueEncoding encoding => encoding.ToString().ToUpperInvariant(),
                bool yes => XmlConvert.ToString(yes),
                IFormattable number => number.ToString(null, System.Globalization.CultureInfo.InvariantCulture),
                _ => value.ToString(),
            });
        }
    }
}
