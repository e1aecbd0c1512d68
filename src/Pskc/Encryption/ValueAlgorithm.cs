namespace Pskc.Encryption;

/// <summary>The families of ciphers values are encrypted with.</summary>
internal enum CipherKind
{
    AesCbc,
    TripleDesCbc,
    CamelliaCbc,
    AesGcm,
    AesWrap,
    AesWrapPadded,
    TripleDesWrap,
    CamelliaWrap,
    Rsa15,
    RsaOaep,
}

/// <summary>One algorithm values are encrypted with (RFC 6030 section 6), by whatever alias it is written.</summary>
/// <param name="Name">The fragment of its URI.</param>
/// <param name="Uri">Its URI as the standard writes it.</param>
/// <param name="Kind">The family.</param>
/// <param name="KeyOctets">The length of its key; 0 for RSA.</param>
internal sealed record ValueAlgorithm(string Name, string Uri, CipherKind Kind, int KeyOctets)
{
    private const string Xenc = "http://www.w3.org/2001/04/xmlenc#";
    private const string Xenc11 = "http://www.w3.org/2009/xmlenc11#";
    private const string More = "http://www.w3.org/2001/04/xmldsig-more#";

    private static readonly Dictionary<string, ValueAlgorithm> byName = Table();

    /// <summary>
    /// Whether the cipher itself tells a wrong key or a changed value, so that no ValueMAC is needed.
    /// </summary>
    public bool IsAuthenticated => Kind is CipherKind.AesGcm or CipherKind.AesWrap or CipherKind.AesWrapPadded
        or CipherKind.TripleDesWrap or CipherKind.CamelliaWrap;

    public bool IsRsa => Kind is CipherKind.Rsa15 or CipherKind.RsaOaep;

    public int BlockOctets => Kind is CipherKind.TripleDesCbc or CipherKind.TripleDesWrap ? 8 : 16;

    public static ValueAlgorithm? Find(string uri)
    {
        var name = uri[(uri.LastIndexOf('#') + 1)..].Trim().ToLowerInvariant();
        return byName.GetValueOrDefault(name);
    }

    public static ValueAlgorithm Known(string name) => byName[name];

    private static Dictionary<string, ValueAlgorithm> Table()
    {
        var table = new Dictionary<string, ValueAlgorithm>(StringComparer.Ordinal);
        foreach (var bits in (int[])[128, 192, 256])
        {
            var octets = bits / 8;
            Add(new($"aes{bits}-cbc", $"{Xenc}aes{bits}-cbc", CipherKind.AesCbc, octets), $"pbe-aes{bits}-cbc");
            Add(new($"aes{bits}-gcm", $"{Xenc11}aes{bits}-gcm", CipherKind.AesGcm, octets));
            Add(new($"kw-aes{bits}", $"{Xenc}kw-aes{bits}", CipherKind.AesWrap, octets));
            Add(new($"kw-aes-{bits}-pad", $"{Xenc11}kw-aes-{bits}-pad", CipherKind.AesWrapPadded, octets),
                $"kw-aes{bits}-pad");
            Add(new($"camellia{bits}-cbc", $"{More}camellia{bits}-cbc", CipherKind.CamelliaCbc, octets), $"camellia{bits}");
            Add(new($"kw-camellia{bits}", $"{More}kw-camellia{bits}", CipherKind.CamelliaWrap, octets));
        }
        Add(new("tripledes-cbc", $"{Xenc}tripledes-cbc", CipherKind.TripleDesCbc, 24),
            "3des-cbc", "3des112-cbc", "3des168-cbc", "pbe-3des112-cbc", "pbe-3des168-cbc");
        Add(new("kw-tripledes", $"{Xenc}kw-tripledes", CipherKind.TripleDesWrap, 24), "kw-3des");
        // RFC 6030 figure 8 writes rsa_1_5 with an underscore, XML Encryption with a hyphen.
        Add(new("rsa-1_5", $"{Xenc}rsa-1_5", CipherKind.Rsa15, 0), "rsa_1_5");
        Add(new("rsa-oaep-mgf1p", $"{Xenc}rsa-oaep-mgf1p", CipherKind.RsaOaep, 0));
        Add(new("rsa-oaep", $"{Xenc11}rsa-oaep", CipherKind.RsaOaep, 0));
        return table;

        void Add(ValueAlgorithm algorithm, params string[] aliases)
        {
            table.Add(algorithm.Name, algorithm);
            foreach (var alias in aliases)
            {
                table.Add(alias, algorithm);
            }
        }
    }
}
