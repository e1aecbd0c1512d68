using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace OathServer.Operations;

/// <summary>A self-signed certificate for this machine's own name, so that HTTPS can be tried before there is a real
/// one. Kept in the data folder, so that a browser's exception for it lasts.</summary>
internal static class TrialCertificate
{
    public const string FileName = "trial-certificate.pem";

    private static readonly TimeSpan Life = TimeSpan.FromDays(365);

    public static X509Certificate2 Load(string folder)
    {
        var path = Path.Combine(folder, FileName);
        if (File.Exists(path))
        {
            var kept = WithUsableKey(X509Certificate2.CreateFromPemFile(path, path));
            if (kept.NotAfter.ToUniversalTime() > TimeProvider.System.GetUtcNow().UtcDateTime)
            {
                return kept;
            }
        }

        Directory.CreateDirectory(folder);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var made = Make(key);
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using (var file = new FileStream(path, options))
        using (var text = new StreamWriter(file))
        {
            text.WriteLine(made.ExportCertificatePem());
            text.WriteLine(key.ExportPkcs8PrivateKeyPem());
        }

        return WithUsableKey(X509Certificate2.CreateFromPemFile(path, path));
    }

    private static X509Certificate2 Make(ECDsa key)
    {
        var request = new CertificateRequest("CN=OathServer trial certificate", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddDnsName(Dns.GetHostName());
        names.AddIpAddress(IPAddress.Loopback);
        names.AddIpAddress(IPAddress.IPv6Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddDays(-1), now + Life);
    }

    /// <summary>Windows does not serve TLS with a key that lives in memory only.</summary>
    private static X509Certificate2 WithUsableKey(X509Certificate2 certificate)
    {
        using (certificate)
        {
            return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), password: null);
        }
    }
}
