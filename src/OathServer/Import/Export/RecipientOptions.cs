using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using OathServer.Secrets;
using Pskc;

namespace OathServer.Import.Export;

/// <summary>The options that say for whom a container is sealed. Secrets come from files, as a command line is seen by
/// every user of the machine.</summary>
internal sealed class RecipientOptions
{
    private readonly Option<string?> keyFile = new("--for-key-file") { Description = "A file with the recipient's pre-shared key in hexadecimal." };
    private readonly Option<string?> newKeyFile = new("--for-new-key-file") { Description = "Make a fresh key and write it, in hexadecimal, to this file that must not exist." };
    private readonly Option<string?> passphraseFile = new("--for-passphrase-file") { Description = $"A file with a passphrase of at least {Recipient.PassphraseMin} characters; a line break at its end is left out." };
    private readonly Option<string?> certificateFile = new("--for-certificate-file") { Description = "A PEM or DER file with the recipient's RSA certificate." };
    private readonly Option<string?> encryption = ImportCommand.Words<ValueEncryption>("--encryption", "How values are encrypted, which depends on what the recipient reads (docs/pskc.md); aes-cbc-hmac-sha256 when left out.");
    private readonly Option<bool> integers = new("--encrypt-integers") { Description = "Also encrypt counters and times, which puts them under a MAC; several readers cannot take them then." };
    private readonly Option<bool>? plain;

    private string? madeKeyFile;

    public RecipientOptions(bool allowPlain) => plain = allowPlain
        ? new Option<bool>("--plain") { Description = "Write the seeds in the open. Whoever sees the file can make codes." }
        : null;

    public bool EncryptIntegers(ParseResult parsed) => parsed.GetValue(integers);

    public void AddTo(Command command)
    {
        foreach (var option in (Option?[])[keyFile, newKeyFile, passphraseFile, certificateFile, encryption, integers, plain])
        {
            if (option is not null)
            {
                command.Add(option);
            }
        }
    }

    /// <summary>The one recipient named. The caller disposes it, and calls <see cref="ForgetNewKey"/> when nothing came of
    /// the container.</summary>
    /// <exception cref="KeyFileException">None or several were named, or one cannot be used.</exception>
    public Recipient Read(ParseResult parsed)
    {
        var named = ((Option<string?>[])[keyFile, newKeyFile, passphraseFile, certificateFile]).Where(o => parsed.GetValue(o) is not null)
            .Select(o => o.Name).ToList();
        if (plain is not null && parsed.GetValue(plain))
        {
            named.Add(plain.Name);
        }

        if (named.Count != 1)
        {
            var choices = $"{keyFile.Name}, {newKeyFile.Name}, {passphraseFile.Name} or {certificateFile.Name}{(plain is null ? "" : $", or {plain.Name} to leave it open")}";
            throw new KeyFileException(named.Count == 0 ? $"Say who may open the file: {choices}." : $"Name one of {string.Join(" and ", named)}, not both.");
        }

        try
        {
            return Read(parsed, ImportCommand.Word<ValueEncryption>(parsed, encryption));
        }
        catch (ArgumentException fault)
        {
            throw new KeyFileException(fault.Message);
        }
        catch (CryptographicException)
        {
            throw new KeyFileException($"{parsed.GetValue(certificateFile)} holds no certificate in PEM or DER form.");
        }
    }

    private Recipient Read(ParseResult parsed, ValueEncryption? by)
    {
        if (parsed.GetValue(newKeyFile) is { } fresh)
        {
            var key = RandomNumberGenerator.GetBytes(by switch { ValueEncryption.AesCbcHmacSha1 => 16, ValueEncryption.TripleDesCbcHmacSha1 => 24, _ => 32 });
            try
            {
                KeyFile.Write(fresh, key);
                madeKeyFile = fresh;
                return Recipient.Key(key, by);
            }
            finally
            {
                CryptographicOperations.ZeroMemory(key);
            }
        }

        if (parsed.GetValue(keyFile) is { } path)
        {
            return Recipient.Key(KeyFileOptions.Hex(path, File.ReadAllText(path)), by);
        }

        if (parsed.GetValue(passphraseFile) is { } passphrase)
        {
            return Recipient.Passphrase(File.ReadAllText(passphrase, new UTF8Encoding(false)).TrimEnd('\r', '\n'), by);
        }

        if (parsed.GetValue(certificateFile) is not { } certificate)
        {
            return Recipient.Anybody();
        }

        using var recipient = System.Security.Cryptography.X509Certificates.X509CertificateLoader.LoadCertificateFromFile(certificate);
        return Recipient.Certificate(recipient, by);
    }

    /// <summary>Deletes the key that was made for a container that did not come to be.</summary>
    public void ForgetNewKey()
    {
        if (madeKeyFile is not null)
        {
            File.Delete(madeKeyFile);
        }
    }
}
