using Oath.Lanes;

namespace Oath.Tests;

/// <summary>One million random windows, each decided by Otp.NET's codes and by every lane width in turn.</summary>
public sealed class DifferentialTests
{
    private const int Cases = 1_000_000;
    private const int CasesPerSecret = 500;
    private const int CodesPerSecret = 120;

    [Fact]
    public void A_million_windows_are_decided_as_Otp_NET_decides_them_at_every_lane_width()
    {
        int next = -1;
        int done = 0;
        Parallel.For(0, Environment.ProcessorCount, _ =>
        {
            int batch;
            while ((batch = Interlocked.Increment(ref next)) < Cases / CasesPerSecret)
                Interlocked.Add(ref done, Compare(batch));
        });

        Assert.Equal(Cases, done);
    }

    /// <summary>One secret: its codes are computed once by Otp.NET, then many windows over them are tried.</summary>
    private static int Compare(int batch)
    {
        var random = new Random(unchecked(TestSeed.Value + batch * 7919));
        var algorithm = (OathAlgorithm)random.Next(3);
        int digits = random.Next(6, 9);
        byte[] secret = new byte[random.Next(1, 201)];
        random.NextBytes(secret);
        ulong first = AwkwardCounter(random);
        int available = (int)Math.Min(CodesPerSecret - 1, ulong.MaxValue - first) + 1;

        OtpNet.Hotp hotp = OtpNetOracle.Create(algorithm, secret, digits);
        uint[] codes = new uint[available];
        for (int i = 0; i < available; i++)
            codes[i] = OtpNetOracle.Code(hotp, first + (ulong)i);

        using OathKey key = OathKey.Create(algorithm, secret);
        for (int i = 0; i < CasesPerSecret; i++)
        {
            LaneWidth width = Widths.Here[i % Widths.Here.Count];
            int start = random.Next(available);
            // Half the windows are short, as in use. Near the end of all counters they reach past it.
            int lookAhead = random.Next(2) == 0 ? random.Next(12) : random.Next(available);
            if (first + (ulong)(available - 1) != ulong.MaxValue)
                lookAhead = Math.Min(lookAhead, available - 1 - start);
            uint typed = random.Next(4) == 0
                ? (uint)random.Next((int)Math.Pow(10, digits))
                : codes[random.Next(available)];

            int place = Array.IndexOf(codes, typed, start, Math.Min(lookAhead + 1, available - start));
            Assert.True(OtpCode.TryParse(Hotp.Format(typed, digits), digits, out OtpCode code));
            bool found = LookAheadWindow.TryMatch(
                key, first + (ulong)start, lookAhead, code, width, out ulong matched);

            if (found != (place >= 0) || (found && matched != first + (ulong)place))
            {
                Assert.Fail(TestSeed.Note(
                    $"batch {batch}, {algorithm}, {secret.Length}-byte secret, {digits} digits, {width}, "
                    + $"counter {first + (ulong)start}, look-ahead {lookAhead}, found {found} at {matched}"));
            }
        }

        return CasesPerSecret;
    }

    /// <summary>Small, anywhere, around the carry into the high word, around the sign bit, at the very end.</summary>
    private static ulong AwkwardCounter(Random random) => random.Next(6) switch
    {
        0 => (ulong)random.Next(1000),
        1 => (ulong)random.NextInt64(),
        2 => 0x1_0000_0000 - (ulong)random.Next(CodesPerSecret),
        3 => ((ulong)random.Next() << 32) - (ulong)random.Next(CodesPerSecret),
        4 => 0x8000_0000_0000_0000 - (ulong)random.Next(CodesPerSecret),
        _ => ulong.MaxValue - (ulong)random.Next(CodesPerSecret * 2),
    };
}
