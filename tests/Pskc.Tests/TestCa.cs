using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Pskc.Tests;

/// <summary>A root and a signer under it, made for one test.</summary>
internal sealed class TestCa : IDisposable
{
    private readonly RSA rootKey = RSA.Create(2048);
    private readonly RSA signerKey = RSA.Create(2048);

    public TestCa()
    {
        var now = DateTimeOffset.UtcNow;
        var root = new CertificateRequest("CN=Root", rootKey, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        root.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        Root = root.CreateSelfSigned(now.AddDays(-2), now.AddDays(2));
        var signer = new CertificateRequest("CN=Signer", signerKey, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        signer.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        using var bare = signer.Create(Root, now.AddDays(-1), now.AddDays(1), RandomNumberGenerator.GetBytes(8));
        Signer = bare.CopyWithPrivateKey(signerKey);
    }

    public X509Certificate2 Root { get; }

    public X509Certificate2 Signer { get; }

    public void Dispose()
    {
        Root.Dispose();
        Signer.Dispose();
        rootKey.Dispose();
        signerKey.Dispose();
    }
}
