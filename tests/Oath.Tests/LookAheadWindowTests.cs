using Oath.Lanes;

namespace Oath.Tests;

public sealed class LookAheadWindowTests
{
    private static readonly byte[] Secret = [.. Enumerable.Range(1, 20).Select(i => (byte)i)];

    [Theory]
    [InlineData(0, 0, true)]     // the counter itself
    [InlineData(1, 0, false)]    // no look-ahead, no later counter
    [InlineData(10, 10, true)]   // last counter inside
    [InlineData(11, 10, false)]  // first counter outside
    [InlineData(63, 63, true)]   // both sides of a group of 64
    [InlineData(64, 63, false)]
    [InlineData(64, 64, true)]
    [InlineData(1000, 1000, true)]
    [InlineData(1001, 1000, false)]
    public void A_code_is_found_up_to_the_edge_of_the_window_and_not_past_it(int ahead, int lookAhead, bool found)
    {
        using OathKey key = OathKey.Create(OathAlgorithm.Sha1, Secret);
        OtpCode code = Code(key, 5000 + (ulong)ahead, digits: 8);

        foreach (LaneWidth width in Widths.Here)
        {
            Assert.Equal(found, LookAheadWindow.TryMatch(key, 5000, lookAhead, code, width, out ulong matched));
            Assert.Equal(found ? 5000 + (ulong)ahead : 0, matched);
        }
    }

    [Fact]
    public void A_code_below_the_counter_is_not_found()
    {
        using OathKey key = OathKey.Create(OathAlgorithm.Sha1, Secret);
        Assert.False(LookAheadWindow.TryMatch(key, 5000, lookAhead: 100, Code(key, 4999, digits: 8), out _));
    }

    [Fact]
    public void The_window_ends_with_the_last_counter_there_is()
    {
        foreach (OathAlgorithm algorithm in Enum.GetValues<OathAlgorithm>())
        {
            using OathKey key = OathKey.Create(algorithm, Secret);
            OtpCode last = Code(key, ulong.MaxValue, digits: 8);
            OtpCode zero = Code(key, 0, digits: 8);

            foreach (LaneWidth width in Widths.Here)
            {
                Assert.True(LookAheadWindow.TryMatch(key, ulong.MaxValue, 0, last, width, out ulong matched));
                Assert.Equal(ulong.MaxValue, matched);
                Assert.True(LookAheadWindow.TryMatch(key, ulong.MaxValue - 70, 100_000, last, width, out matched));
                Assert.Equal(ulong.MaxValue, matched);
                Assert.False(LookAheadWindow.TryMatch(key, ulong.MaxValue - 70, 100_000, zero, width, out _));
            }
        }
    }

    [Fact]
    public void The_smallest_of_several_matches_is_given()
    {
        using OathKey key = OathKey.Create(OathAlgorithm.Sha1, Secret);
        // Among 20,000 six-digit codes some two are the same.
        var seen = new Dictionary<uint, ulong>();
        ulong counter = 0;
        while (seen.TryAdd(Hotp.Compute(key, counter, digits: 6), counter))
            counter++;
        OtpCode code = Code(key, counter, digits: 6);

        Assert.True(LookAheadWindow.TryMatch(key, 0, lookAhead: (int)counter, code, out ulong matched));
        Assert.Equal(seen[Hotp.Compute(key, counter, digits: 6)], matched);
    }

    [Fact]
    public void A_window_too_large_or_negative_is_refused()
    {
        using OathKey key = OathKey.Create(OathAlgorithm.Sha1, Secret);
        Assert.Throws<ArgumentOutOfRangeException>(() => LookAheadWindow.TryMatch(key, 0, -1, default, out _));
        Assert.Throws<ArgumentOutOfRangeException>(
            () => LookAheadWindow.TryMatch(key, 0, LookAheadWindow.MaxLookAhead + 1, default, out _));
    }

    [Fact]
    public void Nothing_is_allocated_to_decide_a_code()
    {
        foreach (OathAlgorithm algorithm in Enum.GetValues<OathAlgorithm>())
        {
            using OathKey key = OathKey.Create(algorithm, Secret);
            OtpCode[] codes = [Code(key, 900, digits: 6), Code(key, 901, digits: 6)];
            Decide(key, codes);

            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 100; i++)
                Decide(key, codes);

            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        }
    }

    private static void Decide(OathKey key, OtpCode[] codes)
    {
        OtpCode.TryParse("755224", digits: 6, out OtpCode typed);
        LookAheadWindow.TryMatch(key, 5, lookAhead: 9, typed, out _);
        Totp.TryMatch(key, 50_000_000, 1, 1, 1, firstAllowedStep: 0, typed, out _);
        Resynchronization.Find(key, 0, window: 1000, codes);
    }

    private static OtpCode Code(OathKey key, ulong counter, int digits) =>
        OtpCode.TryParse(Hotp.Format(Hotp.Compute(key, counter, digits), digits), digits, out OtpCode code)
            ? code
            : throw new InvalidOperationException();
}
