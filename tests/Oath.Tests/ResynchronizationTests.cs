using Oath.Lanes;

namespace Oath.Tests;

public sealed class ResynchronizationTests
{
    private static readonly byte[] Secret = [.. Enumerable.Range(1, 20).Select(i => (byte)i)];

    [Theory]
    [InlineData(0, 2)]
    [InlineData(61, 3)]   // a run over the border between two groups of 64
    [InlineData(62, 2)]
    [InlineData(62, 3)]
    [InlineData(63, 2)]
    [InlineData(63, 3)]
    [InlineData(64, 3)]
    [InlineData(999, 2)]
    [InlineData(999, 3)]
    public void Consecutive_codes_are_found_wherever_they_are_in_the_window(int ahead, int codes)
    {
        using OathKey key = OathKey.Create(OathAlgorithm.Sha1, Secret);
        OtpCode[] typed = Codes(key, 7000 + (ulong)ahead, codes, digits: 8);

        foreach (LaneWidth width in Widths.Here)
        {
            ResynchronizationResult result = Resynchronization.Find(key, 7000, window: 1000, typed, width);

            Assert.Equal(ResynchronizationOutcome.Found, result.Outcome);
            Assert.Equal(7000 + (ulong)(ahead + codes - 1), result.LastMatched);
            Assert.Equal(7000 + (ulong)(ahead + codes), result.NextCounter);
            Assert.Equal((ulong)ahead, result.Distance);
        }
    }

    [Fact]
    public void A_stray_match_of_the_first_code_does_not_hide_the_pair_behind_it()
    {
        using OathKey key = OathKey.Create(OathAlgorithm.Sha1, Secret);
        (ulong stray, ulong real) = SameCodeTwice(key);

        ResynchronizationResult result =
            Resynchronization.Find(key, stray, Resynchronization.MaxWindow, Codes(key, real, count: 2, digits: 6));

        Assert.Equal(ResynchronizationOutcome.Found, result.Outcome);
        Assert.Equal(real + 1, result.LastMatched);
    }

    [Fact]
    public void Codes_that_follow_each_other_at_two_places_are_refused_as_ambiguous()
    {
        using OathKey key = OathKey.Create(OathAlgorithm.Sha1, Secret);
        // Found by looking through the first thirty million counters of this secret; both read 896086, 923268.
        const ulong first = 11_945_720, second = 12_002_942;
        OtpCode[] pair = Codes(key, first, count: 2, digits: 6);
        Assert.Equal(pair, Codes(key, second, count: 2, digits: 6));

        Assert.Equal(
            ResynchronizationOutcome.Ambiguous,
            Resynchronization.Find(key, first, (int)(second - first) + 1, pair).Outcome);
        Assert.Equal(first, Resynchronization.Find(key, first, window: (int)(second - first), pair).LastMatched - 1);
        Assert.Equal(second, Resynchronization.Find(key, first + 1, Resynchronization.MaxWindow, pair).LastMatched - 1);
    }

    [Fact]
    public void The_reason_for_a_refusal_is_told()
    {
        using OathKey key = OathKey.Create(OathAlgorithm.Sha1, Secret);
        OtpCode near = Codes(key, 7500, count: 1, digits: 8)[0];
        OtpCode other = Codes(key, 9999, count: 1, digits: 8)[0];

        Assert.Equal(ResynchronizationOutcome.NotConsecutive, Outcome(key, [near, other]));
        Assert.Equal(ResynchronizationOutcome.NotConsecutive, Outcome(key, [near, near]));
        Assert.Equal(ResynchronizationOutcome.FirstCodeNotFound, Outcome(key, [other, near]));
        Assert.Equal(ResynchronizationOutcome.FirstCodeNotFound, Outcome(key, Codes(key, 8000, 2, digits: 8)));
        Assert.Equal(1000, Resynchronization.Find(key, 7000, window: 1000, [other, near]).Window);
    }

    [Theory]
    [InlineData(6900, ResynchronizationOutcome.AlreadyUsed)]
    [InlineData(6999, ResynchronizationOutcome.AlreadyUsed)]   // the second code is the one expected next
    [InlineData(6899, ResynchronizationOutcome.FirstCodeNotFound)]
    public void Codes_below_the_counter_are_told_as_already_used_and_never_found(
        int at, ResynchronizationOutcome outcome)
    {
        using OathKey key = OathKey.Create(OathAlgorithm.Sha1, Secret);
        Assert.Equal(outcome, Outcome(key, Codes(key, (ulong)at, count: 2, digits: 8)));
        Assert.Equal(outcome, Outcome(key, Codes(key, (ulong)at, count: 3, digits: 8)));
    }

    [Fact]
    public void The_first_code_typed_again_is_told_as_already_used()
    {
        using OathKey key = OathKey.Create(OathAlgorithm.Sha1, Secret);
        OtpCode old = Codes(key, 6990, count: 1, digits: 8)[0];
        Assert.Equal(ResynchronizationOutcome.AlreadyUsed, Outcome(key, [old, old]));
    }

    [Fact]
    public void There_always_is_a_next_counter()
    {
        using OathKey key = OathKey.Create(OathAlgorithm.Sha1, Secret);
        OtpCode[] last = Codes(key, ulong.MaxValue - 2, count: 3, digits: 8);

        ResynchronizationResult found = Resynchronization.Find(key, ulong.MaxValue - 9, 1000, last.AsSpan(0, 2));
        Assert.Equal(ulong.MaxValue, found.NextCounter);
        Assert.False(Resynchronization.Find(key, ulong.MaxValue - 9, 1000, last).Found);
        Assert.False(Resynchronization.Find(key, ulong.MaxValue, 1000, last).Found);
    }

    [Fact]
    public void One_code_and_four_codes_are_refused()
    {
        using OathKey key = OathKey.Create(OathAlgorithm.Sha1, Secret);
        Assert.Throws<ArgumentException>(() => Resynchronization.Find(key, 0, 10, new OtpCode[1]));
        Assert.Throws<ArgumentException>(() => Resynchronization.Find(key, 0, 10, new OtpCode[4]));
    }

    private static ResynchronizationOutcome Outcome(OathKey key, OtpCode[] codes) =>
        Resynchronization.Find(key, 7000, window: 1000, codes).Outcome;

    private static (ulong Stray, ulong Real) SameCodeTwice(OathKey key)
    {
        var seen = new Dictionary<uint, ulong>();
        for (ulong counter = 0; ; counter++)
        {
            uint code = Hotp.Compute(key, counter, digits: 6);
            if (!seen.TryAdd(code, counter))
                return (seen[code], counter);
        }
    }

    private static OtpCode[] Codes(OathKey key, ulong from, int count, int digits) =>
    [
        .. Enumerable.Range(0, count).Select(i =>
            OtpCode.TryParse(Hotp.Format(Hotp.Compute(key, from + (ulong)i, digits), digits), digits, out OtpCode code)
                ? code
                : throw new InvalidOperationException()),
    ];
}
