using System.Text;
using System.Xml;
using Pskc.Signatures;
using Pskc.Writing;

namespace Pskc;

/// <summary>
/// Writes a key container, one key package at a time (RFC 6030). The container is whole only after
/// <see cref="Complete"/>; a signed one is held in memory until then.
/// </summary>
public sealed class PskcWriter : IDisposable
{
    private readonly Stream stream;
    private readonly MemoryStream? unsigned;
    private readonly PskcWriteOptions options;
    private readonly ValueSeal? seal;
    private readonly XmlWriter xml;
    private readonly KeyPackageWriter packages;
    private bool completed;

    private PskcWriter(Stream stream, PskcWriteOptions options)
    {
        this.stream = stream;
        this.options = options;
        seal = options.Protection.Kind == EncryptionKind.None ? null : new ValueSeal(options.Protection);
        unsigned = options.Signer is null ? null : new MemoryStream();
        xml = XmlWriter.Create(unsigned ?? stream, new XmlWriterSettings
        {
            Encoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
            Indent = options.Indent,
            NewLineChars = "\n",
            CloseOutput = false,
        });
        packages = new KeyPackageWriter(xml, seal, options.EncryptIntegers);
        ContainerHeaderWriter.Write(xml, options, seal);
    }

    /// <summary>Writes the head of a container. The stream stays the caller's.</summary>
    public static PskcWriter Create(Stream stream, PskcWriteOptions options)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(options);
        return new PskcWriter(stream, options);
    }

    /// <summary>
    /// Writes a whole container to a file that only its owner can read, under its name only once it is complete.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="options">How it is written.</param>
    /// <param name="keyPackages">What is written; enumerated once, each package disposed by whoever made it.</param>
    /// <param name="overwrite">Replace a file of that name. Off, as the seeds of a shipment are often nowhere else.</param>
    /// <exception cref="IOException">There is a file of that name, or it cannot be written.</exception>
    public static void WriteFile(
        string path, PskcWriteOptions options, IEnumerable<KeyPackage> keyPackages, bool overwrite = false)
    {
        ArgumentNullException.ThrowIfNull(keyPackages);
        if (!overwrite && Path.Exists(path))
        {
            throw new IOException($"{path} is there already and is not overwritten.");
        }
        var partial = $"{path}.{Guid.NewGuid():N}.partial";
        var create = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 1 << 16 };
        if (!OperatingSystem.IsWindows())
        {
            create.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }
        try
        {
            using (var file = new FileStream(partial, create))
            {
                using (var writer = Create(file, options))
                {
                    foreach (var package in keyPackages)
                    {
                        writer.Write(package);
                    }
                    writer.Complete();
                }
                file.Flush(flushToDisk: true);
            }
            File.Move(partial, path, overwrite);
        }
        finally
        {
            File.Delete(partial);
        }
    }

    /// <summary>
    /// Writes one key package; of several keys, as a draft's package may hold, each becomes a package of its own with
    /// the same device (RFC 6030 section 8).
    /// </summary>
    /// <exception cref="ArgumentException">A key without Id or algorithm, or one whose policy was not
    /// understood.</exception>
    public void Write(KeyPackage keyPackage)
    {
        ArgumentNullException.ThrowIfNull(keyPackage);
        ObjectDisposedException.ThrowIf(completed, this);
        if (keyPackage.Keys.Count == 0)
        {
            packages.Write(keyPackage, key: null);
        }
        foreach (var key in keyPackage.Keys)
        {
            packages.Write(keyPackage, key);
        }
    }

    /// <summary>Ends the container, signs it when asked to, and writes it out.</summary>
    public void Complete()
    {
        if (completed)
        {
            return;
        }
        completed = true;
        xml.WriteEndElement();
        xml.WriteEndDocument();
        xml.Flush();
        if (unsigned is not null)
        {
            unsigned.Position = 0;
            ContainerSigner.Sign(unsigned, stream, options.Signer!, options.SignerChain);
        }
    }

    /// <summary>
    /// Clears the keys it used. Does not complete the container: an aborted one stays visibly broken.
    /// </summary>
    public void Dispose()
    {
        if (completed)
        {
            xml.Dispose();
        }
        seal?.Dispose();
        if (unsigned is not null)
        {
            System.Security.Cryptography.CryptographicOperations.ZeroMemory(unsigned.GetBuffer());
            unsigned.Dispose();
        }
    }
}
