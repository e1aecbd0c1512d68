using System.Security.Cryptography;
using SecurityKeys.Cards;

namespace SecurityKeys.Piv;

// The management key: proving it, changing it, and keeping it on the key under the PIN.
public sealed partial class PivApplication
{
    // Where Yubico's tools keep what they know of the management key (ykman piv.py, PivmanData).
    private const int PivmanData = 0x5FFF00;
    private const byte PivmanKeyProtected = 0x02;

    /// <summary>
    /// GENERAL AUTHENTICATE, mutual authentication (part 2, 3.2.4 and appendix A.1): both sides prove the key.
    /// False when the key is wrong; there is no limit on tries.
    /// </summary>
    public bool AuthenticateManagementKey(ReadOnlySpan<byte> key, ManagementKeyAlgorithm algorithm)
    {
        CheckKeyLength(key, algorithm);
        var secret = key.ToArray();
        byte[]? witness = null;
        try
        {
            var asked = channel.Send("start management key authentication", new CommandApdu(
                0x00, 0x87, (byte)algorithm, ManagementKeyReference, new byte[] { 0x7C, 0x02, 0x80, 0x00 }));
            var sealedWitness = Tlv.Require(Tlv.Require(asked, 0x7C), 0x80);
            if (sealedWitness.Length != algorithm.BlockLength())
                throw new BadCardAnswerException("The card's witness has the wrong length.");
            witness = ManagementKeyCipher.Decrypt(algorithm, secret, sealedWitness.Span);

            var challenge = RandomNumberGenerator.GetBytes(algorithm.BlockLength());
            using var inner = new TlvWriter();
            using var outer = new TlvWriter();
            outer.Add(0x7C, inner.Add(0x80, witness).Add(0x81, challenge).Written.Span);
            var answer = channel.Transmit(new CommandApdu(
                0x00, 0x87, (byte)algorithm, ManagementKeyReference, outer.Written));
            if (answer.Status == StatusWord.SecurityNotSatisfied) return false;
            if (answer.Status != StatusWord.Ok)
                throw new CardStatusException("authenticate the management key", answer.Status);

            var response = Tlv.Require(Tlv.Require(answer.Data, 0x7C), 0x82);
            var expected = ManagementKeyCipher.Encrypt(algorithm, secret, challenge);
            if (!CryptographicOperations.FixedTimeEquals(expected, response.Span))
                throw new BadCardAnswerException("The card could not prove that it knows its management key.");
            return true;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
            CryptographicOperations.ZeroMemory(witness);
        }
    }

    /// <summary>SET MANAGEMENT KEY (Yubico); needs the present key proved. AES needs firmware 5.4.</summary>
    public void SetManagementKey(ReadOnlySpan<byte> key, ManagementKeyAlgorithm algorithm, bool requireTouch = false)
    {
        CheckKeyLength(key, algorithm);
        if (algorithm != ManagementKeyAlgorithm.TripleDes && !(Firmware >= AesFirmware))
            throw new NotOnThisFirmwareException(
                "An AES management key", AesFirmware, Firmware ?? new Version(0, 0, 0));

        using var data = new TlvWriter();
        data.Raw((byte)algorithm).Add(ManagementKeyReference, key);
        channel.Send("set the management key", new CommandApdu(
            0x00, 0xFF, 0xFF, (byte)(requireTouch ? 0xFE : 0xFF), data.Written));
    }

    /// <summary>
    /// Keeps the management key on the key itself, readable only after VERIFY, where ykman and the vendor's tools
    /// look for it (<c>--protect</c>). Needs the management key and the PIN proved.
    /// </summary>
    public void StoreProtectedManagementKey(ReadOnlySpan<byte> key)
    {
        using var inner = new TlvWriter();
        using var outer = new TlvWriter();
        PutObject(PivObject.Printed, outer.Add(0x88, inner.Add(0x89, key).Written.Span).Written.Span);
        PutObject(PivmanData, [0x80, 0x03, 0x81, 0x01, PivmanKeyProtected]);
    }

    /// <summary>The protected management key, after VERIFY; null when none is stored. The caller zeroes it.</summary>
    public byte[]? ReadProtectedManagementKey()
    {
        if (GetObject(PivObject.Printed) is not { } data) return null;
        return Tlv.Find(data, 0x88) is { } content ? Tlv.Find(content, 0x89)?.ToArray() : null;
    }

    private static void CheckKeyLength(ReadOnlySpan<byte> key, ManagementKeyAlgorithm algorithm)
    {
        if (key.Length != algorithm.KeyLength())
            throw new ArgumentException($"This management key has {algorithm.KeyLength()} bytes.", nameof(key));
    }
}
