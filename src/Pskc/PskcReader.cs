using System.Security.Cryptography;
using System.Text;
using System.Text.Unicode;
using Pskc.Reading;
using Pskc.Signatures;
using Pskc.Xml;

namespace Pskc;

/// <summary>
/// Reads a key container forward, one key package at a time, in constant memory (RFC 6030). A fault may lie behind
/// packages already returned: use nothing of a file before the enumeration has ended.
/// </summary>
public sealed class PskcReader : IDisposable
{
    private readonly PskcReadOptions options;
    private readonly XmlCursor xml;
    private readonly EncryptionHeader encryption = new();
    private readonly ContainerKeys keys;
    private readonly KeyPackageReader packages;
    private readonly KeyOpener opener;
    private readonly List<PskcWarning> warnings = [];
    private readonly HashSet<UInt128> identities = [];
    private string? serialNo;
    private bool atPackage;
    private bool enumerated;
    private int keyCount;

    private PskcReader(XmlCursor xml, PskcReadOptions options, string? signer)
    {
        this.xml = xml;
        this.options = options;
        keys = new ContainerKeys(encryption, options, Warn);
        Header = ReadHeader() with { SignerSubject = signer };
        packages = new KeyPackageReader(xml, Header.Dialect, encryption.DefaultAlgorithm is not null, options.Limits, Warn);
        opener = new KeyOpener(keys, options, Warn);
    }

    /// <summary>What the container says of itself.</summary>
    public KeyContainerHeader Header { get; }

    /// <summary>What a person should know, so far; complete once the packages are read.</summary>
    public IReadOnlyList<PskcWarning> Warnings => warnings;

    /// <summary>Reads the head of a container. The stream stays the caller's.</summary>
    /// <exception cref="PskcException">The file cannot be used; the message says why and what to do.</exception>
    public static PskcReader Open(Stream stream, PskcReadOptions options)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(options);
        string? signer = null, doubt = null;
        if (options.TrustAnchors is not null)
        {
            var buffered = BufferedContainer.Read(stream, options.Limits);
            (signer, doubt) = ContainerVerifier.Verify(buffered, options);
            buffered.Position = 0;
            stream = buffered;
        }
        var xml = new XmlCursor(stream, options.Limits);
        try
        {
            var reader = new PskcReader(xml, options, signer);
            if (doubt is not null)
            {
                reader.Warn(0, doubt);
            }
            return reader;
        }
        catch
        {
            xml.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The key packages, in the order of the file; can be enumerated once. Each is the caller's to dispose. A MAC is
    /// checked before the value under it is returned.
    /// </summary>
    /// <exception cref="PskcException">The file cannot be used; nothing returned before may be used either.</exception>
    public IEnumerable<KeyPackage> ReadKeyPackages()
    {
        if (enumerated)
        {
            throw new InvalidOperationException("A container is read once, forward. Open it again.");
        }
        enumerated = true;
        while (atPackage)
        {
            yield return ReadPackage();
            atPackage = MoveToPackage();
        }
        xml.ReadToEnd();
    }

    private KeyContainerHeader ReadHeader()
    {
        xml.MoveToRoot();
        var (dialect, version, id) = RootElement.Read(xml, options, Warn);
        var open = xml.Open();
        while (xml.Next(open))
        {
            var name = xml.CryptoName;
            switch (name)
            {
                case "EncryptionKey":
                    EncryptionHeaderReader.ReadEncryptionKey(xml, encryption, options.Limits);
                    break;
                case "MACMethod":
                    EncryptionHeaderReader.ReadMacMethod(xml, encryption);
                    break;
                case "MACAlgorithm":
                    EncryptionHeaderReader.ReadMacAlgorithm(xml, encryption);
                    break;
                case "EncryptionMethod":
                    EncryptionHeaderReader.ReadContainerMethod(xml, encryption, options.Limits);
                    break;
                case "DigestMethod":
                    EncryptionHeaderReader.ReadDigestMethod(xml, encryption);
                    break;
                case "KeyPackage" or "Device":
                    _ = xml.PskcName; // refuses another namespace
                    atPackage = true;
                    dialect = name == "Device" && dialect == Dialect.Rfc6030 ? Dialect.DraftIetf : dialect;
                    return Describe(dialect, version, id);
                default:
                    SkipForeign(name);
                    break;
            }
        }
        return Describe(dialect, version, id);
    }

    private KeyContainerHeader Describe(Dialect dialect, string? version, string? id) => new()
    {
        Dialect = dialect,
        Version = version,
        Id = id,
        EncryptionKind = encryption.Kind,
        KeyNames = encryption.KeyNames,
        EncryptionAlgorithm = encryption.DefaultAlgorithm ?? encryption.MacKey?.Algorithm,
        MacAlgorithm = encryption.HasMacMethod ? encryption.MacAlgorithm : null,
        MacKeyReference = encryption.MacKeyReference,
        Pbkdf2Iterations = encryption.Derivation?.Iterations,
        RecipientSubject = RecipientSubject(),
    };

    private string? RecipientSubject()
    {
        try
        {
            return encryption.RecipientCertificate is { } octets
                ? System.Security.Cryptography.X509Certificates.X509CertificateLoader.LoadCertificate(octets).Subject
                : null;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    private bool MoveToPackage()
    {
        while (xml.Next(open: true))
        {
            var name = xml.CryptoName;
            if (name is "KeyPackage" or "Device")
            {
                _ = xml.PskcName;
                return true;
            }
            if (name is "EncryptionKey" or "MACMethod" or "EncryptionMethod" or "MACAlgorithm")
            {
                throw xml.Fault(PskcFault.BadStructure, $"{name} stands after the first key package.");
            }
            SkipForeign(name);
        }
        return false;
    }

    private void SkipForeign(string name)
    {
        if (name == "Signature" && options.TrustAnchors is null)
        {
            serialNo = null;
            Warn(xml.Line, "the container is signed, but no trust anchor was given, so the signature was not checked.");
        }
        xml.Skip();
    }

    private KeyPackage ReadPackage()
    {
        var raw = new RawPackage { Line = xml.Line };
        RawKey? current = null;
        serialNo = null;
        try
        {
            packages.Read(raw);
            serialNo = raw.SerialNo;
            var opened = new List<Key>(raw.Keys.Count);
            foreach (var key in raw.Keys)
            {
                current = key;
                Count();
                RefuseDuplicate(raw, key);
                opened.Add(opener.Open(key));
            }
            return Package(raw, opened);
        }
        catch (PskcException e) when (e.SerialNo is null && e.KeyId is null)
        {
            var keyId = (current ?? raw.Keys.LastOrDefault())?.Id;
            throw new PskcException(e.Fault, e.Line > 0 ? e.Line : raw.Line, raw.SerialNo, keyId, e.What, e.InnerException);
        }
    }

    private static KeyPackage Package(RawPackage raw, List<Key> opened) => new()
    {
        Line = raw.Line,
        Manufacturer = raw.Manufacturer,
        SerialNo = raw.SerialNo,
        Model = raw.Model,
        IssueNo = raw.IssueNo,
        DeviceBinding = raw.DeviceBinding,
        StartDate = raw.StartDate,
        ExpiryDate = raw.ExpiryDate,
        UserId = raw.UserId,
        CryptoModuleId = raw.CryptoModuleId,
        Extensions = raw.Extensions,
        Keys = opened,
    };

    private void Count()
    {
        if (++keyCount > options.Limits.MaxKeys)
        {
            throw xml.Fault(PskcFault.LimitExceeded,
                $"the file holds more than {options.Limits.MaxKeys} keys (PskcLimits.MaxKeys).");
        }
    }

    /// <summary>
    /// RFC 6030 section 8 lets a device have several packages, so a serial number alone may repeat; manufacturer,
    /// serial, issue number and key id together may not, or one of the two keys would vanish.
    /// </summary>
    private void RefuseDuplicate(RawPackage package, RawKey key)
    {
        if (package.SerialNo is null && key.Id is null)
        {
            return;
        }
        // 128 bits of a hash keep a million identities in 32 MB, and nobody can make two of them meet.
        Span<byte> text = stackalloc byte[512];
        Span<byte> hash = stackalloc byte[32];
        var (maker, serial, issue) = (package.Manufacturer, package.SerialNo, package.IssueNo);
        var fits = Utf8.TryWrite(text, $"{maker}\0{serial}\0{issue}\0{key.Id}", out var length);
        SHA256.HashData(fits ? text[..length] : Encoding.UTF8.GetBytes($"{maker}\0{serial}\0{issue}\0{key.Id}"), hash);
        if (!identities.Add(System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(hash)))
        {
            throw PskcException.At(PskcFault.DuplicateKey, key.Line, "the file holds this key twice (same " +
                "manufacturer, serial number, issue number and key id). One of them is wrong; ask the sender which.");
        }
    }

    private void Warn(int line, string what)
    {
        if (warnings.Count < options.Limits.MaxWarnings)
        {
            warnings.Add(new PskcWarning(line, serialNo, what));
        }
    }

    /// <summary>Clears the keys it derived. Secrets already returned belong to their packages.</summary>
    public void Dispose()
    {
        keys.Dispose();
        xml.Dispose();
    }
}
