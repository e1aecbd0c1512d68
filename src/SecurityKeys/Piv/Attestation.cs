using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using SecurityKeys.Cards;

namespace SecurityKeys.Piv;

/// <summary>
/// What an attestation certificate tells of the key it was made on (Yubico, "PIV attestation": extensions under
/// 1.3.6.1.4.1.41482.3). Worth no more than the chain above it: check <see cref="IsSignedBy"/>.
/// </summary>
public sealed class Attestation : IDisposable
{
    private const string FirmwareExtension = "1.3.6.1.4.1.41482.3.3";
    private const string SerialExtension = "1.3.6.1.4.1.41482.3.7";

    private Attestation(X509Certificate2 certificate, uint? serial, Version? firmware) =>
        (Certificate, Serial, Firmware) = (certificate, serial, firmware);

    /// <summary>The whole certificate.</summary>
    public X509Certificate2 Certificate { get; }

    /// <summary>The device's serial number (extension 3.7).</summary>
    public uint? Serial { get; }

    /// <summary>The firmware at the time of attestation (extension 3.3).</summary>
    public Version? Firmware { get; }

    /// <summary>Whether this certificate was signed by the attestation key whose certificate is given.</summary>
    public bool IsSignedBy(X509Certificate2 attestationKey)
    {
        ArgumentNullException.ThrowIfNull(attestationKey);
        using var chain = new X509Chain();
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(attestationKey);
        // The factory's intermediates carry no CA constraints worth the name, and dates are meaningless on a device.
        chain.ChainPolicy.VerificationFlags = X509VerificationFlags.IgnoreNotTimeValid
            | X509VerificationFlags.IgnoreInvalidBasicConstraints
            | X509VerificationFlags.AllowUnknownCertificateAuthority;
        return chain.Build(Certificate) && chain.ChainElements.Count == 2
            && chain.ChainElements[1].Certificate.RawDataMemory.Span.SequenceEqual(attestationKey.RawDataMemory.Span);
    }

    /// <inheritdoc/>
    public void Dispose() => Certificate.Dispose();

    internal static Attestation Read(ReadOnlySpan<byte> der)
    {
        try
        {
            var certificate = X509CertificateLoader.LoadCertificate(der);
            return new Attestation(certificate, ReadSerial(certificate), ReadFirmware(certificate));
        }
        catch (Exception e) when (e is CryptographicException or AsnContentException)
        {
            throw new BadCardAnswerException("The attestation cannot be read.");
        }
    }

    private static uint? ReadSerial(X509Certificate2 certificate)
    {
        if (certificate.Extensions[SerialExtension] is not { } extension) return null;
        // Firmware before 4.3.5 wrote the integer without a leading zero, so a large serial reads as negative.
        var value = AsnDecoder.ReadInteger(extension.RawData, AsnEncodingRules.DER, out _);
        return value.Sign < 0 ? (uint)(value + (System.Numerics.BigInteger.One << 32)) : (uint)value;
    }

    private static Version? ReadFirmware(X509Certificate2 certificate) =>
        certificate.Extensions[FirmwareExtension]?.RawData is [var major, var minor, var patch]
            ? new Version(major, minor, patch)
            : null;
}
