using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;

namespace Oath.Bench;

/// <summary>What it costs to make a key, and to find two codes again.</summary>
[MemoryDiagnoser]
public class KeyBenchmarks
{
    private readonly byte[] secret = RandomNumberGenerator.GetBytes(20);
    private readonly OtpCode[] codes = new OtpCode[2];
    private OathKey key = null!;

    [Params(OathAlgorithm.Sha1, OathAlgorithm.Sha256, OathAlgorithm.Sha512)]
    public OathAlgorithm Algorithm { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        key = OathKey.Create(Algorithm, secret);
        for (int i = 0; i < codes.Length; i++)
            OtpCode.TryParse(Hotp.Format(Hotp.Compute(key, 999 + (ulong)i, 6), 6), digits: 6, out codes[i]);
    }

    [Benchmark]
    public OathKey CreateKey() => OathKey.Create(Algorithm, secret);

    [Benchmark]
    public bool ResynchronizeOver1000() => Resynchronization.Find(key, 0, window: 1000, codes).Found;
}
