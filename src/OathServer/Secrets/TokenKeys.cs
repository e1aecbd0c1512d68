using Net.Pkcs11Interop.HighLevelAPI;
using ISession = Net.Pkcs11Interop.HighLevelAPI.ISession;

namespace OathServer.Secrets;

/// <summary>
/// Key-encryption keys inside a PKCS#11 token (an HSM, SoftHSM): AES-256 keys under one label, sensitive and not
/// extractable; the one with the highest <c>CKA_ID</c> seals. Their values never enter this process.
/// </summary>
internal sealed class TokenKeys(TokenAddress address, ILogger log) : IKeySource
{
    private readonly TokenSession token = new(address, log);

    public string Where => address.ToString();

    /// <summary>Why the token does not answer; null while it does.</summary>
    public string? Fault => token.Fault;

    public IReadOnlyList<KeyEncryptionKey> Read(bool mayCreate)
    {
        if (token.Keys(again: true).Count == 0)
        {
            if (!mayCreate)
            {
                throw new InvalidOperationException(
                    $"{address} holds no AES key of that label, and the database holds values sealed with one. Name the right token and key (Secrets:Pkcs11:Token, Secrets:Pkcs11:Key), or restore the token.");
            }

            Add();
        }

        return [.. token.Keys(again: false).OrderByDescending(k => k.Number).ThenBy(k => k.Id, StringComparer.Ordinal).Select(k => new KeyInToken(k.Id, token))];
    }

    public void Add() => token.Generate(token.Keys(again: true).Select(k => k.Number).DefaultIfEmpty(0UL).Max() + 1);

    public bool Remove(string id) => token.Destroy(id);

    public void Dispose() => token.Dispose();
}

/// <summary>One key in the token: wraps and unwraps there (CKM_AES_GCM).</summary>
internal sealed class KeyInToken(string id, TokenSession token) : KeyEncryptionKey(id)
{
    public override void Wrap(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> dataKey, Span<byte> wrapped, Span<byte> tag, ReadOnlySpan<byte> associated)
    {
        var plain = dataKey.ToArray();
        try
        {
            var both = token.Encrypt(Id, nonce.ToArray(), plain, associated.ToArray());
            both.AsSpan(..^TagSize).CopyTo(wrapped);
            both.AsSpan(^TagSize..).CopyTo(tag);
        }
        finally
        {
            System.Security.Cryptography.CryptographicOperations.ZeroMemory(plain);
        }
    }

    public override void Unwrap(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> wrapped, ReadOnlySpan<byte> tag, Span<byte> dataKey, ReadOnlySpan<byte> associated)
    {
        var plain = token.Decrypt(Id, nonce.ToArray(), [.. wrapped, .. tag], associated.ToArray());
        plain.CopyTo(dataKey);
        System.Security.Cryptography.CryptographicOperations.ZeroMemory(plain);
    }

    public override void Dispose()
    {
        // The value is not here.
    }

    /// <summary>The id of a key whose value nobody sees: from the tag over nothing under a nonce that is used for nothing else.</summary>
    public static string IdFrom(ISession session, IObjectHandle key) => IdOf(session.Encrypt(
        TokenSession.Gcm(session, new byte[12], "oathserver sealing key"u8.ToArray()), key, []));
}

/// <summary>Where the token is, and how it is entered: settings <c>Secrets:Pkcs11:Library</c> (the vendor's module),
/// <c>Token</c> (its label), <c>Key</c> (the keys' label), and <c>PinFile</c> or <c>Pin</c>.</summary>
internal sealed record TokenAddress(string Library, string Token, string Key, Func<byte[]> ReadPin)
{
    private const string DefaultKey = "oathserver";

    /// <summary>Null when no token is set.</summary>
    /// <exception cref="InvalidOperationException">A setting is missing.</exception>
    public static TokenAddress? Of(IConfiguration configuration)
    {
        var settings = configuration.GetSection("Secrets:Pkcs11");
        if (settings["Library"] is not { Length: > 0 } library)
        {
            return null;
        }

        var token = settings["Token"] is { Length: > 0 } label ? label
            : throw new InvalidOperationException("Secrets:Pkcs11:Library is set, but not Secrets:Pkcs11:Token, the label of the token.");
        return new TokenAddress(library, token, settings["Key"] is { Length: > 0 } key ? key : DefaultKey, () => PinOf(settings));
    }

    public override string ToString() => $"key {Key} of token {Token}";

    private static byte[] PinOf(IConfigurationSection settings)
    {
        if (settings["PinFile"] is { Length: > 0 } path)
        {
            KeyFile.RefuseOpenToOthers(path, "PIN file");
            return System.Text.Encoding.UTF8.GetBytes(File.ReadAllText(path).TrimEnd('\r', '\n'));
        }

        return settings["Pin"] is { Length: > 0 } pin ? System.Text.Encoding.UTF8.GetBytes(pin)
            : throw new InvalidOperationException("The token's PIN is not set: name a file in Secrets:Pkcs11:PinFile (mode 0600), or set Secrets:Pkcs11:Pin in the environment.");
    }
}
