using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using SecurityKeys.Cards;
using SecurityKeys.Piv;

namespace SecurityKeys.Virtual;

// The management key, key pairs in slots, and attestation.
internal sealed partial class VirtualPiv
{
    private sealed record Slot(byte Algorithm, byte PinPolicy, byte TouchPolicy, AsymmetricAlgorithm Key);

    private readonly Dictionary<byte, Slot> slots = [];
    private byte[] managementKey = PivApplication.FactoryManagementKey.ToArray();
    private ManagementKeyAlgorithm managementAlgorithm;
    private bool managementTouch;
    private bool managementProved;
    private byte[]? witness;
    private byte[]? challenge;
    private X509Certificate2? attestationCertificate;

    private ManagementKeyAlgorithm FactoryAlgorithm =>
        IsYubico && options.Firmware >= new Version(5, 7, 0)
            ? ManagementKeyAlgorithm.Aes192
            : ManagementKeyAlgorithm.TripleDes;

    private void ForgetProofs()
    {
        managementProved = false;
        witness = challenge = null;
    }

    private void ResetKeys()
    {
        managementKey = PivApplication.FactoryManagementKey.ToArray();
        managementAlgorithm = FactoryAlgorithm;
        managementTouch = false;
        // The attestation key survives a reset of the application.
        foreach (var slot in slots.Keys.Where(s => s != PivApplication.AttestationSlot).ToList()) slots.Remove(slot);
    }

    private ResponseApdu SetManagementKey(CommandApdu command)
    {
        if (!managementProved) return Refuse(StatusWord.SecurityNotSatisfied);
        if (command.P1 != 0xFF || command.P2 is not (0xFF or 0xFE)) return Refuse(StatusWord.WrongP1P2);
        if (command.Data.Length < 3 || !Enum.IsDefined((ManagementKeyAlgorithm)command.Data.Span[0]))
            return Refuse(StatusWord.WrongData);
        var algorithm = (ManagementKeyAlgorithm)command.Data.Span[0];
        if (algorithm != ManagementKeyAlgorithm.TripleDes && options.Firmware < new Version(5, 4, 0))
            return Refuse(StatusWord.WrongData);
        if (!TryFind(command.Data[1..], PivApplication.ManagementKeyReference, out var key)
            || key.Length != algorithm.KeyLength())
            return Refuse(StatusWord.WrongData);

        managementKey = key.ToArray();
        managementAlgorithm = algorithm;
        managementTouch = command.P2 == 0xFE;
        return Ok();
    }

    private ResponseApdu GeneralAuthenticate(CommandApdu command)
    {
        if (!TryFind(command.Data, 0x7C, out var template)) return Refuse(StatusWord.WrongData);
        return command.P2 == PivApplication.ManagementKeyReference
            ? ProveManagementKey(command.P1, template)
            : UseSlot(command, template);
    }

    private ResponseApdu ProveManagementKey(byte algorithm, ReadOnlyMemory<byte> template)
    {
        // 00 is another name of triple DES (SP 800-78-4, table 6-2).
        if ((algorithm == 0x00 ? 0x03 : algorithm) != (byte)managementAlgorithm) return Refuse(StatusWord.WrongData);
        var block = managementAlgorithm.BlockLength();

        if (TryFind(template, 0x80, out var given))
        {
            if (given.IsEmpty)
            {
                // Mutual, first step: our witness, encrypted.
                witness = RandomNumberGenerator.GetBytes(block);
                return Template(0x80, ManagementKeyCipher.Encrypt(managementAlgorithm, managementKey, witness));
            }
            var expected = witness;
            witness = null;
            if (expected is null || !CryptographicOperations.FixedTimeEquals(expected, given.Span))
                return Refuse(StatusWord.SecurityNotSatisfied);
            if (!TryFind(template, 0x81, out var theirs) || theirs.Length != block) return Refuse(StatusWord.WrongData);
            return ProvedWith(ManagementKeyCipher.Encrypt(managementAlgorithm, managementKey, theirs.Span));
        }
        if (TryFind(template, 0x81, out var asked) && asked.IsEmpty)
        {
            // Single authentication: our challenge in the clear.
            challenge = RandomNumberGenerator.GetBytes(block);
            return Template(0x81, challenge);
        }
        if (TryFind(template, 0x82, out var response) && challenge is not null)
        {
            var expected = ManagementKeyCipher.Encrypt(managementAlgorithm, managementKey, challenge);
            challenge = null;
            return CryptographicOperations.FixedTimeEquals(expected, response.Span)
                ? ProvedWith(null)
                : Refuse(StatusWord.SecurityNotSatisfied);
        }
        return Refuse(StatusWord.WrongData);
    }

    private ResponseApdu ProvedWith(byte[]? response)
    {
        if (managementTouch && !options.IsTouched) return Refuse(StatusWord.SecurityNotSatisfied);
        managementProved = true;
        return response is null ? Ok() : Template(0x82, response);
    }

    private ResponseApdu GenerateKey(CommandApdu command)
    {
        if (!managementProved) return Refuse(StatusWord.SecurityNotSatisfied);
        if (!TryFind(command.Data, 0xAC, out var template) || !TryFind(template, 0x80, out var algorithm)
            || algorithm.Length != 1 || !IsKeySlot(command.P2))
            return Refuse(StatusWord.WrongData);

        AsymmetricAlgorithm? key = algorithm.Span[0] switch
        {
            0x06 => RSA.Create(1024),
            0x07 => RSA.Create(2048),
            0x11 => ECDsa.Create(ECCurve.NamedCurves.nistP256),
            0x14 => ECDsa.Create(ECCurve.NamedCurves.nistP384),
            _ => null,
        };
        if (key is null) return Refuse(StatusWord.WrongData);
        var pinPolicy = TryFind(template, 0xAA, out var p) && p.Length == 1 && p.Span[0] != 0 ? p.Span[0]
            : command.P2 == 0x9C ? (byte)3 : command.P2 == 0x9E ? (byte)1 : (byte)2;
        var touchPolicy = TryFind(template, 0xAB, out var t) && t.Length == 1 && t.Span[0] != 0 ? t.Span[0] : (byte)1;
        var slot = new Slot(algorithm.Span[0], pinPolicy, touchPolicy, key);
        slots[command.P2] = slot;
        using var writer = new TlvWriter();
        return Ok(writer.Add(0x7F49, PublicKey(slot)).ToArray());
    }

    private ResponseApdu GetSlotMetadata(byte reference)
    {
        if (!slots.TryGetValue(reference, out var slot)) return Refuse(StatusWord.ReferenceNotFound);
        using var writer = new TlvWriter();
        return Ok(writer.Add(0x01, [slot.Algorithm]).Add(0x02, [slot.PinPolicy, slot.TouchPolicy]).Add(0x03, [0x01])
            .Add(0x04, PublicKey(slot)).ToArray());
    }

    private ResponseApdu UseSlot(CommandApdu command, ReadOnlyMemory<byte> template)
    {
        if (!slots.TryGetValue(command.P2, out var slot) || slot.Algorithm != command.P1)
            return Refuse(StatusWord.WrongData);
        if (slot.PinPolicy != 1 && !pinVerified) return Refuse(StatusWord.SecurityNotSatisfied);
        if (!TryFind(template, 0x81, out var digest)) return Refuse(StatusWord.WrongData);
        if (slot.PinPolicy == 3) pinVerified = false;

        switch (slot.Key)
        {
            case ECDsa ec:
                return Template(0x82, ec.SignHash(digest.ToArray(), DSASignatureFormat.Rfc3279DerSequence));
            case RSA rsa:
                // The card does the bare operation; padding is the host's.
                var secret = rsa.ExportParameters(includePrivateParameters: true);
                if (digest.Length != secret.Modulus!.Length) return Refuse(StatusWord.WrongData);
                var power = BigInteger.ModPow(
                    new BigInteger(digest.Span, isUnsigned: true, isBigEndian: true),
                    new BigInteger(secret.D!, isUnsigned: true, isBigEndian: true),
                    new BigInteger(secret.Modulus, isUnsigned: true, isBigEndian: true))
                    .ToByteArray(isUnsigned: true, isBigEndian: true);
                return Template(0x82, [.. new byte[digest.Length - power.Length], .. power]);
            default:
                return Refuse(StatusWord.WrongData);
        }
    }

    private ResponseApdu Attest(CommandApdu command)
    {
        if (!slots.TryGetValue(command.P1, out var slot) || attestationCertificate is null
            || !slots.TryGetValue(PivApplication.AttestationSlot, out var signer))
            return Refuse(StatusWord.ReferenceNotFound);

        var request = slot.Key is RSA rsa
            ? new CertificateRequest($"CN=YubiKey PIV Attestation {command.P1:x}", rsa, HashAlgorithmName.SHA256,
                RSASignaturePadding.Pkcs1)
            : new CertificateRequest($"CN=YubiKey PIV Attestation {command.P1:x}", (ECDsa)slot.Key,
                HashAlgorithmName.SHA256);
        // Yubico, "PIV attestation": firmware, serial, policies.
        request.CertificateExtensions.Add(new X509Extension("1.3.6.1.4.1.41482.3.3", GetVersion().Data.Span, false));
        var integer = new AsnWriter(AsnEncodingRules.DER);
        integer.WriteInteger(options.Serial);
        request.CertificateExtensions.Add(new X509Extension("1.3.6.1.4.1.41482.3.7", integer.Encode(), false));
        request.CertificateExtensions.Add(
            new X509Extension("1.3.6.1.4.1.41482.3.8", [slot.PinPolicy, slot.TouchPolicy], false));
        var serial = RandomNumberGenerator.GetBytes(8);
        serial[0] &= 0x7F;
        using var made = request.Create(attestationCertificate.SubjectName,
            X509SignatureGenerator.CreateForECDsa((ECDsa)signer.Key),
            attestationCertificate.NotBefore, attestationCertificate.NotAfter, serial);
        return Ok(made.RawData);
    }

    private void MakeAttestationKey()
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Virtual PIV Attestation", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        using var made = request.CreateSelfSigned(
            new DateTimeOffset(2016, 3, 14, 0, 0, 0, TimeSpan.Zero),
            new DateTimeOffset(2052, 4, 17, 0, 0, 0, TimeSpan.Zero));
        attestationCertificate = X509CertificateLoader.LoadCertificate(made.RawData);
        slots[PivApplication.AttestationSlot] = new Slot(0x11, 1, 1, key);
        using var value = new TlvWriter();
        objects[PivObject.AttestationCertificate] =
            value.Add(0x70, made.RawData).Add(0x71, [0x00]).Add(0xFE, []).ToArray();
    }

    private static bool IsKeySlot(byte slot) =>
        slot is 0x9A or 0x9C or 0x9D or 0x9E or (>= 0x82 and <= 0x95) or PivApplication.AttestationSlot;

    private static byte[] PublicKey(Slot slot)
    {
        using var writer = new TlvWriter();
        if (slot.Key is RSA rsa)
        {
            var key = rsa.ExportParameters(includePrivateParameters: false);
            return writer.Add(0x81, key.Modulus).Add(0x82, key.Exponent).ToArray();
        }
        var point = ((ECDsa)slot.Key).ExportParameters(includePrivateParameters: false).Q;
        return writer.Add(0x86, [0x04, .. point.X!, .. point.Y!]).ToArray();
    }

    private static ResponseApdu Template(int tag, byte[] value)
    {
        using var inner = new TlvWriter();
        using var outer = new TlvWriter();
        return Ok(outer.Add(0x7C, inner.Add(tag, value).Written.Span).ToArray());
    }
}
