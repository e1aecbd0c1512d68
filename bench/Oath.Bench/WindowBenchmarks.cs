using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using Oath.Lanes;

namespace Oath.Bench;

/// <summary>The whole window by every lane width, against the peers' loops.</summary>
[MemoryDiagnoser]
public class WindowBenchmarks
{
    private const ulong Counter = 1_000_000;
    private OathKey key = null!;
    private Peers peers = null!;
    private OtpCode code;

    [Params(OathAlgorithm.Sha1, OathAlgorithm.Sha256, OathAlgorithm.Sha512)]
    public OathAlgorithm Algorithm { get; set; }

    [Params(1, 3, 10, 100, 1000)]
    public int Codes { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        byte[] secret = RandomNumberGenerator.GetBytes(20);
        key = OathKey.Create(Algorithm, secret);
        peers = new Peers(Algorithm, secret);
        OtpCode.TryParse("000000", digits: 6, out code);
    }

    [Benchmark]
    public bool Widest() => Try(LaneWidth.Widest);

    [Benchmark]
    public bool Avx512() => Try(LaneWidth.Avx512);

    [Benchmark]
    public bool Avx512Vl() => Try(LaneWidth.Avx512Vl);

    [Benchmark]
    public bool Avx2() => Try(LaneWidth.Avx2);

    [Benchmark]
    public bool Portable128() => Try(LaneWidth.Portable128);

    [Benchmark]
    public bool Scalar() => Try(LaneWidth.Scalar);

    [Benchmark(Baseline = true)]
    public int OtpNet() => peers.OtpNetWindow(Counter, Codes, "000000", stopAtMatch: false);

    [Benchmark]
    public int HashData() => peers.HashDataWindow(Counter, Codes, 0);

    private bool Try(LaneWidth width) => LookAheadWindow.TryMatch(key, Counter, Codes - 1, code, width, out _);
}
