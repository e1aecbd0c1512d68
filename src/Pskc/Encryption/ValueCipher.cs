using System.Security.Cryptography;
using System.Security.Cryptography.Xml;
using Org.BouncyCastle.Crypto;
using Org.BouncyCastle.Crypto.Engines;
using Org.BouncyCastle.Crypto.Parameters;

namespace Pskc.Encryption;

/// <summary>
/// Decrypts values with one symmetric key. Null means the value is not authentic or not of the right form: the two
/// are never told apart.
/// </summary>
internal sealed class ValueCipher : IDisposable
{
    private readonly byte[] key;
    private readonly SymmetricAlgorithm? block;
    private readonly AesGcm? gcm;

    public ValueCipher(ValueAlgorithm algorithm, ReadOnlySpan<byte> key)
    {
        Algorithm = algorithm;
        this.key = key.ToArray();
        switch (algorithm.Kind)
        {
            case CipherKind.AesCbc or CipherKind.AesWrap or CipherKind.AesWrapPadded:
                block = Aes.Create();
                block.Key = this.key;
                break;
            case CipherKind.TripleDesCbc or CipherKind.TripleDesWrap:
                block = TripleDES.Create();
                block.Key = !IsWeak(this.key) ? ThreeKeys(this.key) : throw new PskcException(PskcFault.KeyRequired,
                    "The key is one of the known weak keys of 3DES; it cannot be the file's.");
                break;
            case CipherKind.AesGcm:
                gcm = new AesGcm(this.key, tagSizeInBytes: 16);
                break;
            default:
                break;
        }
    }

    public ValueAlgorithm Algorithm { get; }

    /// <summary>Whether a key of this length fits; two-key 3DES is K1 K2 K1.</summary>
    public static bool Fits(ValueAlgorithm algorithm, int keyOctets) => keyOctets == algorithm.KeyOctets
        || (algorithm.Kind is CipherKind.TripleDesCbc or CipherKind.TripleDesWrap && keyOctets == 16);

    public byte[]? Decrypt(ReadOnlySpan<byte> value, ReadOnlySpan<byte> outsideIv) => Algorithm.Kind switch
    {
        CipherKind.AesCbc or CipherKind.TripleDesCbc => DecryptCbc(value, outsideIv),
        CipherKind.CamelliaCbc => DecryptCamellia(value, outsideIv),
        CipherKind.AesGcm => DecryptGcm(value),
        CipherKind.AesWrap => UnwrapAes((Aes)block!, value),
        CipherKind.AesWrapPadded => UnwrapPadded((Aes)block!, value),
        CipherKind.TripleDesWrap => Quietly(value, v => EncryptedXml.DecryptKey(v, (TripleDES)block!)),
        CipherKind.CamelliaWrap => UnwrapCamellia(value),
        _ => null,
    };

    /// <summary>Whether 3DES refuses the key: its halves or thirds are equal.</summary>
    public static bool IsWeak(byte[] key) => TripleDES.IsWeakKey(ThreeKeys(key));

    /// <summary>Two-key 3DES is K1 K2 K1.</summary>
    public static byte[] ThreeKeys(byte[] key) => key.Length == 24 ? key : [.. key, .. key.AsSpan(0, 8)];

    private byte[]? DecryptCbc(ReadOnlySpan<byte> value, ReadOnlySpan<byte> outsideIv)
    {
        var size = Algorithm.BlockOctets;
        var (iv, body) = Split(value, outsideIv, size);
        if (body.IsEmpty || body.Length % size != 0 || iv.Length != size)
        {
            return null;
        }
        var plain = new byte[body.Length];
        block!.DecryptCbc(body, iv, plain, PaddingMode.None);
        return Unpad(plain, size);
    }

    private byte[]? DecryptCamellia(ReadOnlySpan<byte> value, ReadOnlySpan<byte> outsideIv)
    {
        var (iv, body) = Split(value, outsideIv, 16);
        if (body.IsEmpty || body.Length % 16 != 0 || iv.Length != 16)
        {
            return null;
        }
        var engine = new CamelliaEngine();
        engine.Init(forEncryption: false, new KeyParameter(key));
        var plain = new byte[body.Length];
        var previous = iv;
        for (var at = 0; at < body.Length; at += 16)
        {
            engine.ProcessBlock(body[at..], plain.AsSpan(at));
            for (var i = 0; i < 16; i++)
            {
                plain[at + i] ^= previous[i];
            }
            previous = body.Slice(at, 16);
        }
        return Unpad(plain, 16);
    }

    private static Halves Split(ReadOnlySpan<byte> value, ReadOnlySpan<byte> outsideIv, int size)
    {
        if (!outsideIv.IsEmpty)
        {
            return new(outsideIv, value);
        }
        return value.Length < 2 * size ? default : new(value[..size], value[size..]);
    }

    /// <summary>XML Encryption 5.2: only the last octet of the padding has a meaning.</summary>
    private static byte[]? Unpad(byte[] plain, int size)
    {
        var padding = plain[^1];
        var result = padding >= 1 && padding <= size ? plain[..^padding] : null;
        CryptographicOperations.ZeroMemory(plain);
        return result;
    }

    private byte[]? DecryptGcm(ReadOnlySpan<byte> value)
    {
        if (value.Length < 12 + 16)
        {
            return null;
        }
        var plain = new byte[value.Length - 28];
        try
        {
            gcm!.Decrypt(value[..12], value[12..^16], value[^16..], plain);
            return plain;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    /// <summary>
    /// RFC 3394, else RFC 5649: peers wrap a 20-octet secret, which RFC 3394 cannot hold, in the padded form under the
    /// plain URI. Each form has its own integrity value, so neither can be taken for the other.
    /// </summary>
    private static byte[]? UnwrapAes(Aes aes, ReadOnlySpan<byte> value) =>
        Quietly(value, v => EncryptedXml.DecryptKey(v, aes)) ?? UnwrapPadded(aes, value);

    private static byte[]? UnwrapPadded(Aes aes, ReadOnlySpan<byte> value) =>
        value.Length < 16 || value.Length % 8 != 0 ? null : Quietly(value, aes.DecryptKeyWrapPadded);

    private byte[]? UnwrapCamellia(ReadOnlySpan<byte> value)
    {
        var parameter = new KeyParameter(key);
        return Quietly(value, v => Unwrap(new CamelliaWrapEngine(), v))
            ?? Quietly(value, v => Unwrap(new Rfc5649WrapEngine(new CamelliaEngine()), v));

        byte[] Unwrap(IWrapper wrapper, byte[] wrapped)
        {
            wrapper.Init(forWrapping: false, parameter);
            return wrapper.Unwrap(wrapped, 0, wrapped.Length);
        }
    }

    /// <summary>What the libraries throw at a value that does not unwrap is no news to anyone.</summary>
    private static byte[]? Quietly(ReadOnlySpan<byte> value, Func<byte[], byte[]> unwrap)
    {
        try
        {
            return unwrap(value.ToArray());
        }
        catch (Exception e) when (e is CryptographicException or InvalidCipherTextException or ArgumentException
            or IndexOutOfRangeException or OverflowException or Org.BouncyCastle.Crypto.DataLengthException)
        {
            return null;
        }
    }

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(key);
        block?.Dispose();
        gcm?.Dispose();
    }

    private readonly ref struct Halves(ReadOnlySpan<byte> iv, ReadOnlySpan<byte> body)
    {
        private readonly ReadOnlySpan<byte> iv = iv;
        private readonly ReadOnlySpan<byte> body = body;

        public void Deconstruct(out ReadOnlySpan<byte> first, out ReadOnlySpan<byte> second)
        {
            first = iv;
            second = body;
        }
    }
}
