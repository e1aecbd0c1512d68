using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Security.Cryptography.Xml;
using Pskc.Encryption;

namespace Pskc.Writing;

/// <summary>Encrypts values for a container being written and makes their MACs (RFC 6030 section 6).</summary>
internal sealed class ValueSeal : IDisposable
{
    private readonly SymmetricAlgorithm? block;
    private readonly AesGcm? gcm;
    private readonly RSA? rsa;
    private readonly byte[] macKey = [];

    public ValueSeal(ContainerProtection protection)
    {
        if (protection.Kind == EncryptionKind.PrivateKey)
        {
            rsa = protection.Certificate!.GetRSAPublicKey();
            Algorithm = ValueAlgorithm.Known("rsa-oaep-mgf1p");
            Mac = ValueMac.Find("hmac-sha256");
        }
        else
        {
            var bits = protection.Key.Length * 8;
            (var name, Mac) = protection.Encryption switch
            {
                ValueEncryption.AesCbcHmacSha1 => ($"aes{bits}-cbc", ValueMac.Find("hmac-sha1")),
                ValueEncryption.AesCbcHmacSha256 => ($"aes{bits}-cbc", ValueMac.Find("hmac-sha256")),
                ValueEncryption.AesGcm => ($"aes{bits}-gcm", null),
                ValueEncryption.AesKeyWrap => ($"kw-aes{bits}", null),
                ValueEncryption.AesKeyWrapPadded => ($"kw-aes-{bits}-pad", null),
                _ => ("tripledes-cbc", ValueMac.Find("hmac-sha1")),
            };
            Algorithm = ValueAlgorithm.Known(name);
            switch (Algorithm.Kind)
            {
                case CipherKind.AesGcm:
                    gcm = new AesGcm(protection.Key, tagSizeInBytes: 16);
                    break;
                case CipherKind.TripleDesCbc:
                    block = TripleDES.Create();
                    block.Key = ValueCipher.ThreeKeys(protection.Key);
                    break;
                default:
                    block = Aes.Create();
                    block.Key = protection.Key;
                    break;
            }
        }
        if (Mac is not null)
        {
            macKey = RandomNumberGenerator.GetBytes(Mac.Octets);
            SealedMacKey = Encrypt(macKey);
        }
    }

    public ValueAlgorithm Algorithm { get; }

    public ValueMac? Mac { get; }

    public byte[]? SealedMacKey { get; }

    public byte[] Encrypt(ReadOnlySpan<byte> value) => Algorithm.Kind switch
    {
        CipherKind.RsaOaep => rsa!.Encrypt(value, RSAEncryptionPadding.OaepSHA1),
        CipherKind.AesGcm => EncryptGcm(value),
        CipherKind.AesWrapPadded => ((Aes)block!).EncryptKeyWrapPadded(value),
        // RFC 3394 holds whole blocks of 8 octets, two at least; what it cannot hold goes padded under the same URI,
        // as peers read it.
        CipherKind.AesWrap => value.Length >= 16 && value.Length % 8 == 0
            ? EncryptedXml.EncryptKey(value.ToArray(), (Aes)block!)
            : ((Aes)block!).EncryptKeyWrapPadded(value),
        _ => EncryptCbc(value),
    };

    /// <summary>The MAC over vector and ciphertext; null where the cipher needs none.</summary>
    public byte[]? Authenticate(ReadOnlySpan<byte> sealedValue) => Mac?.Compute(macKey, sealedValue);

    private byte[] EncryptCbc(ReadOnlySpan<byte> value)
    {
        var size = Algorithm.BlockOctets;
        var padding = size - (value.Length % size);
        var result = new byte[size + value.Length + padding];
        RandomNumberGenerator.Fill(result.AsSpan(0, size));
        block!.EncryptCbc(value, result.AsSpan(0, size), result.AsSpan(size), PaddingMode.PKCS7);
        return result;
    }

    private byte[] EncryptGcm(ReadOnlySpan<byte> value)
    {
        var result = new byte[12 + value.Length + 16];
        RandomNumberGenerator.Fill(result.AsSpan(0, 12));
        gcm!.Encrypt(result.AsSpan(0, 12), value, result.AsSpan(12, value.Length), result.AsSpan(12 + value.Length));
        return result;
    }

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(macKey);
        block?.Dispose();
        gcm?.Dispose();
        rsa?.Dispose();
    }
}
