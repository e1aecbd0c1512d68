using System.Runtime.CompilerServices;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Pskc.Tests;

/// <summary>samples/pskc/MANIFEST.txt: every file with how it is opened and what must come of it.</summary>
public class SampleTests
{
    private static string Folder([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../samples/pskc"));

    private static string[][] Lines() =>
    [
        .. File.ReadAllLines(Path.Combine(Folder(), "MANIFEST.txt"))
            .Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Split('\t')),
    ];

    public static TheoryData<string, string, string> Containers() =>
        [.. Lines().Where(line => line[1] != "-").Select(line => (line[0], line[1], line[2]))];

    public static TheoryData<string, string> Accepted() =>
        [.. Lines().Where(line => line[2].StartsWith("accept", StringComparison.Ordinal)).Select(line => (line[0], line[1]))];

    [Fact]
    public void Every_file_has_a_line_and_every_line_a_file()
    {
        var files = Directory.EnumerateFiles(Folder(), "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(Folder(), file)).Order(StringComparer.Ordinal);

        Assert.Equal(files, Lines().Select(line => line[0]).Order(StringComparer.Ordinal));
        Assert.Equal(23, Containers().Count);
        Assert.Equal(7, Accepted().Count);
    }

    [Theory, MemberData(nameof(Containers))]
    public void A_sample_comes_to_what_the_manifest_says(string file, string how, string outcome) =>
        Assert.Equal(outcome, Outcome(File.ReadAllBytes(Path.Combine(Folder(), file)), how));

    [Theory, MemberData(nameof(Accepted))]
    public void A_sample_cut_off_anywhere_is_refused(string file, string how)
    {
        var whole = File.ReadAllBytes(Path.Combine(Folder(), file));
        var end = Encoding.UTF8.GetString(whole).LastIndexOf('>');

        for (var length = 0; length <= end; length += 1 + (whole.Length / 100))
        {
            Assert.StartsWith("refuse", Outcome(whole[..length], how), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_shipment_has_thirty_HOTP_keys_with_start_counters_past_zero()
    {
        using var key = KeySource.PreSharedKey(Convert.FromHexString(
            File.ReadAllText(Path.Combine(Folder(), "shipment.key.hex")).Trim()));
        using var file = File.OpenRead(Path.Combine(Folder(), "shipment.pskcxml"));
        using var reader = PskcReader.Open(file, new PskcReadOptions { Key = key });

        var packages = reader.ReadKeyPackages().ToList();

        Assert.Equal(30, packages.Select(package => package.SerialNo).Distinct().Count());
        Assert.All(packages, package => Assert.True(package.Keys.Single() is
        {
            Algorithm: KeyAlgorithm.Hotp, Secret.Length: 20, Counter: > 0, ResponseFormat.Length: 6, IsUsable: true, IsWeak: false,
        }));
        Assert.Contains(packages, package => package.Keys[0].Counter > 65_535);
        Assert.Empty(reader.Warnings);
    }

    private static string Outcome(byte[] octets, string how)
    {
        var (kind, name) = how.Split('=') is [var k, var n] ? (k, n) : (how, "");
        var text = name.Length > 0 ? File.ReadAllText(Path.Combine(Folder(), name)).Trim() : "";
        using var key = kind switch
        {
            "key" => KeySource.PreSharedKey(Convert.FromHexString(text)),
            "passphrase" => KeySource.Passphrase(text),
            "private-key" => KeySource.FromPem(text),
            _ => null,
        };
        var anchors = kind == "trust" ? new X509Certificate2Collection(X509Certificate2.CreateFromPem(text)) : null;
        try
        {
            using var stream = new MemoryStream(octets);
            using var reader = PskcReader.Open(stream, new PskcReadOptions { Key = key, TrustAnchors = anchors });
            var keys = reader.ReadKeyPackages().Sum(package => package.Keys.Count);
            return $"accept {keys} keys";
        }
        catch (PskcException e)
        {
            return $"refuse {e.Fault}";
        }
    }
}
