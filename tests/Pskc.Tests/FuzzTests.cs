using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Pskc.Tests;

/// <summary>
/// Files mutated at random, by octet and by element: nothing but PskcException escapes, nothing hangs, no memory is kept.
/// 200,000 files; PSKC_FUZZ_FILES says how many instead, PSKC_FUZZ_SEED repeats a run (docs/pskc.md). Alone in the process, as its memory is measured.
/// </summary>
[CollectionDefinition(nameof(FuzzTests), DisableParallelization = true)]
[Collection(nameof(FuzzTests))]
public class FuzzTests
{
    /// <summary>What a collected heap may differ by between two moments: caches of the runtime, and chance.</summary>
    private const long GrowthMax = 16 * 1024 * 1024;

    private static readonly string[] scraps =
    [
        "<KeyPackage>", "</KeyPackage>", "<Key/>", "<Key Id=\"x\">", "</Key>", "<Data>", "<Secret>", "<PlainValue>", "</PlainValue>",
        "<EncryptedValue/>", "<ValueMAC>AA==</ValueMAC>", "<Counter><PlainValue>-1</PlainValue></Counter>", "<!--", "-->", "<![CDATA[",
        "]]>", "&lt;", "&#0;", "&#x10FFFF;", "&x;", "<!DOCTYPE a>", "<?xml version=\"1.1\"?>", "xmlns=\"\"", "xmlns:x=\"urn:x\"", "\0",
        "999999999999999999999", "-0", "AAAA", "====", "<IterationCount>2147483648</IterationCount>", "#aes128-gcm", "#kw-aes128",
        "#tripledes-cbc", "#kw-tripledes", "#camellia128-cbc", "#kw-camellia128", "#rsa_1_5", "#rsa-oaep", "#hmac-sha224",
        "#hmac-ripemd160", "#kw-aes-128-pad", "<ds:Signature/>", "<Policy><x/></Policy>", "2026-13-45T99:99:99Z", "0001-01-01T00:00:00+14:00",
    ];

    [Fact]
    public void Nothing_but_a_PskcException_escapes_a_mutated_file()
    {
        var seed = int.Parse(Environment.GetEnvironmentVariable("PSKC_FUZZ_SEED")
            ?? Environment.TickCount.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        var random = new Random(seed);
        var seeds = Seeds();
        var clock = Stopwatch.StartNew();
        var files = long.Parse(Environment.GetEnvironmentVariable("PSKC_FUZZ_FILES") ?? "200000", CultureInfo.InvariantCulture);
        long tried = 0, refused = 0, settled = 0;
        while (tried < files)
        {
            if (settled == 0 && tried > files / 10)
            {
                settled = GC.GetTotalMemory(forceFullCollection: true);
            }
            var (file, options) = seeds[random.Next(seeds.Count)];
            var mutated = Mutate(random, file, seeds[random.Next(seeds.Count)].File);
            var before = Environment.CpuUsage.TotalTime;
            try
            {
                using var stream = new MemoryStream(mutated);
                using var reader = PskcReader.Open(stream, options);
                foreach (var package in reader.ReadKeyPackages())
                {
                    package.Dispose();
                }
            }
            catch (PskcException)
            {
                refused++;
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}, try {tried}: {e}\n{Convert.ToBase64String(mutated)}");
            }
            // Work, not time: a busy machine makes a file late, but no dearer.
            var took = Environment.CpuUsage.TotalTime - before;
            Assert.True(took < TimeSpan.FromSeconds(5), $"seed {seed}, try {tried}: {took}\n{Convert.ToBase64String(mutated)}");
            tried++;
        }
        var growth = GC.GetTotalMemory(forceFullCollection: true) - settled;
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"seed {seed}: {tried} files, {refused} refused, {growth / 1024} KiB more than when it had settled, {clock.Elapsed.TotalSeconds:0} s");
        Assert.True(settled > 0 && growth < GrowthMax, $"seed {seed}: {growth} octets are kept after {tried} files");
        // Mutations that leave most files refused or most accepted find little.
        Assert.InRange(refused, tried / 10, tried * 99 / 100);
    }

    private static List<(byte[] File, PskcReadOptions Options)> Seeds()
    {
        var limits = new PskcLimits { MaxPbkdf2Iterations = 2000 };
        var list = new List<(byte[], PskcReadOptions)>();
        foreach (var encryption in Enum.GetValues<ValueEncryption>())
        {
            using var protection = ContainerProtection.PreSharedKey(Containers.Key16, encryption: encryption);
            var file = Containers.Write(new() { Protection = protection, EncryptIntegers = true }, Containers.Hotp("A"), Containers.Hotp("B"));
            var key = KeySource.PreSharedKey(Containers.Key16);
            list.Add((file, new() { Key = key, Limits = limits }));
            list.Add((file, new() { Key = key, Limits = limits, MacPolicy = MacPolicy.NoCheck, AllowUnauthenticated = true }));
            list.Add((file, new() { Key = key, Limits = limits, MacPolicy = MacPolicy.SkipKey, IntegerReading = IntegerReading.BigEndian }));
        }
        using var passphrase = ContainerProtection.Passphrase("p", iterations: 100);
        list.Add((Containers.Write(new() { Protection = passphrase }, Containers.Hotp("A")), new() { Key = KeySource.Passphrase("p"), Limits = limits }));
        using var none = ContainerProtection.None();
        var plain = Containers.Write(new() { Protection = none, Id = "c" }, Containers.Hotp("A"), Containers.Hotp("B"));
        list.Add((plain, new() { Limits = limits }));
        var ca = new TestCa();
        list.Add((Containers.Write(new() { Protection = none, Signer = ca.Signer }, Containers.Hotp("A")),
            new() { Limits = limits, TrustAnchors = new X509Certificate2Collection(ca.Root) }));
        foreach (var file in Corpus.Files("read").Concat(Corpus.Files("refuse")))
        {
            list.Add((File.ReadAllBytes(file.Path), file.Options() with { Limits = limits }));
            list.Add((File.ReadAllBytes(file.Path), file.Options() with { Limits = limits, MacPolicy = MacPolicy.NoCheck, AllowUnauthenticated = true }));
        }
        return list;
    }

    private static byte[] Mutate(Random random, byte[] file, byte[] other)
    {
        var octets = new List<byte>(file);
        for (var rounds = random.Next(1, 4); rounds > 0; rounds--)
        {
            var at = random.Next(octets.Count + 1);
            switch (random.Next(8))
            {
                case 0 when octets.Count > 0:
                    octets[Math.Min(at, octets.Count - 1)] = (byte)random.Next(256);
                    break;
                case 1:
                    octets.RemoveRange(at, Math.Min(random.Next(20), octets.Count - at));
                    break;
                case 2:
                    octets.InsertRange(at, Encoding.UTF8.GetBytes(scraps[random.Next(scraps.Length)]));
                    break;
                case 3:
                    octets = octets[..at];
                    break;
                case 4: // an element of another file in place of one
                    var (start, length) = Element(random, octets);
                    var foreign = new List<byte>(other);
                    var (from, count) = Element(random, foreign);
                    octets.RemoveRange(start, length);
                    octets.InsertRange(start, foreign.GetRange(from, count));
                    break;
                case 5: // an element twice
                    (start, length) = Element(random, octets);
                    octets.InsertRange(start, octets.GetRange(start, length));
                    break;
                case 6: // an element gone
                    (start, length) = Element(random, octets);
                    octets.RemoveRange(start, length);
                    break;
                default: // a scrap where a tag begins
                    (start, _) = Element(random, octets);
                    octets.InsertRange(start, Encoding.UTF8.GetBytes(scraps[random.Next(scraps.Length)]));
                    break;
            }
        }
        return [.. octets];
    }

    /// <summary>From some tag to the end of its closing tag, found by its name.</summary>
    private static (int Start, int Length) Element(Random random, List<byte> octets)
    {
        var text = Encoding.Latin1.GetString([.. octets]);
        var start = text.Length == 0 ? -1 : text.IndexOf('<', random.Next(text.Length));
        if (start < 0)
        {
            return (0, 0);
        }
        var nameEnd = text.IndexOfAny([' ', '>', '/', '\n', '\r', '\t'], start);
        var close = nameEnd < 0 ? -1 : text.IndexOf("</" + text[(start + 1)..nameEnd] + ">", start, StringComparison.Ordinal);
        return close < 0 ? (start, 0) : (start, close + nameEnd - start + 2 - start);
    }
}
