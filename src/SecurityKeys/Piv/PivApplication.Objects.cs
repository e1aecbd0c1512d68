using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using SecurityKeys.Cards;

namespace SecurityKeys.Piv;

/// <summary>Tags of the data objects used here (SP 800-73-4 part 1, table 3).</summary>
public static class PivObject
{
    /// <summary>Card capability container.</summary>
    public const int CardCapabilities = 0x5FC107;

    /// <summary>Card holder unique identifier.</summary>
    public const int Chuid = 0x5FC102;

    /// <summary>Printed information; readable after VERIFY only.</summary>
    public const int Printed = 0x5FC109;

    /// <summary>The certificate of the attestation key (Yubico).</summary>
    public const int AttestationCertificate = 0x5FFF01;
}

// Data objects and attestation.
public sealed partial class PivApplication
{
    /// <summary>The slot of the factory's attestation key (Yubico).</summary>
    public const byte AttestationSlot = 0xF9;

    /// <summary>The card holder unique identifier; null when the card has none.</summary>
    public Chuid? GetChuid() => GetObject(PivObject.Chuid) is { Length: > 0 } data ? Chuid.Read(data) : null;

    /// <summary>Writes the identifier; needs the management key.</summary>
    public void PutChuid(Chuid chuid)
    {
        ArgumentNullException.ThrowIfNull(chuid);
        PutObject(PivObject.Chuid, chuid.Encode());
    }

    /// <summary>The card capability container; null when the card has none.</summary>
    public CardCapabilities? GetCcc() =>
        GetObject(PivObject.CardCapabilities) is { Length: > 0 } data ? CardCapabilities.Read(data) : null;

    /// <summary>Writes the container; needs the management key.</summary>
    public void PutCcc(CardCapabilities ccc)
    {
        ArgumentNullException.ThrowIfNull(ccc);
        PutObject(PivObject.CardCapabilities, ccc.Encode());
    }

    /// <summary>GET DATA (part 2, 3.1.2): the value inside tag 53; null when the object is not there.</summary>
    public ReadOnlyMemory<byte>? GetObject(int tag)
    {
        var answer = channel.Transmit(new CommandApdu(0x00, 0xCB, 0x3F, 0xFF, ObjectName(tag), Le: 0));
        if (answer.Status == StatusWord.NotFound) return null;
        if (answer.Status != StatusWord.Ok) throw new CardStatusException("read a data object", answer.Status);
        return Tlv.Require(answer.Data, 0x53);
    }

    /// <summary>PUT DATA (part 2, 3.3.1); needs the management key. Nothing written deletes the object.</summary>
    public void PutObject(int tag, ReadOnlySpan<byte> value)
    {
        using var data = new TlvWriter();
        data.Raw(ObjectName(tag)).Add(0x53, value);
        channel.Send("write a data object", new CommandApdu(0x00, 0xDB, 0x3F, 0xFF, data.Written));
    }

    /// <summary>
    /// GENERATE ASYMMETRIC KEY PAIR on P-256 (part 2, 3.3.2); needs the management key. Returns the point.
    /// </summary>
    public byte[] GenerateP256(byte slot)
    {
        var answer = channel.Send("generate a key pair", new CommandApdu(
            0x00, 0x47, 0x00, slot, new byte[] { 0xAC, 0x03, 0x80, 0x01, 0x11 }, Le: 0));
        return Tlv.Require(Tlv.Require(answer, 0x7F49), 0x86).ToArray();
    }

    /// <summary>
    /// ATTEST (Yubico, firmware 4.3): a certificate by the key's own attestation key that the slot's key was made
    /// on it; it tells the key's serial and firmware. Null when the slot is empty.
    /// </summary>
    public Attestation? Attest(byte slot)
    {
        if (Firmware is null || Firmware < AttestationFirmware)
            throw new NotOnThisFirmwareException("Attestation", AttestationFirmware, Firmware ?? new Version(0, 0, 0));

        var answer = channel.Transmit(new CommandApdu(0x00, 0xF9, slot, 0x00));
        if (answer.Status == StatusWord.ReferenceNotFound || answer.Status == StatusWord.WrongData
            || answer.Status == StatusWord.NotFound)
            return null;
        if (answer.Status != StatusWord.Ok) throw new CardStatusException("attest a key", answer.Status);
        return Attestation.Read(answer.Data.Span);
    }

    /// <summary>The certificate of the attestation key itself; null when it was erased.</summary>
    public X509Certificate2? GetAttestationCertificate()
    {
        if (GetObject(PivObject.AttestationCertificate) is not { Length: > 0 } data) return null;
        try
        {
            return X509CertificateLoader.LoadCertificate(Tlv.Require(data, 0x70).Span);
        }
        catch (CryptographicException)
        {
            throw new BadCardAnswerException("The attestation certificate on the key cannot be read.");
        }
    }

    private static byte[] ObjectName(int tag) =>
        tag <= 0xFF ? [0x5C, 0x01, (byte)tag] : [0x5C, 0x03, (byte)(tag >> 16), (byte)(tag >> 8), (byte)tag];
}
