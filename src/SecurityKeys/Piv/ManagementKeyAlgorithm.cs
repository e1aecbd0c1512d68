using System.Security.Cryptography;
using SecurityKeys.Cards;

namespace SecurityKeys.Piv;

/// <summary>The cipher of the card management key (SP 800-78-4, table 6-2).</summary>
public enum ManagementKeyAlgorithm
{
    /// <summary>Three-key triple DES, 24 bytes; every key until firmware 5.6.</summary>
    TripleDes = 0x03,

    /// <summary>AES with 16 bytes; YubiKey firmware 5.4 or later.</summary>
    Aes128 = 0x08,

    /// <summary>AES with 24 bytes; the factory's choice from firmware 5.7.</summary>
    Aes192 = 0x0A,

    /// <summary>AES with 32 bytes.</summary>
    Aes256 = 0x0C,
}

/// <summary>What follows from the choice of cipher.</summary>
public static class ManagementKeyCipher
{
    /// <summary>Bytes of a key.</summary>
    public static int KeyLength(this ManagementKeyAlgorithm algorithm) => algorithm switch
    {
        ManagementKeyAlgorithm.TripleDes or ManagementKeyAlgorithm.Aes192 => 24,
        ManagementKeyAlgorithm.Aes128 => 16,
        ManagementKeyAlgorithm.Aes256 => 32,
        _ => throw new BadCardAnswerException("Unknown management key algorithm."),
    };

    /// <summary>Bytes of one block, which is the length of witness and challenge.</summary>
    public static int BlockLength(this ManagementKeyAlgorithm algorithm) =>
        algorithm == ManagementKeyAlgorithm.TripleDes ? 8 : 16;

    internal static byte[] Encrypt(ManagementKeyAlgorithm algorithm, byte[] key, ReadOnlySpan<byte> block) =>
        Transform(algorithm, key, block, encrypt: true);

    internal static byte[] Decrypt(ManagementKeyAlgorithm algorithm, byte[] key, ReadOnlySpan<byte> block) =>
        Transform(algorithm, key, block, encrypt: false);

    private static byte[] Transform(
        ManagementKeyAlgorithm algorithm, byte[] key, ReadOnlySpan<byte> block, bool encrypt)
    {
        using SymmetricAlgorithm cipher =
            algorithm == ManagementKeyAlgorithm.TripleDes ? TripleDES.Create() : Aes.Create();
        // One random block under challenge and response (SP 800-73-4 part 2, 3.2.4); no chaining is involved.
        cipher.Mode = CipherMode.ECB;
        cipher.Padding = PaddingMode.None;
        // The factory key repeats one DES key thrice, which the Key property refuses as weak; the transform takes it.
        using var transform = encrypt ? cipher.CreateEncryptor(key, null) : cipher.CreateDecryptor(key, null);
        return transform.TransformFinalBlock(block.ToArray(), 0, block.Length);
    }
}
