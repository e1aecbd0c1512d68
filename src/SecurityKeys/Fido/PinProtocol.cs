using System.Security.Cryptography;
using SecurityKeys.Cards;

namespace SecurityKeys.Fido;

/// <summary>
/// PIN/UV auth protocols one and two (CTAP 2.1, 6.5.6 and 6.5.7), either side: an agreed secret under which PINs
/// travel, and a proof of knowing it.
/// </summary>
internal sealed class PinProtocol : IDisposable
{
    private readonly byte[] hmacKey;
    private readonly byte[] aesKey;

    private PinProtocol(int version, byte[] hmacKey, byte[] aesKey) =>
        (Version, this.hmacKey, this.aesKey) = (version, hmacKey, aesKey);

    public int Version { get; }

    /// <summary>Agrees with a peer's public point.</summary>
    public static PinProtocol Agree(int version, ECDiffieHellman ours, Dictionary<object, object?> theirs)
    {
        byte[] z;
        try
        {
            using var peer = ECDiffieHellman.Create(new ECParameters
            {
                Curve = ECCurve.NamedCurves.nistP256,
                Q = new ECPoint
                {
                    X = theirs.GetValueOrDefault(-2L) as byte[],
                    Y = theirs.GetValueOrDefault(-3L) as byte[],
                },
            });
            z = ours.DeriveRawSecretAgreement(peer.PublicKey);
        }
        catch (CryptographicException)
        {
            throw new BadCardAnswerException("The key agreement's point is not on the curve.");
        }
        try
        {
            if (version == 1)
            {
                var key = SHA256.HashData(z);
                return new PinProtocol(1, key, (byte[])key.Clone());
            }
            var salt = new byte[32];
            return new PinProtocol(2,
                HKDF.DeriveKey(HashAlgorithmName.SHA256, z, 32, salt, "CTAP2 HMAC key"u8.ToArray()),
                HKDF.DeriveKey(HashAlgorithmName.SHA256, z, 32, salt, "CTAP2 AES key"u8.ToArray()));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(z);
        }
    }

    /// <summary>A public key in COSE form (CTAP 2.1, 6.5.6).</summary>
    public static Dictionary<object, object?> Cose(ECDiffieHellman key)
    {
        var point = key.ExportParameters(includePrivateParameters: false).Q;
        return new() { [1L] = 2L, [3L] = -25L, [-1L] = 1L, [-2L] = point.X, [-3L] = point.Y };
    }

    public byte[] Encrypt(ReadOnlySpan<byte> plain)
    {
        using var aes = Aes.Create();
        aes.Key = aesKey;
        var iv = Version == 1 ? new byte[16] : RandomNumberGenerator.GetBytes(16);
        var sealedBytes = aes.EncryptCbc(plain, iv, PaddingMode.None);
        return Version == 1 ? sealedBytes : [.. iv, .. sealedBytes];
    }

    /// <summary>Null when the length cannot be right.</summary>
    public byte[]? Decrypt(ReadOnlySpan<byte> sealedBytes)
    {
        var skip = Version == 1 ? 0 : 16;
        if (sealedBytes.Length <= skip || sealedBytes.Length % 16 != 0) return null;
        using var aes = Aes.Create();
        aes.Key = aesKey;
        return aes.DecryptCbc(sealedBytes[skip..], Version == 1 ? new byte[16] : sealedBytes[..16], PaddingMode.None);
    }

    public byte[] Authenticate(ReadOnlySpan<byte> message) => Authenticate(Version, hmacKey, message);

    public static byte[] Authenticate(int version, ReadOnlySpan<byte> key, ReadOnlySpan<byte> message)
    {
        var proof = HMACSHA256.HashData(key, message);
        return version == 1 ? proof[..16] : proof;
    }

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(hmacKey);
        CryptographicOperations.ZeroMemory(aesKey);
    }
}
