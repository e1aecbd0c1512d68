using System.CommandLine;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Pskc;

namespace OathServer.Import;

/// <summary>A key, passphrase or certificate named on the command line that cannot be used. Says why, never what it held.</summary>
internal sealed class KeyFileException(string message) : Exception(message);

/// <summary>The options that name what opens an encrypted file. Keys come from files where they can, as a command line is
/// seen by every user of the machine.</summary>
internal sealed class KeyFileOptions
{
    private readonly Option<string?> keyHex = new("--key-hex") { Description = "The pre-shared key in hexadecimal. Visible to others on this machine; prefer --key-file." };
    private readonly Option<string?> keyFile = new("--key-file") { Description = "A file with the pre-shared key in hexadecimal." };
    private readonly Option<string?> passphraseFile = new("--passphrase-file") { Description = "A file with the passphrase; a line break at its end is left out." };
    private readonly Option<string?> privateKeyFile = new("--private-key-file") { Description = "A PEM or PFX file with the RSA private key." };
    private readonly Option<string?> privateKeyPassphraseFile = new("--private-key-passphrase-file") { Description = "A file with the passphrase of that key." };
    private readonly Option<string?> macKeyFile = new("--mac-key-file") { Description = "A file with the MAC key in hexadecimal, where the container only names it." };

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[keyHex, keyFile, passphraseFile, privateKeyFile, privateKeyPassphraseFile, macKeyFile])
        {
            command.Add(option);
        }
    }

    /// <summary>What opens the file, or null. The caller disposes it.</summary>
    /// <exception cref="KeyFileException">Several were named, or one cannot be used.</exception>
    public KeySource? Read(ParseResult parsed)
    {
        var named = ((Option<string?>[])[keyHex, keyFile, passphraseFile, privateKeyFile]).Where(o => parsed.GetValue(o) is not null).ToList();
        if (named.Count > 1)
        {
            throw new KeyFileException($"Name one of {string.Join(" and ", named.Select(o => o.Name))}, not both.");
        }

        if (parsed.GetValue(keyHex) is { } hex)
        {
            return KeySource.PreSharedKey(Hex("--key-hex", hex));
        }

        if (parsed.GetValue(keyFile) is { } path)
        {
            return KeySource.PreSharedKey(Hex(path, File.ReadAllText(path)));
        }

        if (parsed.GetValue(passphraseFile) is { } passphrase)
        {
            return KeySource.Passphrase(File.ReadAllText(passphrase, new UTF8Encoding(false)).TrimEnd('\r', '\n'));
        }

        return parsed.GetValue(privateKeyFile) is { } key ? PrivateKey(parsed, key) : null;
    }

    public ReadOnlyMemory<byte> ReadMacKey(ParseResult parsed) =>
        parsed.GetValue(macKeyFile) is { } path ? Hex(path, File.ReadAllText(path)) : default;

    public static X509Certificate2Collection ReadCertificates(string path)
    {
        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.ImportFromPemFile(path);
        }
        catch (CryptographicException)
        {
            // Answered below: it holds none.
        }

        return certificates.Count > 0 ? certificates : throw new KeyFileException($"{path} holds no certificate in PEM form.");
    }

    private KeySource PrivateKey(ParseResult parsed, string path)
    {
        var passphrase = parsed.GetValue(privateKeyPassphraseFile) is { } file ? File.ReadAllText(file).TrimEnd('\r', '\n') : null;
        var octets = File.ReadAllBytes(path);
        try
        {
            return octets.AsSpan().StartsWith("-----BEGIN"u8)
                ? KeySource.FromPem(Encoding.ASCII.GetString(octets), passphrase)
                : KeySource.FromPfx(octets, passphrase);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(octets);
        }
    }

    internal static byte[] Hex(string where, string text)
    {
        try
        {
            return Convert.FromHexString(text.Trim());
        }
        catch (FormatException)
        {
            throw new KeyFileException($"{where} is not hexadecimal: an even number of digits 0 to 9 and A to F.");
        }
    }
}
