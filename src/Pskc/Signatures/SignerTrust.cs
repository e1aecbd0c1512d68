using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Pskc.Signatures;

/// <summary>
/// Whether a signer's certificate leads to a trust anchor. The one in the file proves nothing by itself.
/// </summary>
internal static class SignerTrust
{
    public static void Check(X509Certificate2 signer, List<X509Certificate2> others, PskcReadOptions options)
    {
        var usage = signer.Extensions.OfType<X509KeyUsageExtension>().FirstOrDefault();
        if (usage is not null
            && (usage.KeyUsages & (X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.NonRepudiation)) == 0
            && !IsAnchor(signer, options))
        {
            throw ContainerVerifier.Invalid("the signer's certificate is not one for signing");
        }
        if (IsAnchor(signer, options) && (options.IgnoreCertificateTime || signer.NotAfter > TimeProvider.System.GetLocalNow().DateTime))
        {
            return;
        }
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(options.TrustAnchors!);
        chain.ChainPolicy.ExtraStore.AddRange(others.ToArray());
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationFlags = options.IgnoreCertificateTime
            ? X509VerificationFlags.IgnoreNotTimeValid : X509VerificationFlags.NoFlag;
        bool trusted;
        try
        {
            trusted = chain.Build(signer);
        }
        catch (CryptographicException)
        {
            trusted = false;
        }
        if (!trusted)
        {
            throw ContainerVerifier.Invalid($"'{PskcException.Printable(signer.Subject)}' signed it, whose certificate does " +
                "not lead to a trust anchor");
        }
    }

    private static bool IsAnchor(X509Certificate2 signer, PskcReadOptions options) =>
        options.TrustAnchors!.Any(anchor => anchor.RawData.AsSpan().SequenceEqual(signer.RawData));
}
