using System.Security.Cryptography;
using Pskc.Encryption;

namespace Pskc.Reading;

/// <summary>
/// Opens encrypted values: finds the key, checks the MAC, then decrypts. A wrong key, a wrong passphrase, a changed
/// value and a bad padding all end in the same null, and take the same way there.
/// </summary>
internal sealed class ContainerKeys(EncryptionHeader header, PskcReadOptions options, Action<int, string> warn) : IDisposable
{
    private ValueCipher? cipher;
    private byte[]? key;
    private byte[]? macKey;
    private ValueMac? mac;
    private bool macReady;
    private bool warnedOfMac;
    private string? algorithmUri;
    private string? cipherUri;

    /// <summary>Opens one value. Null: it is not authentic.</summary>
    public byte[]? Open(EncryptedData data, byte[]? valueMac)
    {
        Recognise(data, isValue: true);
        PrepareMac();
        if (data.Known!.IsRsa)
        {
            return OpenRsa(data, valueMac);
        }
        var values = CipherFor(data);
        var iv = OutsideIv;
        if (values.Algorithm.IsAuthenticated && valueMac is null)
        {
            return values.Decrypt(data.Cipher, outsideIv: []);
        }
        if (!MacIsChecked(data, valueMac))
        {
            return values.Decrypt(data.Cipher, iv);
        }
        // RFC 6030 section 6.1.1: over the ciphertext with its vector, before anything is decrypted.
        return mac!.Matches(macKey, data.Cipher, valueMac)
            ? values.Decrypt(data.Cipher, iv)
            : OpenByPlaintextMac(values, data, valueMac!, iv);
    }

    /// <summary>
    /// The drafts before May 2009 made the MAC over the plaintext. A value that fails both ways takes the same steps
    /// whether its padding was right or not.
    /// </summary>
    private byte[]? OpenByPlaintextMac(ValueCipher values, EncryptedData data, byte[] valueMac, ReadOnlySpan<byte> iv)
    {
        var plain = values.Decrypt(data.Cipher, iv);
        var matches = mac!.Matches(macKey, plain ?? data.Cipher, valueMac);
        if (plain is null || !matches)
        {
            CryptographicOperations.ZeroMemory(plain);
            return null;
        }
        WarnOnce(data.Line, "its MACs are over the plaintext, as drafts before RFC 6030 had it. They match.");
        return plain;
    }

    private byte[]? OpenRsa(EncryptedData data, byte[]? valueMac)
    {
        var rsa = RsaKey();
        if (header.HasMacMethod && valueMac is null && options.MacPolicy != MacPolicy.NoCheck)
        {
            throw Missing(data, "the file names a MAC method, but this value has no ValueMAC");
        }
        if (valueMac is not null && MacIsChecked(data, valueMac) && !mac!.Matches(macKey, data.Cipher, valueMac))
        {
            return null;
        }
        if (!header.HasMacMethod)
        {
            WarnOnce(data.Line, "its values are encrypted to a public key without MAC: anyone could have made them. " +
                "Trust the file only if it is signed or came by a trusted way.");
        }
        return RsaValue.Decrypt(rsa, data);
    }

    private void Recognise(EncryptedData data, bool isValue)
    {
        if (data.Known is not null)
        {
            return;
        }
        data.Algorithm ??= header.DefaultAlgorithm;
        if (string.IsNullOrEmpty(data.Algorithm))
        {
            throw PskcException.At(PskcFault.UnsupportedAlgorithm, data.Line,
                "an encrypted value names no encryption algorithm. Ask the sender; it is not guessed.");
        }
        data.Known = data.Algorithm == cipherUri ? cipher!.Algorithm : ValueAlgorithm.Find(data.Algorithm);
        _ = data.Known ?? throw PskcException.At(PskcFault.UnsupportedAlgorithm, data.Line,
            $"the encryption algorithm '{PskcException.Printable(data.Algorithm)}' is not known.");
        if (data.Known.Kind == CipherKind.Rsa15 && !options.AllowRsa15)
        {
            throw PskcException.At(PskcFault.UnsupportedAlgorithm, data.Line, "values are encrypted with RSA " +
                "PKCS#1 v1.5, which leaks through its errors. Allow it (AllowRsa15) only where nobody can send many files.");
        }
        // RFC 6030 section 6: one algorithm for all values. A second one is how a value is smuggled past its MAC.
        if (isValue && (algorithmUri ??= data.Known.Uri) != data.Known.Uri)
        {
            throw PskcException.At(PskcFault.BadStructure, data.Line,
                $"values are encrypted with two algorithms, {algorithmUri} and {data.Known.Uri}; RFC 6030 has one a file.");
        }
    }

    private bool MacIsChecked(EncryptedData data, byte[]? valueMac)
    {
        if (options.MacPolicy == MacPolicy.NoCheck)
        {
            WarnOnce(data.Line, "its MACs were not checked: whoever had the file in hand could have changed it.");
            return false;
        }
        if (valueMac is null)
        {
            if (header.HasMacMethod)
            {
                throw Missing(data, "the file names a MAC method, but this value has no ValueMAC: it was stripped or forgotten");
            }
            if (!options.AllowUnauthenticated)
            {
                throw Missing(data, "the value is encrypted without any MAC, so a change would not be seen");
            }
            WarnOnce(data.Line, "its values are encrypted without MAC: whoever had the file in hand could have changed it.");
            return false;
        }
        return mac is not null ? true : throw Missing(data, "the value has a ValueMAC, but the file names no MAC method");
    }

    private static PskcException Missing(EncryptedData data, string what) => PskcException.At(PskcFault.MacMissing, data.Line,
        $"{what} (RFC 6030 section 6.1.1). Ask the sender for a file with MACs.");

    private void PrepareMac()
    {
        if (macReady)
        {
            return;
        }
        macReady = true;
        if (!header.HasMacMethod)
        {
            return;
        }
        mac = ValueMac.Find(header.MacAlgorithm ?? "") ?? throw PskcException.At(PskcFault.UnsupportedAlgorithm, header.MacLine,
            $"the MAC algorithm '{PskcException.Printable(header.MacAlgorithm ?? "")}' is not known; it is not taken for another.");
        if (!options.MacKey.IsEmpty)
        {
            macKey = options.MacKey.ToArray();
        }
        else if (header.MacKey is not null)
        {
            Recognise(header.MacKey, isValue: false);
            // A MAC key that does not decrypt is replaced by a random one, so that a wrong key shows at the first
            // value as a MAC that does not match: the same fault, at the same place, as a changed file.
            macKey = DecryptUnchecked(header.MacKey) ?? RandomNumberGenerator.GetBytes(32);
        }
        else if (header.MacKeyReference is not null)
        {
            throw PskcException.At(PskcFault.KeyRequired, header.MacLine, "the MAC key is not in the file but " +
                $"agreed apart, under the name '{PskcException.Printable(header.MacKeyReference)}'. Give it (MacKey).");
        }
        else if (header.Kind == EncryptionKind.PrivateKey && header.WrappedKey is null)
        {
            throw PskcException.At(PskcFault.MacMissing, header.MacLine, "the file names a MAC method but no " +
                "MAC key, and its values are encrypted to a public key. Give the MAC key (MacKey), or ask the sender.");
        }
        else
        {
            macKey = SymmetricKey(header.DefaultAlgorithm is null ? null : ValueAlgorithm.Find(header.DefaultAlgorithm));
            warn(header.MacLine, "the file has no MACKey; its MACs are made with the encryption key, as drafts had it.");
        }
    }

    private byte[]? DecryptUnchecked(EncryptedData data)
    {
        if (data.Known!.IsRsa)
        {
            return RsaValue.Decrypt(RsaKey(), data);
        }
        using var own = new ValueCipher(data.Known, Fitting(data.Known));
        return own.Decrypt(data.Cipher, OutsideIv);
    }

    private ReadOnlySpan<byte> OutsideIv => options.Iv.IsEmpty ? header.DefaultIv : options.Iv.Span;

    private ValueCipher CipherFor(EncryptedData data)
    {
        if (cipher is null || cipher.Algorithm != data.Known)
        {
            cipher?.Dispose();
            cipher = new ValueCipher(data.Known!, Fitting(data.Known!));
            cipherUri = data.Algorithm;
        }
        return cipher;
    }

    private byte[] Fitting(ValueAlgorithm algorithm)
    {
        var found = SymmetricKey(algorithm);
        if (!ValueCipher.Fits(algorithm, found.Length))
        {
            throw new PskcException(PskcFault.KeyRequired, $"The file is encrypted with {algorithm.Name}, which takes a " +
                $"key of {algorithm.KeyOctets} octets; the one given has {found.Length}. Ask the sender which key goes with it.");
        }
        return found;
    }

    private byte[] SymmetricKey(ValueAlgorithm? algorithm)
    {
        if (key is not null)
        {
            return key;
        }
        if (header.WrappedKey is not null)
        {
            return key = UnwrappedKey(header.WrappedKey, algorithm);
        }
        return key = (header.Kind, options.Key) switch
        {
            (_, null) => throw KeyRequired("give it"),
            (EncryptionKind.Passphrase, KeySource.PassphraseSource passphrase) => header.Derivation!.Derive(
                passphrase.Utf8, header.Derivation.KeyLength ?? algorithm?.KeyOctets ?? 16),
            // The derived key itself, for who has it from elsewhere.
            (EncryptionKind.PreSharedKey or EncryptionKind.Passphrase or EncryptionKind.None,
                KeySource.PreSharedKeySource shared) => shared.Key.ToArray(),
            _ => throw KeyRequired("another sort of key was given"),
        };
    }

    private byte[] UnwrappedKey(EncryptedData wrapped, ValueAlgorithm? algorithm)
    {
        Recognise(wrapped, isValue: false);
        // As with the MAC key: a content key that does not unwrap shows as values that do not authenticate.
        var octets = algorithm?.KeyOctets ?? 16;
        if (wrapped.Known!.IsRsa)
        {
            return RsaValue.Decrypt(RsaKey(), wrapped) is { } content && content.Length == octets
                ? content : RandomNumberGenerator.GetBytes(octets);
        }
        if (options.Key is not KeySource.PreSharedKeySource shared || !ValueCipher.Fits(wrapped.Known, shared.Key.Length))
        {
            throw KeyRequired("the key given does not fit");
        }
        using var own = new ValueCipher(wrapped.Known, shared.Key);
        return own.Decrypt(wrapped.Cipher, []) is { } unwrapped && unwrapped.Length == octets
            ? unwrapped : RandomNumberGenerator.GetBytes(octets);
    }

    private RSA RsaKey() => options.Key is KeySource.PrivateKeySource source ? source.Rsa
        : throw KeyRequired(options.Key is null ? "give it" : "another sort of key was given");

    private PskcException KeyRequired(string but)
    {
        var what = header.Kind switch
        {
            EncryptionKind.Passphrase => "a passphrase",
            EncryptionKind.PrivateKey => "the private key of the recipient's certificate",
            _ => "a pre-shared key",
        };
        var name = header.KeyNames.Count > 0
            ? $" named '{PskcException.Printable(header.KeyNames[0])}'" : "";
        return new PskcException(PskcFault.KeyRequired, $"The file is encrypted and opens with {what}{name}: {but}.");
    }

    private void WarnOnce(int line, string what)
    {
        if (!warnedOfMac)
        {
            warnedOfMac = true;
            warn(line, what);
        }
    }

    public void Dispose()
    {
        cipher?.Dispose();
        CryptographicOperations.ZeroMemory(key);
        CryptographicOperations.ZeroMemory(macKey);
        key = null;
        macKey = null;
    }
}
